// A Document as Markdown.
#include <fmt/format.h>

#include "reports/document.h"

namespace edgeopt {
namespace {

std::string to_markdown(const Sentence& sentence) {
  std::string text;
  for (const Span& span : sentence) {
    const char* mark = span.style == Span::Style::strong ? "**" : span.style == Span::Style::code ? "`" : "";
    text += fmt::format("{0}{1}{0}", mark, span.text);
  }
  return text;
}

std::string to_markdown(const Paragraph& paragraph) { return to_markdown(paragraph.words) + "\n"; }

std::string to_markdown(const List& list) {
  std::string text;
  for (const Sentence& item : list.items) text += fmt::format("- {}\n", to_markdown(item));
  return text;
}

std::string to_markdown(const Chart&) { return ""; }

}  // namespace

std::string to_markdown(const Document& document) {
  std::string text = fmt::format("# {}\n\n{}\n", document.title, document.outcome);
  for (const Section& section : document.sections) {
    text += fmt::format("\n## {}\n", section.title);
    bool is_first = true;
    for (const Block& block : section.blocks) {
      const std::string part = std::visit([](const auto& content) { return to_markdown(content); }, block);
      if (part.empty()) continue;
      text += (is_first ? "" : "\n") + part;
      is_first = false;
    }
  }
  return text;
}

}  // namespace edgeopt
