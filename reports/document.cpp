#include "reports/document.h"

#include <algorithm>
#include <type_traits>

namespace edgeopt {
namespace {

bool is_empty(const Paragraph& paragraph) {
  return std::ranges::all_of(paragraph.words, [](const Span& span) { return span.text.empty(); });
}
bool is_empty(const List& list) { return list.items.empty(); }
bool is_empty(const Table& table) { return table.rows.empty(); }
bool is_empty(const Chart& chart) { return !has_content(chart); }

}  // namespace

Paragraph plain(std::string text) { return {{{std::move(text)}}}; }

void add(Section& section, Block block) {
  if (!std::visit([](const auto& content) { return is_empty(content); }, block))
    section.blocks.push_back(std::move(block));
}

void add(Document& document, Section section) {
  if (!section.blocks.empty()) document.sections.push_back(std::move(section));
}

}  // namespace edgeopt
