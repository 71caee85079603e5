// A model made trainable: its weights, biases and scales become inputs, its integers become FakeQuantize.
//   DequantizeLinear(QuantizeLinear(x, s, z), s, z)   ->  FakeQuantize(x, s, z)
//   DequantizeLinear(integers, s, z)                  ->  FakeQuantize(weight, s, z)
//   DequantizeLinear(int32 bias)                      ->  bias
// A constant inside the branches of an If is read from outside while it is learned, as an outer value.
// Where rounding is learned, a quantized weight is s * clip(floor(weight / s) + h(v)) with h from 0 to 1.
#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "calibration/training/parameter.h"
#include "ir/graph.h"
#include "ir/subgraph_place.h"

namespace edgeopt {

struct TrainableOptions {
  /// The float graph that a Q/DQ student was made from, if it is at hand: weights start from its constants of
  /// the same name instead of from the rounded ones.
  const Graph* float_twin = nullptr;
  /// Where the zeros of a Q/DQ student's weights stand, if not in the float twin: those of its constants of
  /// the same name stay zero. Without both, the integers tell (held_zeros.h).
  const Graph* sparse_twin = nullptr;
  bool learns_weights = true;
  bool learns_biases = true;
  bool learns_normalizations = true;  // their scales and biases; needs learns_biases
  bool learns_activation_scales = true;
  bool learns_weight_scales = true;
  /// Layers by label (ir/label.h) whose weights, biases and scales of weights stay.
  std::set<std::string> frozen_layers = {};
  /// Weights and their scales stay; every element learns whether it is rounded up or down.
  /// source  Nagel et al., "Up or Down? Adaptive Rounding for Post-Training Quantization", ICML 2020
  bool learns_rounding = false;
  /// The share of activation elements that stay unquantized while training.
  /// source  Wei et al., "QDrop: Randomly Dropping Quantization for Extremely Low-bit Post-Training
  ///         Quantization", ICLR 2022
  double drop_probability = 0;
};

/// Where a parameter came from in the student.
struct ParameterPlace {
  enum class Kind { constant, integer_weight, integer_bias, rounding };
  Kind kind = Kind::constant;
  ValueId constant = ValueId::none;  // Kind::constant
  SubgraphPath path = {};            // of the graph in which that constant stands
  NodeId dequantize = NodeId::none;  // the others
  Tensor floor = {};                 // Kind::rounding: what the element is rounded down to
};

struct Trainable {
  Graph graph;                         // the student's inputs, then the seed (if any), then the parameters
  std::vector<Parameter> parameters;   // at the values of the student
  std::vector<ParameterPlace> places;  // one per parameter, in the student or a subgraph of it
  std::optional<ValueId> seed;         // int64 scalar, of the random dropping
  /// The trainable's value for every DequantizeLinear, by the name of its output in the student.
  std::map<std::string, ValueId> by_name;
};

/// The trainable's value that stands for the float model's value of that name: behind its quantization, where
/// it is quantized. Nothing if the student has neither.
std::optional<ValueId> counterpart_of(const Trainable& trainable, const std::string& name);

/// returns  the same outputs as the student, up to the rounding of biases
/// throws   UserError if nothing in the student can be trained, or a layer to be frozen is not there
Trainable make_trainable(const Graph& student, const TrainableOptions& options);

/// The graph with every element quantized: for judging, not learning.
Graph without_dropping(const Graph& graph);

}  // namespace edgeopt
