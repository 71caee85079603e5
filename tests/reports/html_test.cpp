// report.html: complete, well-formed, and safe whatever names are in a model.
#include <doctest/doctest.h>

#include "reports/markup.h"
#include "reports/summary.h"
#include "tests/reports/sample_report.h"
#include "tests/reports/well_formed.h"

namespace edgeopt {
namespace {

std::size_t count_of(const std::string& part, const std::string& text) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size()))
    ++count;
  return count;
}

std::string page_of(const Report& report) { return to_html(summary_of(report)); }

Report empty_report() {
  return {.original = {.file = {"model", "a.onnx", "", 10}}, .result = {.file = {"result", "b.onnx", "", 5}}};
}

}  // namespace

TEST_CASE("the page is well-formed, with everything in it and with next to nothing") {
  CHECK(fault_in(page_of(sample_report("conv_1"))) == "");
  CHECK(fault_in(page_of(empty_report())) == "");
}

TEST_CASE("every table of the Markdown is in the page, cell by cell") {
  const Document document = summary_of(sample_report("conv_1"));
  const std::string markdown = to_markdown(document), page = to_html(document);
  std::size_t table_count = 0;
  for (const Section& section : document.sections)
    for (const Block& block : section.blocks) {
      const Table* table = std::get_if<Table>(&block);
      if (!table) continue;
      ++table_count;
      CHECK(markdown.find(to_markdown(*table)) != std::string::npos);
      for (const auto& row : table->rows)
        for (const std::string& cell : row)
          if (!cell.empty()) CHECK(page.find(">" + escape_html(cell) + "</t") != std::string::npos);
    }
  CHECK(count_of("<table>", page) == table_count);
  CHECK(count_of("\n|---|", markdown) == table_count);
  CHECK(table_count == 14);
}

TEST_CASE("names of models and layers are text, never markup") {
  const std::string name = "<script>alert('x')</script>\" onload=\"y\" & </title></style></svg>";
  const std::string page = page_of(sample_report(name));
  CHECK(fault_in(page) == "");
  CHECK(count_of("<script", page) == 0);
  CHECK(count_of("onload=\"", page) == 0);
  CHECK(count_of(escape_html(name), page) > 10);
  CHECK(count_of("</style>", page) == 1);
}

TEST_CASE("names that are no UTF-8 become text that is") {
  const std::string page = page_of(sample_report("a\xFF\x01z"));
  CHECK(count_of("\xFF", page) == 0);
  CHECK(count_of("\x01", page) == 0);
  CHECK(count_of("a\xEF\xBF\xBD\xEF\xBF\xBDz", page) > 10);
}

TEST_CASE("the page needs no other file, and runs nothing") {
  const std::string page = page_of(sample_report("conv_1"));
  for (const char* outside : {"http:", "https:", "src=", "href=", "url(", "@import", "<script", "<link"})
    CHECK(count_of(outside, page) == 0);
}

TEST_CASE("the same report gives the same bytes") {
  CHECK(page_of(sample_report("conv_1")) == page_of(sample_report("conv_1")));
}

TEST_CASE("sections and charts without content are left out") {
  const std::string page = page_of(empty_report());
  for (const char* title :
       {"Goals", "Accuracy", "Repairs", "Most harmful layers", "goals met", "Time of one run"})
    CHECK(count_of(title, page) == 0);
  CHECK(count_of("<svg", page) == 1);  // the files' sizes
}

TEST_CASE("a missed goal is said at the top, and so are goals that are met") {
  Report report = sample_report("conv_1");
  CHECK(count_of("a goal was missed", page_of(report)) == 1);
  report.goals.pop_back();
  CHECK(count_of("goals met", page_of(report)) == 1);
}

}  // namespace edgeopt
