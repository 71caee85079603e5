// A report as sections of text, tables and charts, said once: markdown.cpp and html.cpp write it down.
#pragma once
#include <string>
#include <variant>
#include <vector>

#include "reports/chart.h"
#include "reports/headlines.h"
#include "reports/tables.h"

namespace edgeopt {

/// A piece of a sentence.
struct Span {
  enum class Style { plain, strong, code };
  std::string text;
  Style style = Style::plain;
};
using Sentence = std::vector<Span>;

/// A paragraph of one or more lines.
struct Paragraph {
  Sentence words;
};

struct List {
  std::vector<Sentence> items;
};

using Block = std::variant<Paragraph, List, Table, Chart>;

struct Section {
  std::string title;
  std::vector<Block> blocks;
  bool is_detail = false;  // for who wants to know more: folded where folding is possible
};

enum class Verdict { none, met, missed };

struct Document {
  std::string title;
  std::string outcome;
  Verdict verdict = Verdict::none;  // on the goals
  std::vector<Headline> headlines;
  std::vector<Section> sections;
};

Paragraph plain(std::string text);
/// Adds the block unless there is nothing in it.
void add(Section& section, Block block);
/// Adds the section unless it has no blocks.
void add(Document& document, Section section);

/// Without charts.
std::string to_markdown(const Document& document);
/// One file that needs no other: a page for a browser, in light and dark, on paper and on a phone.
std::string to_html(const Document& document);

}  // namespace edgeopt
