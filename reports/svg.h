// Writing an <svg> element, shape by shape; what a chart's parts look like stands in the page's style sheet.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "reports/chart.h"

namespace edgeopt {

struct Point {
  double x = 0, y = 0;
};

struct Box {
  double x = 0, y = 0, width = 0, height = 0;
};

/// Charts are so wide in their own units, at which text is as large as the page's small print.
inline constexpr double chart_width = 360;
/// Of chart text, on the average.
inline constexpr double character_width = 6.4;
inline constexpr std::size_t characters_per_line = 55;

class Svg {
 public:
  Svg(double height, const std::string& title);

  void rect(const Box& box, std::string_view style);
  void line(const Point& from, const Point& to, std::string_view style);
  void circle(const Point& center, double radius, std::string_view style);
  void path(const std::vector<Point>& points, std::string_view style);
  /// anchor  "start", "middle" or "end": which end of the text stands at the point
  void text(const Point& at, std::string_view anchor, std::string_view words, std::string_view style);

  /// The element, closed.
  std::string finish();

 private:
  std::string text_;
};

/// The style of what belongs to a tone: "original", "result", "harm".
std::string_view style_of(Tone tone);

/// About so many round numbers (1, 2 or 5 times a power of ten apart) within [low, high].
std::vector<double> round_ticks(double low, double high, int count);
/// The number with as many digits as tell ticks so far apart from each other.
std::string tick_text(double value, double step);

/// Names of series with the colours of their tones, from the left edge on.
void draw_legend(Svg& svg, double y, const std::vector<std::pair<std::string, Tone>>& names);

}  // namespace edgeopt
