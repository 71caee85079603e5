// Inputs of layers in the float model, at the places where those of the student are drawn.
#pragma once
#include <optional>
#include <vector>

#include "calibration/rounding/input_products.h"
#include "calibration/samples/samples.h"
#include "ir/graph.h"

namespace edgeopt {

/// What is read of one layer.
struct TeacherLayer {
  NodeId node = NodeId::none;
  WeightMatrix matrix;
  Dims weight;
  double step = 0;  // what one integer stands for; 0: the layer is not read
};

/// Read ahead for as many layers as memory allows: one run of the model for all of them, nothing kept
/// between.
class TeacherRows {
 public:
  TeacherRows(const Graph& graph, std::vector<TeacherLayer> layers, const SampleSource& samples,
              std::int64_t sample_count)
      : graph_(graph),
        layers_(std::move(layers)),
        samples_(samples),
        sample_count_(sample_count),
        rows_(layers_.size()) {}

  /// Of the layer with this number; those of the layers before are forgotten.
  const InputRows& of(std::size_t layer);

 private:
  void read_from(std::size_t first);

  const Graph& graph_;
  std::vector<TeacherLayer> layers_;
  const SampleSource& samples_;
  std::int64_t sample_count_;
  std::vector<std::optional<InputRows>> rows_;  // by layer
};

}  // namespace edgeopt
