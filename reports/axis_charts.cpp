// Charts with two axes: histograms and lines.
#include "reports/axis_charts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace edgeopt {
namespace {

constexpr double height = 208;
constexpr double legend_y = 10;
constexpr double bottom = 184;

// From a chart's numbers to its drawing.
struct Axes {
  double low_x = 0, high_x = 1, low_y = 0, high_y = 1;
  double left = 0, top = 22;

  double x(double value) const {
    return left + (high_x > low_x ? (value - low_x) / (high_x - low_x) : 0.5) * (chart_width - left);
  }
  double y(double value) const {
    return bottom - (high_y > low_y ? (value - low_y) / (high_y - low_y) : 0.5) * (bottom - top);
  }
};

template <typename Series>
std::vector<std::pair<std::string, Tone>> names_of(const std::vector<Series>& series) {
  std::vector<std::pair<std::string, Tone>> names;
  names.reserve(series.size());
  for (const Series& each : series) names.emplace_back(each.name, each.tone);
  return names;
}

void draw_x_axis(Svg& svg, const Axes& axes, const std::string& unit) {
  svg.line({axes.left, bottom}, {chart_width, bottom}, "axis");
  const std::vector<double> ticks = round_ticks(axes.low_x, axes.high_x, 6);
  const double step = ticks.size() > 1 ? ticks[1] - ticks[0] : 0;
  for (const double tick : ticks) {
    const double x = axes.x(tick);
    svg.line({x, bottom}, {x, bottom + 4}, "axis");
    const std::string_view anchor = x < 16 ? "start" : x > chart_width - 24 ? "end" : "middle";
    const bool is_last = tick == ticks.back();
    // The last carries the unit; one that would reach into it has no number.
    const double reserved = character_width * (6 + static_cast<double>(unit.size()));
    if (!is_last && x > std::min(axes.x(ticks.back()), chart_width - 24) - reserved) continue;
    svg.text({x, bottom + 17}, anchor, tick_text(tick, step) + (is_last ? unit : ""), "quiet");
  }
}

struct Extent {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void take(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
};

// Shares as heights: 0 to 1 of the tallest.
class Heights {
 public:
  explicit Heights(const HistogramChart& chart) : is_logarithmic_(chart.is_logarithmic) {
    for (const HistogramChart::Series& series : chart.series)
      for (const double share : series.shares)
        if (share > 0) extent_.take(share);
    // So that the rarest is still seen.
    extent_.low /= 2;
  }

  double operator()(double share) const {
    if (share <= 0) return 0;
    return is_logarithmic_ ? std::log(share / extent_.low) / std::log(extent_.high / extent_.low)
                           : share / extent_.high;
  }

 private:
  bool is_logarithmic_ = false;
  Extent extent_;
};

// The outline of a histogram, closed along the bottom.
std::vector<Point> outline(const HistogramChart::Series& series, const Heights& heights, const Axes& axes) {
  const double width = (axes.high_x - axes.low_x) / static_cast<double>(series.shares.size());
  std::vector<Point> points{{axes.x(axes.low_x), bottom}};
  for (std::size_t i = 0; i < series.shares.size(); ++i)
    for (const std::size_t edge : {i, i + 1})
      points.push_back(
          {axes.x(axes.low_x + static_cast<double>(edge) * width), axes.y(heights(series.shares[i]))});
  points.push_back({axes.x(axes.high_x), bottom});
  return points;
}

// Losses fall by orders of magnitude; a logarithm shows the late steps too.
constexpr double logarithmic_from = 30;

struct Scale {
  bool is_logarithmic = false;
  double operator()(double value) const { return is_logarithmic ? std::log10(value) : value; }
};

void draw_y_axis(Svg& svg, const Axes& axes, const Scale& scale) {
  std::vector<double> ticks = round_ticks(axes.low_y, axes.high_y, 4);
  if (scale.is_logarithmic && ticks.size() > 1 && ticks[1] - ticks[0] < 1)
    std::erase_if(ticks, [](double tick) { return std::abs(tick - std::round(tick)) > 1e-9; });
  const double step = ticks.size() > 1 ? ticks[1] - ticks[0] : 0;
  for (const double tick : ticks) {
    svg.line({axes.left, axes.y(tick)}, {chart_width, axes.y(tick)}, "grid");
    const std::string text =
        scale.is_logarithmic ? fmt::format("{:.3g}", std::pow(10, tick)) : tick_text(tick, step);
    svg.text({axes.left - 6, axes.y(tick) + 4}, "end", text, "quiet");
  }
}

}  // namespace

std::string histogram_svg(const HistogramChart& chart) {
  Svg svg(height, chart.title);
  draw_legend(svg, legend_y, names_of(chart.series));
  Axes axes{.low_x = chart.low, .high_x = chart.high};
  axes.top += 13 * static_cast<double>(chart.markers.size());
  const Heights heights(chart);
  for (const HistogramChart::Series& series : chart.series)
    svg.path(outline(series, heights, axes), fmt::format("area {}", style_of(series.tone)));
  double y = legend_y + 15;
  for (const HistogramChart::Marker& marker : chart.markers) {
    const double x = axes.x(std::clamp(marker.at, chart.low, chart.high));
    const bool is_right = x > chart_width / 2;
    svg.line({x, y - 8}, {x, bottom}, fmt::format("marker {}", style_of(marker.tone)));
    svg.text({is_right ? x - 4 : x + 4, y}, is_right ? "end" : "start", marker.label, "quiet");
    y += 13;
  }
  draw_x_axis(svg, axes, chart.unit);
  return svg.finish();
}

std::string lines_svg(const LineChart& chart) {
  Extent x, y;
  for (const LineChart::Series& series : chart.series)
    for (const auto& [at, value] : series.points) {
      x.take(at);
      if (std::isfinite(value)) y.take(value);
    }
  const Scale scale{y.low > 0 && y.high / y.low > logarithmic_from};
  const Axes axes{.low_x = x.low,
                  .high_x = x.high,
                  .low_y = scale.is_logarithmic ? scale(y.low) : std::min(0.0, y.low),
                  .high_y = scale(y.high),
                  .left = 46};
  Svg svg(height, chart.title);
  draw_legend(svg, legend_y, names_of(chart.series));
  draw_y_axis(svg, axes, scale);
  for (const LineChart::Series& series : chart.series) {
    std::vector<Point> points;
    for (const auto& [at, value] : series.points)
      if (std::isfinite(value)) points.push_back({axes.x(at), axes.y(scale(value))});
    if (points.size() > 1)
      svg.path(points, fmt::format("curve {}", style_of(series.tone)));
    else if (points.size() == 1)
      svg.circle(points[0], 4.5, style_of(series.tone));
  }
  draw_x_axis(svg, axes, " " + chart.x_name);
  return svg.finish();
}

}  // namespace edgeopt
