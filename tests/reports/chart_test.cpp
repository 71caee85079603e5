// Charts show what the facts say.
#include "reports/chart.h"

#include <doctest/doctest.h>

#include <limits>

#include "reports/report_charts.h"
#include "reports/svg.h"
#include "tests/reports/sample_report.h"

namespace edgeopt {
namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a bar is as long as its share of the width") {
  const std::string svg = to_svg(BarChart{.title = "t", .bars = {{"half", "50", 0.5}}});
  CHECK(contains(svg, "class=\"result\" x=\"0.0\" y=\"16.0\" width=\"180.0\""));
  CHECK(contains(svg, "<title>t</title>"));
  CHECK(contains(svg, ">half</text>"));
}

TEST_CASE("an infinite share fills the width, nothing is still a line") {
  const double infinity = std::numeric_limits<double>::infinity();
  const std::string svg = to_svg(BarChart{.bars = {{"all", "inf", infinity}, {"none", "0", 0}}});
  CHECK(contains(svg, "class=\"result\" x=\"0.0\" y=\"16.0\" width=\"360.0\""));
  CHECK(contains(svg, "class=\"result\" x=\"0.0\" y=\"48.0\" width=\"1.5\""));
}

TEST_CASE("the file's bars compare both models with the larger one") {
  const BarChart chart = size_chart(sample_report("conv_1"));
  REQUIRE(chart.bars.size() == 6);
  CHECK(chart.bars[0].share == 1);
  CHECK(chart.bars[1].share == doctest::Approx(203.0 / 716));
  CHECK(chart.bars[3].share == doctest::Approx(0.5));
}

TEST_CASE("every measured run is in the histogram of latency") {
  const HistogramChart chart = latency_chart(sample_report("conv_1"));
  REQUIRE(chart.series.size() == 2);
  for (const HistogramChart::Series& series : chart.series) {
    double sum = 0;
    for (const double share : series.shares) sum += share;
    CHECK(sum == doctest::Approx(1));
  }
  CHECK(chart.low == doctest::Approx(0.036));
  CHECK(contains(to_svg(chart), "median 0.080 ms"));
}

TEST_CASE("no histogram is drawn when nothing was measured, or all runs took the same time") {
  Report report = sample_report("conv_1");
  for (LatencyFacts* latency : {&*report.original_latency, &*report.result_latency}) {
    latency->times_ms = {1, 1};
    latency->min_ms = 1;
  }
  CHECK_FALSE(has_content(latency_chart(report)));
  report.original_latency.reset();
  CHECK_FALSE(has_content(latency_chart(report)));
}

TEST_CASE("the most harmful layer shows its values and the ends of its range") {
  const HistogramChart chart = range_chart(*sample_report("conv_1").sensitivity);
  REQUIRE(chart.markers.size() == 2);
  CHECK(chart.markers[0].at == -1);
  CHECK(chart.markers[1].at == 3);
  CHECK(chart.series[0].shares.size() == 6);
  CHECK(contains(to_svg(chart), "clipped above 3"));
}

TEST_CASE("shares of zeros are drawn where layers differ, not where all are equal") {
  SparsityFacts facts{.layers = {{.node = "a", .element_count = 10, .zero_count = 5},
                                 {.node = "b", .element_count = 10, .zero_count = 8}}};
  CHECK(zero_chart(facts).bars.size() == 2);
  facts.layers[1].zero_count = 5;
  CHECK_FALSE(has_content(zero_chart(facts)));
  CHECK_FALSE(has_content(zero_chart({})));
}

TEST_CASE("one run of many that took long does not squeeze the others") {
  Report report = sample_report("conv_1");
  report.original_latency->times_ms.push_back(1000);
  CHECK(latency_chart(report).high < 0.1);
}

TEST_CASE("metrics in other units than percent are no rows of the accuracy chart") {
  const IntervalChart chart = accuracy_chart(sample_report("conv_1").accuracy);
  CHECK(chart.rows.size() == 3);
  CHECK(contains(to_svg(chart), "agreement, result"));
}

TEST_CASE("a loss that falls by orders of magnitude has a logarithmic axis, another begins at 0") {
  const LineChart steep{.series = {{"loss", Tone::result, {{0, 100}, {10, 1}}}}};
  CHECK(contains(to_svg(steep), ">10</text>"));
  const LineChart flat{.x_name = "steps", .series = {{"loss", Tone::result, {{0, 2}, {10, 1}}}}};
  CHECK(contains(to_svg(flat), ">0.0</text>"));
}

TEST_CASE("losses that are not finite are left out of the line") {
  const double infinity = std::numeric_limits<double>::infinity();
  CHECK_FALSE(has_content(LineChart{.series = {{"loss", Tone::result, {{0, infinity}}}}}));
  const std::string svg = to_svg(LineChart{.series = {{"l", Tone::result, {{0, infinity}, {1, 2}, {2, 1}}}}});
  CHECK_FALSE(contains(svg, "inf"));
  CHECK_FALSE(contains(svg, "nan"));
}

TEST_CASE("ticks are round numbers inside the axis") {
  CHECK(round_ticks(0.3, 4.2, 4) == std::vector<double>{1, 2, 3, 4});
  CHECK(round_ticks(0, 100, 5) == std::vector<double>{0, 20, 40, 60, 80, 100});
  CHECK(round_ticks(2, 2, 5) == std::vector<double>{2});
  CHECK(tick_text(0.25, 0.05) == "0.25");
  CHECK(tick_text(20, 20) == "20");
}

}  // namespace edgeopt
