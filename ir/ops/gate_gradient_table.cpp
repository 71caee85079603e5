// ReluGradient(dy, x): dy where x > 0, else 0; x may be Relu's result as well, which is positive where its
// input is. ClipGradient(dy, x, min, max): dy where min <= x <= max, else 0; a bound may be left out.
#include <optional>
#include <utility>

#include "ir/gradient/training_ops.h"
#include "ir/rules/op_rules.h"
#include "support/error.h"

namespace edgeopt {
namespace {

template <typename Keeps>
Tensors gated(const EvaluateCall& call, const Keeps& keeps) {
  require_dims_of_result(call.inputs[0], call.inputs[1].dims());
  const auto gate = [&](auto dy, auto x) { return keeps(static_cast<double>(x)) ? dy : 0; };
  return {combine_elements<void>(FloatTypes{}, call.inputs[0], call.inputs[1], gate)};
}

Tensors relu_gradient(const EvaluateCall& call) {
  return gated(call, [](double x) { return x > 0; });
}

std::optional<double> bound(const EvaluateCall& call, std::size_t index) {
  if (!call.has_input(index)) return std::nullopt;
  return to_double(call.inputs[index]);
}

Tensors clip_gradient(const EvaluateCall& call) {
  const std::optional<double> low = bound(call, 2), high = bound(call, 3);
  return gated(call, [&](double x) { return (!low || x >= *low) && (!high || x <= *high); });
}

OpDefinition gate_gradient(std::string name, EvaluateRule evaluate) {
  return {
      .name = std::move(name),
      .domain = "edgeopt",
      .required_inputs = 2,
      .infer = infer_gradient_like_x,
      .evaluate = std::move(evaluate),
      .count_cost = operations_per_output(1),
      .is_elementwise = true,
  };
}

}  // namespace

std::vector<OpDefinition> gate_gradient_table() {
  return {
      gate_gradient("ReluGradient", relu_gradient),
      gate_gradient("ClipGradient", clip_gradient),
  };
}

}  // namespace edgeopt
