// Straight through the rounding (Bengio et al., arXiv:1308.3432). With q = clamp(round(x / scale) + zero):
//   QuantizeLinearGradient(dq, x, scale, zero)    dx = dq / scale, dscale = -sum(dq * x / scale^2), where q
//   is
//                                                 not clamped, else 0
//   DequantizeLinearGradient(dy, q, scale, zero)  dq = dy * scale, dscale = sum(dy * (q - zero))
// One after the other they give the gradients of LSQ (Esser et al., arXiv:1902.08153).
#include <cmath>
#include <string>
#include <vector>

#include "ir/gradient/training_ops.h"
#include "ir/quantization/quantized_scale.h"
#include "ir/rules/op_rules.h"

namespace edgeopt {
namespace {

struct Slopes {
  double x = 0;
  double scale = 0;
};
struct Element {
  double x, scale, zero_point;
};

// The slopes of q by x and by the scale.
Slopes quantize_slopes(const Element& element, const IntegerLimits& limits) {
  const double q = std::nearbyint(element.x / element.scale) + element.zero_point;
  if (q < limits.low || q > limits.high) return {};
  return {1 / element.scale, -element.x / (element.scale * element.scale)};
}

Slopes dequantize_slopes(const Element& element, const IntegerLimits&) {
  return {element.scale, element.x - element.zero_point};
}

using SlopesOf = Slopes (*)(const Element&, const IntegerLimits&);

// Floats of 8 bits and less are not clamped here.
IntegerLimits limits_of(DataType dtype) {
  return is_integer(dtype) ? integer_limits(dtype) : IntegerLimits{-INFINITY, INFINITY};
}

Tensors evaluate(const EvaluateCall& call, SlopesOf slopes_of) {
  const Attributes& attributes = call.attributes();
  require_dims_of_result(call.inputs[0], call.inputs[1].dims());
  const Tensor &x = call.inputs[1], &scale = call.inputs[2];
  const std::vector<std::int64_t> scales = scale_indexes(
      x.dims(), scale.dims(),
      {.axis = attributes.get_int("axis", 1), .block_size = attributes.get_int("block_size", 0)});
  const auto asked = static_cast<DataType>(attributes.get_int("output_dtype", 0));
  const IntegerLimits limits = limits_of(call.has_input(3)              ? call.inputs[3].dtype()
                                         : asked == DataType::undefined ? DataType::uint8
                                                                        : asked);
  const std::vector<double> factors = to_doubles(scale);
  std::vector<double> zero_points(factors.size(), 0);
  if (call.has_input(3)) zero_points = zero_points_like(scale, call.inputs[3]);
  const std::vector<double> dy = to_doubles(call.inputs[0]), elements = to_doubles(x);
  std::vector<double> dx(dy.size()), dscale(factors.size(), 0);
  for (std::size_t i = 0; i < dy.size(); ++i) {
    const auto at = static_cast<std::size_t>(scales[i]);
    const Slopes slopes = slopes_of({elements[i], factors[at], zero_points[at]}, limits);
    dx[i] = dy[i] * slopes.x;
    dscale[at] += dy[i] * slopes.scale;
  }
  const DataType dtype = is_floating_point(x.dtype()) ? x.dtype() : scale.dtype();
  return {from_doubles(dtype, x.dims(), dx), from_doubles(scale.dtype(), scale.dims(), dscale)};
}

std::vector<Operand> infer(const InferCall& call) {
  const ValueType &x = call.inputs[1].type, &scale = call.inputs[2].type;
  require_dims_of_result(call.inputs[0], x.shape);
  return {operand(is_floating_point(x.dtype) ? x.dtype : scale.dtype, x.shape),
          operand(scale.dtype, scale.shape)};
}

OpDefinition gradient_of(const std::string& op_type, SlopesOf slopes_of) {
  return {
      .name = op_type + "Gradient",
      .domain = training_domain,
      .required_inputs = 3,
      .infer = infer,
      .evaluate = [slopes_of](const EvaluateCall& call) { return evaluate(call, slopes_of); },
      .count_cost = operations_per_output(4),
  };
}

}  // namespace

std::vector<OpDefinition> quantization_gradient_table() {
  return {gradient_of("QuantizeLinear", quantize_slopes), gradient_of("DequantizeLinear", dequantize_slopes)};
}

}  // namespace edgeopt
