// Charts of one row after another: bars, and estimates with their intervals.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "reports/markup.h"
#include "reports/row_charts.h"

namespace edgeopt {
namespace {

constexpr double row_height = 32;
constexpr double axis_height = 22;

// A row's two texts: what it is, and its figure; of a long name the middle is left out.
void draw_row_text(Svg& svg, double y, const std::string& label, const std::string& figure) {
  const std::size_t taken = figure.size() + 3;
  svg.text({0, y}, "start", shortened(label, characters_per_line - std::min<std::size_t>(taken, 40)),
           "label");
  svg.text({chart_width, y}, "end", figure, "figure");
}

}  // namespace

std::string bars_svg(const BarChart& chart) {
  Svg svg(row_height * static_cast<double>(chart.bars.size()), chart.title);
  double y = 0;
  for (const BarChart::Bar& bar : chart.bars) {
    const double share = std::isfinite(bar.share) ? std::clamp(bar.share, 0.0, 1.0) : 1;
    draw_row_text(svg, y + 11, bar.label, bar.figure);
    svg.rect({0, y + 16, chart_width, 9}, "track");
    // A bar of nothing is a line, so that it is seen to be there.
    svg.rect({0, y + 16, std::max(1.5, share * chart_width), 9}, style_of(bar.tone));
    y += row_height;
  }
  return svg.finish();
}

std::string intervals_svg(const IntervalChart& chart) {
  const auto least = std::ranges::min(chart.rows, {}, &IntervalChart::Row::low).low;
  const auto most = std::ranges::max(chart.rows, {}, &IntervalChart::Row::high).high;
  const double margin = std::max(0.05 * (most - least), 0.5);
  const double low = least - margin, high = most + margin;
  const double bottom = row_height * static_cast<double>(chart.rows.size());
  const auto place = [&](double value) { return (value - low) / (high - low) * chart_width; };
  Svg svg(bottom + axis_height, chart.title);
  const std::vector<double> ticks = round_ticks(low, high, 5);
  const double step = ticks.size() > 1 ? ticks[1] - ticks[0] : 1;
  for (const double tick : ticks) {
    svg.line({place(tick), 0}, {place(tick), bottom + 4}, "grid");
    const std::string_view anchor = place(tick) < 20                 ? "start"
                                    : place(tick) > chart_width - 20 ? "end"
                                                                     : "middle";
    svg.text({place(tick), bottom + 18}, anchor, tick_text(tick, step) + chart.unit, "quiet");
  }
  double y = 0;
  for (const IntervalChart::Row& row : chart.rows) {
    draw_row_text(svg, y + 11, row.label, fmt::format("{:.2f}{}", row.value, chart.unit));
    svg.rect({place(row.low), y + 19, std::max(1.0, place(row.high) - place(row.low)), 3},
             style_of(row.tone));
    svg.circle({place(row.value), y + 20.5}, 4.5, style_of(row.tone));
    y += row_height;
  }
  return svg.finish();
}

}  // namespace edgeopt
