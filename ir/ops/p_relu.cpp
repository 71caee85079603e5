// y = x < 0 ? slope * x : x; the slope broadcasts to x.
#include <fmt/format.h>

#include "ir/gradient/gradient_rules.h"
#include "ir/rules/op_rules.h"
#include "ir/tied_dims.h"
#include "support/error.h"

namespace edgeopt {
namespace {

// Below opset 7 a slope per channel stands along axis 1 without trailing ones.
Tensor aligned_slope(const EvaluateCall& call) {
  const Tensor& slope = call.inputs[1];
  const Dims& x = call.inputs[0].dims();
  if (call.opset >= 7 || slope.rank() != 1 || slope.element_count() == 1 || x.size() < 2) return slope;
  Dims dims(x.size() - 1, 1);
  dims[0] = slope.element_count();
  return slope.reshaped(dims);
}

template <typename T>
T p_relu(T x, T slope) {
  if (!(x < T{0})) return x;
  if constexpr (std::is_floating_point_v<T>)
    return slope * x;
  else
    return static_cast<T>(static_cast<std::uint64_t>(slope) * static_cast<std::uint64_t>(x));
}

Tensors evaluate(const EvaluateCall& call) {
  const Tensor slopes = aligned_slope(call);
  const Dims& x = call.inputs[0].dims();
  if (broadcast_dims(slopes.dims(), x) != x)
    throw UserError(
        fmt::format("a slope of shape {} cannot be broadcast to {}", to_string(slopes.dims()), to_string(x)));
  return {combine_elements<void>(NumberTypes{}, call.inputs[0], slopes,
                                 [](auto x, auto slope) { return p_relu(x, slope); })};
}

std::vector<ValueId> gradient(const GradientCall& call) {
  const ValueId x = call.node.inputs[0], dy = call.output_gradients[0], zero = number(call, 0);
  const ValueId is_negative = emit(call, "Less", {x, zero});
  return for_wanted(call, [&](std::size_t i) {
    if (i == 0) return emit(call, "Where", {is_negative, emit(call, "Mul", {dy, call.node.inputs[1]}), dy});
    return sum_to_input(call, emit(call, "Where", {is_negative, emit(call, "Mul", {dy, x}), zero}), 1);
  });
}

}  // namespace

OpDefinition p_relu_op() {
  return {
      .name = "PRelu",
      .versions = {1, 6, 7, 9, 16},
      .required_inputs = 2,
      .infer = same_shape_as_input,
      .evaluate = evaluate,
      .count_cost = operations_per_output(1),
      .gradient = gradient,
      .tied_dims =
          [](const InferCall& call) {
            return call.opset < 7 ? std::vector<TiedDims>() : broadcast_ties(call);
          },
      .is_elementwise = true,
  };
}

}  // namespace edgeopt
