// FakeQuantize(x, scale, zero_point, seed?):
//   y = (clip(round(x / scale) + zero_point, low, high) - zero_point) * scale, ties to even
// FakeQuantizeGradient(dy, x, scale, zero_point, seed?) -> dx, dscale, dzero_point: straight-through inside
// the range, learned step sizes (Esser et al., "Learned Step Size Quantization", ICLR 2020). With a seed and
// drop_probability p every element inside the range stays x, unrounded, with probability p (Wei et al.,
// "QDrop", ICLR 2022, where it leaves the range too: but an activation may live in the range's ends alone).
#include <cmath>

#include "ir/gradient/training_ops.h"
#include "ir/quantization/fake_quantize.h"
#include "ir/quantization/quantized_scale.h"
#include "ir/rules/call_inputs.h"
#include "ir/rules/op_rules.h"
#include "support/error.h"

namespace edgeopt {
namespace {

/// Where the inputs of FakeQuantize stand among those of the node.
struct Operands {
  const Tensor& x;
  const Tensor& scale;
  const Tensor& zero_point;
  const Tensor* seed = nullptr;
};

Operands operands_from(const EvaluateCall& call, std::size_t first) {
  return {call.inputs[first], call.inputs[first + 1], call.inputs[first + 2],
          call.has_input(first + 3) ? &call.inputs[first + 3] : nullptr};
}

/// One scale and zero point per element, and whether it is dropped.
class Elements {
 public:
  Elements(const Operands& operands, const FakeQuantization& settings)
      : probability_(operands.seed ? settings.drop_probability : 0) {
    require_element_type(operands.scale, operands.x.dtype());
    require_element_type(operands.zero_point, operands.x.dtype());
    if (operands.scale.dims() != operands.zero_point.dims())
      throw UserError("there must be one zero point for each scale");
    if (settings.axis < 0 && operands.scale.element_count() != 1)
      throw UserError("without an axis there must be one scale");
    groups_ = scale_indexes(operands.x.dims(), operands.scale.dims(),
                            {.axis = std::max<std::int64_t>(settings.axis, 0)});
    if (operands.seed) stream_ = drop_stream(single_int(*operands.seed));
  }
  std::size_t group(std::size_t i) const { return static_cast<std::size_t>(groups_[i]); }
  bool is_dropped(std::size_t i) const { return probability_ > 0 && drop_number(stream_, i) < probability_; }

 private:
  std::vector<std::int64_t> groups_;
  std::uint64_t stream_ = 0;
  float probability_ = 0;
};

template <typename T>
T clipped(T q, const FakeQuantization& settings) {
  const T low = static_cast<T>(settings.low), high = static_cast<T>(settings.high);
  return q < low ? low : q > high ? high : q;
}

Tensors fake_quantize(const EvaluateCall& call) {
  const FakeQuantization settings = fake_quantization_of(call.attributes());
  const Operands operands = operands_from(call, 0);
  const Elements elements(operands, settings);
  Tensor y(operands.x.dtype(), operands.x.dims());
  visit_type(FloatTypes{}, operands.x.dtype(), [&]<typename T>() {
    const auto x = operands.x.data<T>(), scale = operands.scale.data<T>(),
               zero = operands.zero_point.data<T>();
    const auto to = y.mutable_data<T>();
    for (std::size_t i = 0; i < to.size(); ++i) {
      const std::size_t k = elements.group(i);
      const T q = std::nearbyint(x[i] / scale[k]) + zero[k];
      const T bound = clipped<T>(q, settings);
      to[i] = bound == q && elements.is_dropped(i) ? x[i] : (bound - zero[k]) * scale[k];
    }
  });
  return {y};
}

/// What one element adds to the three gradients.
struct Parts {
  double dx = 0, dscale = 0, dzero_point = 0;
};

template <typename T>
Parts parts_of(T dy, T ratio, T scale, T zero_point, const FakeQuantization& settings) {
  const T q = std::nearbyint(ratio) + zero_point;
  const T bound = clipped<T>(q, settings);
  if (bound != q && !std::isnan(q))
    return {.dscale = static_cast<double>(dy) * (bound - zero_point),
            .dzero_point = static_cast<double>(dy) * -scale};
  return {.dx = dy, .dscale = static_cast<double>(dy) * (std::nearbyint(ratio) - ratio)};
}

Tensors fake_quantize_gradient(const EvaluateCall& call) {
  const FakeQuantization settings = fake_quantization_of(call.attributes());
  const Operands operands = operands_from(call, 1);
  const Elements elements(operands, settings);
  const DataType dtype = operands.x.dtype();
  require_element_type(call.inputs[0], dtype);
  require_dims_of_result(call.inputs[0], operands.x.dims());
  const auto groups = static_cast<std::size_t>(operands.scale.element_count());
  std::vector<double> dx, dscale(groups, 0.0), dzero_point(groups, 0.0);
  visit_type(FloatTypes{}, dtype, [&]<typename T>() {
    const auto dy = call.inputs[0].data<T>(), x = operands.x.data<T>();
    for (std::size_t i = 0; i < x.size(); ++i) {
      const std::size_t k = elements.group(i);
      const T scale = operands.scale.data<T>()[k], zero = operands.zero_point.data<T>()[k];
      Parts parts = parts_of<T>(dy[i], x[i] / scale, scale, zero, settings);
      if (parts.dzero_point == 0 && elements.is_dropped(i)) parts.dscale = 0;
      dx.push_back(parts.dx);
      dscale[k] += parts.dscale;
      dzero_point[k] += parts.dzero_point;
    }
  });
  return {from_doubles(dtype, operands.x.dims(), dx), from_doubles(dtype, operands.scale.dims(), dscale),
          from_doubles(dtype, operands.scale.dims(), dzero_point)};
}

std::vector<Operand> infer_gradient(const InferCall& call) {
  require_dims_of_result(call.inputs[0], call.inputs[1].type.shape);
  std::vector<Operand> outputs;
  for (std::size_t i = 1; i < 4; ++i)
    outputs.push_back(operand(call.inputs[i].type.dtype, call.inputs[i].type.shape));
  return outputs;
}

std::vector<ValueId> gradient(const GradientCall& call) {
  std::vector<ValueId> inputs = call.node.inputs;
  inputs.insert(inputs.begin(), call.output_gradients[0]);
  return emit_training(call,
                       {.op_type = "FakeQuantizeGradient", .inputs = inputs, .attributes = call.attributes()},
                       {call.wants(0), call.wants(1), call.wants(2)});
}

}  // namespace

std::vector<OpDefinition> fake_quantize_table() {
  return {
      {.name = "FakeQuantize",
       .domain = "edgeopt",
       .required_inputs = 3,
       .infer = same_shape_as_input,
       .evaluate = fake_quantize,
       .count_cost = operations_per_output(6),
       .gradient = gradient},
      {.name = "FakeQuantizeGradient",
       .domain = "edgeopt",
       .required_inputs = 4,
       .infer = infer_gradient,
       .evaluate = fake_quantize_gradient,
       .count_cost = operations_per_output(8)},
  };
}

}  // namespace edgeopt
