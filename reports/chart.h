// What a chart shows, as plain data; svg.cpp draws it.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace edgeopt {

/// Which of the two models, or how something turned out; the page gives each its colour.
enum class Tone { original, result, harm };

/// Horizontal bars, each with its label and its figure written out.
struct BarChart {
  struct Bar {
    std::string label;
    std::string figure;
    double share = 0;  // of the full width, 0 to 1
    Tone tone = Tone::result;
  };
  std::string title;
  std::vector<Bar> bars;
};

/// Estimates with their intervals on one axis.
struct IntervalChart {
  struct Row {
    std::string label;
    double value = 0, low = 0, high = 0;
    Tone tone = Tone::result;
  };
  std::string title;
  std::string unit;
  std::vector<Row> rows;
};

/// How often values fell into each of the equal steps from `low` to `high`.
struct HistogramChart {
  struct Series {
    std::string name;
    Tone tone = Tone::result;
    std::vector<double> shares;  // of all values, one per step
  };
  struct Marker {
    double at = 0;
    std::string label;
    Tone tone = Tone::result;
  };
  std::string title;
  std::string unit;
  double low = 0, high = 0;
  bool is_logarithmic = false;  // heights: for tails that are seen by their logarithm alone
  std::vector<Series> series;
  std::vector<Marker> markers;
};

/// Lines through points (x, y); y on a logarithmic axis where it spans more than a factor of 30.
struct LineChart {
  struct Series {
    std::string name;
    Tone tone = Tone::result;
    std::vector<std::pair<double, double>> points;
  };
  std::string title;
  std::string x_name;
  std::vector<Series> series;
};

using Chart = std::variant<BarChart, IntervalChart, HistogramChart, LineChart>;

/// False if there is nothing to draw.
bool has_content(const Chart& chart);

/// An <svg> element; colours and fonts come from the page's style sheet.
std::string to_svg(const Chart& chart);

}  // namespace edgeopt
