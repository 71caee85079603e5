#include "calibration/rounding/teacher_rows.h"

#include <algorithm>

#include "ir/evaluate.h"
#include "ir/extract.h"
#include "runtime/engine.h"
#include "support/parallel.h"

namespace edgeopt {
namespace {

constexpr std::int64_t largest_bytes = std::int64_t{128} << 20;  // the layers of most models at once

// Values of a graph, its inputs among them, for one sample after another.
class ValueReader {
 public:
  ValueReader(const Graph& graph, const std::vector<ValueId>& values) {
    const std::vector<ValueId> inputs = required_inputs(graph);
    std::vector<ValueId> computed;
    for (const ValueId value : values) {
      const auto input = std::ranges::find(inputs, value);
      if (input != inputs.end()) {
        places_.push_back({true, static_cast<std::size_t>(input - inputs.begin())});
        continue;
      }
      const auto found = std::ranges::find(computed, value);
      places_.push_back({false, static_cast<std::size_t>(found - computed.begin())});
      if (found == computed.end()) computed.push_back(value);
    }
    if (!computed.empty()) sessions_.emplace(extract(graph, inputs, computed));
  }

  Tensors read(const Tensors& inputs, int worker) {
    const Tensors computed = sessions_ ? sessions_->session(worker).run(inputs) : Tensors{};
    Tensors results;
    for (const Place& place : places_)
      results.push_back(place.is_input ? inputs[place.index] : computed[place.index]);
    return results;
  }

 private:
  struct Place {
    bool is_input = false;
    std::size_t index = 0;
  };
  std::vector<Place> places_;  // by value
  std::optional<SessionPool> sessions_;
};

}  // namespace

const InputRows& TeacherRows::of(std::size_t layer) {
  for (std::size_t before = 0; before < layer; ++before) rows_[before].reset();
  if (!rows_[layer]) read_from(layer);
  return *rows_[layer];
}

void TeacherRows::read_from(std::size_t first) {
  std::int64_t bytes = 0;
  std::vector<ValueId> values;
  std::size_t end = first;
  for (; end < layers_.size() && (end == first || bytes < largest_bytes); ++end) {
    const TeacherLayer& layer = layers_[end];
    const Node& node = graph_.node(layer.node);
    rows_[end].emplace(node, layer.matrix, layer.weight, sample_count_);
    bytes += rows_[end]->byte_count();
    values.push_back(node.inputs[0]);
  }
  ValueReader reader(graph_, values);
  parallel_for(sample_count_, [&](std::int64_t i, int worker) {
    const Tensors inputs = reader.read(samples_.read(i).inputs, worker);
    for (std::size_t k = first; k < end; ++k)
      if (layers_[k].step > 0) rows_[k]->take(i, inputs[k - first], layers_[k].step);
  });
}

}  // namespace edgeopt
