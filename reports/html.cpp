// A Document as one HTML file that needs no other: style and charts inside, no script, nothing fetched.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "reports/document.h"
#include "reports/html_style.h"
#include "reports/markup.h"

namespace edgeopt {
namespace {

std::string to_html(const Sentence& sentence) {
  std::string text;
  for (const Span& span : sentence) {
    const char* tag = span.style == Span::Style::strong ? "strong"
                      : span.style == Span::Style::code ? "code"
                                                        : nullptr;
    const std::string words = escape_html(span.text);
    text += tag ? fmt::format("<{0}>{1}</{0}>", tag, words) : words;
  }
  return text;
}

std::string to_html(const Paragraph& paragraph) {
  return fmt::format("<p>{}</p>\n", to_html(paragraph.words));
}

std::string to_html(const List& list) {
  std::string text = "<ul>\n";
  for (const Sentence& item : list.items) text += fmt::format("<li>{}</li>\n", to_html(item));
  return text + "</ul>\n";
}

bool is_numeric(const std::string& cell) {
  const std::size_t start = !cell.empty() && (cell[0] == '+' || cell[0] == '-') ? 1 : 0;
  return cell.size() > start && std::isdigit(static_cast<unsigned char>(cell[start])) != 0;
}

// Figures stand one under the other at their right end; words and lists of figures do not.
constexpr std::size_t longest_figure = 30;

bool is_number_column(const Table& table, std::size_t column) {
  bool has_number = false;
  for (const auto& row : table.rows) {
    if (column >= row.size() || row[column].empty()) continue;
    if (!is_numeric(row[column]) || row[column].size() > longest_figure) return false;
    has_number = true;
  }
  return column > 0 && has_number;
}

std::string to_html(const Table& table) {
  std::vector<const char*> styles;
  for (std::size_t i = 0; i < table.header.size(); ++i)
    styles.push_back(is_number_column(table, i) ? " class=\"number\"" : "");
  std::string text = "<div class=\"scroll\" tabindex=\"0\">\n<table>\n<thead><tr>";
  for (std::size_t i = 0; i < table.header.size(); ++i)
    text += fmt::format("<th scope=\"col\"{}>{}</th>", styles[i], escape_html(table.header[i]));
  text += "</tr></thead>\n<tbody>\n";
  for (const auto& row : table.rows) {
    text += "<tr>";
    for (std::size_t i = 0; i < row.size(); ++i)
      text += i == 0 ? fmt::format("<th scope=\"row\">{}</th>", escape_html(row[i]))
                     : fmt::format("<td{}>{}</td>", styles[i], escape_html(row[i]));
    text += "</tr>\n";
  }
  return text + "</tbody>\n</table>\n</div>\n";
}

std::string to_html(const Chart& chart) {
  const std::string title = std::visit([](const auto& each) { return each.title; }, chart);
  return fmt::format("<figure>\n<figcaption>{}</figcaption>\n{}</figure>\n", escape_html(title),
                     to_svg(chart));
}

// Charts of a section stand beside each other where there is room.
std::string blocks_html(const std::vector<Block>& blocks) {
  std::string charts, others;
  for (const Block& block : blocks)
    (std::holds_alternative<Chart>(block) ? charts : others) +=
        std::visit([](const auto& content) { return to_html(content); }, block);
  return (charts.empty() ? "" : "<div class=\"charts\">\n" + charts + "</div>\n") + others;
}

std::string section_html(const Section& section) {
  const std::string title = escape_html(section.title);
  const std::string content = blocks_html(section.blocks);
  if (section.is_detail)
    return fmt::format("<details>\n<summary><h2>{}</h2></summary>\n{}</details>\n", title, content);
  return fmt::format("<section>\n<h2>{}</h2>\n{}</section>\n", title, content);
}

std::string verdict_html(Verdict verdict) {
  if (verdict == Verdict::none) return "";
  return verdict == Verdict::met ? "<p class=\"verdict met\">goals met</p>\n"
                                 : "<p class=\"verdict missed\">a goal was missed</p>\n";
}

std::string headlines_html(const std::vector<Headline>& headlines) {
  if (headlines.empty()) return "";
  std::string text = "<ul class=\"headlines\">\n";
  for (const Headline& headline : headlines)
    text += fmt::format("<li><b>{}</b><span>{}</span><small>{}</small></li>\n", escape_html(headline.figure),
                        escape_html(headline.meaning), escape_html(headline.detail));
  return text + "</ul>\n";
}

}  // namespace

std::string to_html(const Document& document) {
  const std::string title = escape_html(document.title);
  std::string text = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
      "'unsafe-inline'\"/>\n"
      "<title>{}</title>\n<style>{}</style>\n</head>\n<body>\n<main>\n",
      title, html_style());
  text += fmt::format("<header>\n{}<h1>{}</h1>\n<p>{}</p>\n</header>\n", verdict_html(document.verdict),
                      title, escape_html(document.outcome));
  text += headlines_html(document.headlines);
  for (const Section& section : document.sections) text += section_html(section);
  return text + "</main>\n</body>\n</html>\n";
}

}  // namespace edgeopt
