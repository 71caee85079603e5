#include "recipes/float_choice.h"

#include <algorithm>
#include <limits>
#include <optional>

namespace edgeopt {
namespace {

// Times are sums of thousandths of milliseconds; what is left of a capacity below this is a rounding.
constexpr double rounding_ms = 1e-12;

/// Pipes between places; what flows at most from `integers` to `floats` is the least that a cut costs.
class Network {
 public:
  explicit Network(std::size_t place_count) : pipes_at_(place_count) {}

  void connect(std::size_t from, std::size_t to, double capacity) {
    pipes_at_[from].push_back(pipes_.size());
    pipes_.push_back({to, capacity});
    pipes_at_[to].push_back(pipes_.size());
    pipes_.push_back({from, 0});
  }

  void fill(std::size_t source, std::size_t sink) {
    while (const auto path = shortest_path(source, sink)) {
      double flow = std::numeric_limits<double>::infinity();
      for (const std::size_t pipe : *path) flow = std::min(flow, pipes_[pipe].left);
      for (const std::size_t pipe : *path) {
        pipes_[pipe].left -= flow;
        pipes_[pipe ^ 1].left += flow;
      }
    }
  }

  /// From where the sink can still be reached: the smallest set on its side of a minimum cut.
  std::vector<bool> side_of(std::size_t sink) const {
    std::vector<bool> reaches(pipes_at_.size());
    reaches[sink] = true;
    std::vector<std::size_t> waiting = {sink};
    while (!waiting.empty()) {
      const std::size_t place = waiting.back();
      waiting.pop_back();
      for (const std::size_t pipe : pipes_at_[place]) {
        const std::size_t before = pipes_[pipe].to;
        if (reaches[before] || pipes_[pipe ^ 1].left <= rounding_ms) continue;
        reaches[before] = true;
        waiting.push_back(before);
      }
    }
    return reaches;
  }

 private:
  struct Pipe {
    std::size_t to = 0;
    double left = 0;  // of its capacity; pipe ^ 1 goes the other way
  };

  // Breadth first, so that the number of paths is bounded by places and pipes alone.
  std::optional<std::vector<std::size_t>> shortest_path(std::size_t source, std::size_t sink) const {
    constexpr std::size_t none = static_cast<std::size_t>(-1);
    std::vector<std::size_t> by(pipes_at_.size(), none);
    std::vector<std::size_t> queue = {source};
    for (std::size_t next = 0; next < queue.size() && by[sink] == none; ++next)
      for (const std::size_t pipe : pipes_at_[queue[next]]) {
        const std::size_t to = pipes_[pipe].to;
        if (to == source || by[to] != none || pipes_[pipe].left <= rounding_ms) continue;
        by[to] = pipe;
        queue.push_back(to);
      }
    if (by[sink] == none) return std::nullopt;
    std::vector<std::size_t> path;
    for (std::size_t place = sink; place != source; place = pipes_[path.back() ^ 1].to)
      path.push_back(by[place]);
    return path;
  }

  std::vector<Pipe> pipes_;
  std::vector<std::vector<std::size_t>> pipes_at_;
};

}  // namespace

std::vector<bool> fastest_in_float(const std::vector<LayerTimes>& layers,
                                   const std::vector<Border>& borders) {
  const std::size_t integers = layers.size(), floats = layers.size() + 1;
  Network network(layers.size() + 2);
  for (std::size_t k = 0; k < layers.size(); ++k) {
    network.connect(integers, k, layers[k].float_ms);
    network.connect(k, floats, layers[k].integer_ms);
  }
  for (const Border& border : borders) {
    const std::size_t from = border.from == Border::outside ? floats : border.from;
    const std::size_t to = border.to == Border::outside ? floats : border.to;
    if (from == to) continue;
    network.connect(from, to, border.dequantize_ms);
    network.connect(to, from, border.quantize_ms);
  }
  network.fill(integers, floats);
  std::vector<bool> is_float = network.side_of(floats);
  is_float.resize(layers.size());
  return is_float;
}

double time_of(const std::vector<LayerTimes>& layers, const std::vector<Border>& borders,
               const std::vector<bool>& is_float) {
  double sum = 0;
  for (std::size_t k = 0; k < layers.size(); ++k)
    sum += is_float[k] ? layers[k].float_ms : layers[k].integer_ms;
  const auto runs_in_float = [&](std::size_t k) { return k == Border::outside || is_float[k]; };
  for (const Border& border : borders) {
    if (runs_in_float(border.from) == runs_in_float(border.to)) continue;
    sum += runs_in_float(border.to) ? border.dequantize_ms : border.quantize_ms;
  }
  return sum;
}

}  // namespace edgeopt
