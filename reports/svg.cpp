#include "reports/svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "reports/markup.h"

namespace edgeopt {

Svg::Svg(double height, const std::string& title)
    : text_(fmt::format("<svg role=\"img\" viewBox=\"0 0 {:.0f} {:.0f}\">\n<title>{}</title>\n", chart_width,
                        height, escape_html(title))) {}

void Svg::rect(const Box& box, std::string_view style) {
  text_ += fmt::format(
      "<rect class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" rx=\"2\"/>\n", style,
      box.x, box.y, box.width, box.height);
}

void Svg::line(const Point& from, const Point& to, std::string_view style) {
  text_ += fmt::format("<line class=\"{}\" x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"/>\n",
                       style, from.x, from.y, to.x, to.y);
}

void Svg::circle(const Point& center, double radius, std::string_view style) {
  text_ += fmt::format("<circle class=\"{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{:.1f}\"/>\n", style, center.x,
                       center.y, radius);
}

void Svg::path(const std::vector<Point>& points, std::string_view style) {
  if (points.empty()) return;
  std::string steps;
  for (const Point& point : points)
    steps += fmt::format("{}{:.1f} {:.1f}", steps.empty() ? "M" : "L", point.x, point.y);
  text_ += fmt::format("<path class=\"{}\" d=\"{}\"/>\n", style, steps);
}

void Svg::text(const Point& at, std::string_view anchor, std::string_view words, std::string_view style) {
  text_ += fmt::format("<text class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n", style,
                       at.x, at.y, anchor, escape_html(words));
}

std::string Svg::finish() { return std::move(text_) + "</svg>\n"; }

std::string_view style_of(Tone tone) {
  switch (tone) {
    case Tone::original:
      return "original";
    case Tone::harm:
      return "harm";
    case Tone::result:
      break;
  }
  return "result";
}

std::vector<double> round_ticks(double low, double high, int count) {
  if (!(high > low)) return {low};
  const double rough = (high - low) / count;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : {5.0, 2.0, 1.0})
    if (factor * power >= rough * (1 - 1e-9)) step = factor * power;
  std::vector<double> ticks;
  for (double i = std::ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; ++i)
    ticks.push_back(i * step + 0.0);
  return ticks;
}

std::string tick_text(double value, double step) {
  if (value != 0 && (std::abs(value) >= 1e5 || std::abs(value) < 1e-4)) return fmt::format("{:.2g}", value);
  const int digits = step > 0 ? static_cast<int>(std::ceil(-std::log10(step) - 1e-9)) : 3;
  return fmt::format("{:.{}f}", value, std::clamp(digits, 0, 6));
}

void draw_legend(Svg& svg, double y, const std::vector<std::pair<std::string, Tone>>& names) {
  double x = 0;
  for (const auto& [name, tone] : names) {
    svg.rect({x, y - 8, 9, 9}, style_of(tone));
    svg.text({x + 14, y}, "start", name, "quiet");
    x += 34 + character_width * static_cast<double>(name.size());
  }
}

}  // namespace edgeopt
