// What one step of a plan computes: an operator with the neighbours that are fused into it.
//   y = quantize( activations( op(dequantize(inputs)...) + addend ) )
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "ir/graph.h"

namespace edgeopt {

/// real = scale * (integer - zero_point); one scale and zero point, or one per index of `axis`.
struct Quantization {
  DataType dtype = DataType::undefined;  // of the integers
  std::vector<float> scales;
  std::vector<std::int32_t> zero_points;  // as many as scales
  int axis = 0;

  bool is_per_channel() const { return scales.size() > 1; }
  float scale() const { return scales[0]; }
  std::int32_t zero_point() const { return zero_points[0]; }
  /// True if every zero point is 0.
  bool is_symmetric() const;
  bool operator==(const Quantization&) const = default;
};

/// An elementwise function of one input, with its attributes (and constant inputs) as two numbers:
/// Clip: [alpha, beta]; LeakyRelu, Elu: alpha; HardSigmoid: alpha x + beta; the rest: neither.
struct Activation {
  std::string op_type;
  float alpha = 0;
  float beta = 0;
};

struct Task {
  const Node* node = nullptr;    // the operator that gives the task its name and attributes
  std::vector<ValueId> inputs;   // of the operator; quantized values where `input_quantization` says so
  std::vector<ValueId> outputs;  // what the task writes, behind everything that is fused
  std::vector<Activation> activations = {};
  ValueId addend = ValueId::none;  // in the output's dims; nobody reads it after this task
  std::vector<std::optional<Quantization>> input_quantization = {};  // one per input, or empty
  std::optional<Quantization> output_quantization = {};
  std::vector<NodeId> nodes = {};  // everything that the task does; the last one gives its place in the order
  std::string label = {};          // "Conv+Relu"

  bool is_fused() const { return nodes.size() > 1; }
  bool is_quantized() const { return !input_quantization.empty(); }
};

}  // namespace edgeopt
