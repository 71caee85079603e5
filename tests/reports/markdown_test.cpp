// summary.md: the document in the words of Markdown.
#include <doctest/doctest.h>

#include "reports/document.h"
#include "reports/summary.h"
#include "tests/reports/sample_report.h"

namespace edgeopt {

TEST_CASE("sections, tables, lists and emphasis are Markdown's") {
  Section section{.title = "Things"};
  add(section, Table{.header = {"a", "b"}, .rows = {{"1", "x|y"}}});
  add(section, Paragraph{{{"see "}, {"this", Span::Style::strong}, {" and "}, {"that", Span::Style::code}}});
  add(section, List{{{{"one"}}, {{"two"}}}});
  Document document{.title = "t", .outcome = "o"};
  add(document, std::move(section));
  CHECK(to_markdown(document) ==
        "# t\n\no\n\n## Things\n| a | b |\n|---|---|\n| 1 | x\\|y |\n\nsee **this** and `that`\n\n- one\n- "
        "two\n");
}

TEST_CASE("charts are left to the page, sections of charts alone have a title all the same") {
  Section section{.title = "Drawn"};
  add(section, BarChart{.bars = {{"x", "1", 1}}});
  Document document{.title = "t", .outcome = "o"};
  add(document, std::move(section));
  CHECK(to_markdown(document).find("<svg") == std::string::npos);
}

TEST_CASE("a section without blocks is left out") {
  Document document;
  Section section{.title = "Nothing"};
  add(section, Table{.header = {"a"}});
  add(section, List{});
  add(section, plain(""));
  add(section, BarChart{});
  add(document, std::move(section));
  CHECK(document.sections.empty());
}

TEST_CASE("the summary names the culprit, the repair and how to do it again") {
  const std::string markdown = to_markdown(summary_of(sample_report("conv_1")));
  for (const char* part :
       {"## Most harmful layers\n", "| conv_1 | Conv | 0.25 | 66.7 % |", "| kept |", "--keep-float conv_1",
        "**Caution:** few samples.", "- command: `edgeopt optimize conv_1`"})
    CHECK(markdown.find(part) != std::string::npos);
}

}  // namespace edgeopt
