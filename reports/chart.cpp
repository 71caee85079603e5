#include "reports/chart.h"

#include <algorithm>
#include <cmath>

#include "reports/axis_charts.h"
#include "reports/row_charts.h"

namespace edgeopt {
namespace {

bool has_rows(const BarChart& chart) { return !chart.bars.empty(); }

bool has_rows(const IntervalChart& chart) { return !chart.rows.empty(); }

bool has_rows(const HistogramChart& chart) {
  return chart.high > chart.low && std::ranges::any_of(chart.series, [](const auto& series) {
           return std::ranges::any_of(series.shares, [](double share) { return share > 0; });
         });
}

bool has_rows(const LineChart& chart) {
  return std::ranges::any_of(chart.series, [](const auto& series) {
    return std::ranges::any_of(series.points, [](const auto& point) { return std::isfinite(point.second); });
  });
}

std::string drawn(const BarChart& chart) { return bars_svg(chart); }
std::string drawn(const IntervalChart& chart) { return intervals_svg(chart); }
std::string drawn(const HistogramChart& chart) { return histogram_svg(chart); }
std::string drawn(const LineChart& chart) { return lines_svg(chart); }

}  // namespace

bool has_content(const Chart& chart) {
  return std::visit([](const auto& each) { return has_rows(each); }, chart);
}

std::string to_svg(const Chart& chart) {
  return std::visit([](const auto& each) { return drawn(each); }, chart);
}

}  // namespace edgeopt
