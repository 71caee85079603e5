// y = activations(conv(x, w) + bias + addend), in floats or in integers:
//   y_q = zero_y + round(activations((sum (x_q - zero_x) w_q + bias_q) * s_x s_w / s_y))
#include <algorithm>

#include "runtime/kernels/onednn/composed_step.h"
#include "runtime/kernels/onednn/convolution.h"
#include "runtime/kernels/onednn/integers.h"

namespace edgeopt {
namespace {

using Desc = dnnl::memory::desc;
using Description = dnnl::convolution_forward::primitive_desc;

std::optional<std::string> decline_integers(const KernelCall& call) {
  const auto& quantization = call.task.input_quantization;
  if (!call.inputs[1].is_constant()) return "the weights are computed";
  if (!quantization[0] || !quantization[1] || quantization[0]->is_per_channel())
    return "the input has a scale per channel";
  if (call.inputs[1].form.dtype != DataType::int8 || !quantization[1]->is_symmetric())
    return "the weights are not int8 with zero point 0";
  if (quantization[1]->is_per_channel() && quantization[1]->axis != 0)
    return "the weights have scales along another axis than the output channels";
  if (call.task.output_quantization && call.task.output_quantization->is_per_channel())
    return "the output has a scale per channel";
  if (bit_count(call.inputs[0].form.dtype) != 8 || (call.has_input(2) && !call.inputs[2].is_constant()))
    return "the input is not of 8 bits";
  return std::nullopt;
}

std::optional<std::string> decline_operands(const KernelCall& call) {
  if (!onednn::has_usable_operands(call)) return "an operand is of a type that oneDNN does not compute with";
  if (!can_be_channels_last(call.inputs[0].form.dims)) return "it has more than three spatial dims";
  if (call.is_quantized()) return decline_integers(call);
  for (const TaskOperand& input : call.inputs)
    if (input.is_present && input.form.dtype != DataType::float32) return "an input is not float";
  return std::nullopt;
}

dnnl::primitive_attr attributes_of(const KernelCall& call) {
  dnnl::primitive_attr attributes = onednn::new_attributes();
  dnnl::post_ops post_ops;
  if (call.task.addend != ValueId::none) post_ops.append_sum();
  const std::int32_t zero = call.is_quantized() ? call.task.input_quantization[0]->zero_point() : 0;
  if (zero != 0) attributes.set_zero_points(DNNL_ARG_SRC, 0, {zero});
  onednn::set_output(attributes, post_ops, call, 1 << 1);
  return attributes;
}

// The bias as the primitive reads it; a computed one stays where it is.
TaskOperand bias_of(const KernelCall& call) {
  TaskOperand bias = call.inputs[2];
  if (call.is_quantized()) {
    bias.constant = onednn::accumulator_bias(call);
    bias.form = {bias.constant->dtype(), bias.constant->dims()};
  }
  return bias;
}

onednn::ConvolutionShape shape_of(const KernelCall& call) {
  return onednn::convolution_shape(
      call.node(), {.x = call.inputs[0].form, .w = call.inputs[1].form, .y = call.outputs[0].form});
}

Description describe(const KernelCall& call, const onednn::ConvolutionShape& shape) {
  const Desc bias = call.has_input(2) ? onednn::desc_of(bias_of(call).form) : Desc();
  return {{dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct, shape.x, shape.weights,
           bias, shape.y, shape.window.strides, shape.gaps, shape.window.pads_begin, shape.window.pads_end},
          attributes_of(call),
          onednn::cpu_engine()};
}

std::optional<std::string> decline_conv(const KernelCall& call) {
  if (auto reason = decline_operands(call)) return reason;
  KernelCall placed = call;
  placed.inputs[0].form.layout = placed.outputs[0].form.layout = Layout::channels_last;
  if (!onednn::is_available([&] { describe(placed, shape_of(placed)); }))
    return "oneDNN has no such convolution";
  return std::nullopt;
}

// Weights lie as the file has them until the primitive's own format is known.
Layouts choose_conv_layouts(const KernelCall& call) {
  Layouts layouts = plain_layouts(call);
  layouts.inputs[0] = layouts.outputs[0] = Layout::channels_last;
  return layouts;
}

BoundStep bind_conv(const KernelCall& call) {
  const onednn::ConvolutionShape shape = shape_of(call);
  const Description description = describe(call, shape);
  auto step = std::make_shared<onednn::ComposedStep>(dnnl::convolution_forward(description), call.scratch);
  step->bind(DNNL_ARG_SRC, description.src_desc(), place_of(call.inputs[0]));
  if (call.inputs[1].is_constant())
    step->bind(DNNL_ARG_WEIGHTS, description.weights_desc(),
               onednn::pack(*call.inputs[1].constant, shape.plain_weights, description.weights_desc()));
  else
    step->bind_input(DNNL_ARG_WEIGHTS, shape.plain_weights, description.weights_desc(),
                     place_of(call.inputs[1]));
  if (call.has_input(2)) step->bind(DNNL_ARG_BIAS, description.bias_desc(), place_of(bias_of(call)));
  step->bind(DNNL_ARG_DST, description.dst_desc(), place_of(call.outputs[0]));
  step->bind_scratchpad(description.scratchpad_desc());
  return onednn::ComposedStep::finish(std::move(step));
}

// Channels around the vector width, strides, padding, groups, depthwise.
std::vector<KernelCase> conv_cases() {
  std::vector<KernelCase> cases;
  const auto add = [&](Dims x, Dims w, Attributes attributes) {
    cases.push_back({.op_type = "Conv",
                     .inputs = {{DataType::float32, x}, {DataType::float32, w}, {DataType::float32, {w[0]}}},
                     .attributes = std::move(attributes),
                     .constant_inputs = {1, 2}});
  };
  using Ints = std::vector<std::int64_t>;
  for (const std::int64_t channels : {1, 15, 16, 17, 53}) add({1, 3, 9, 8}, {channels, 3, 3, 3}, {});
  for (const std::int64_t channels : {1, 15, 16, 17, 53}) add({2, channels, 5, 6}, {7, channels, 1, 1}, {});
  add({1, 17, 9, 9}, {17, 1, 3, 3}, {{"group", 17}, {"pads", Ints{1, 1, 1, 1}}});
  add({1, 4, 9, 9}, {6, 2, 3, 3}, {{"group", 2}, {"strides", Ints{2, 1}}, {"pads", Ints{0, 1, 1, 2}}});
  add({1, 2, 11}, {3, 2, 4}, {{"dilations", Ints{2}}});
  // Weights and biases that change from run to run.
  const std::size_t count = cases.size();
  for (std::size_t i = 0; i < count; ++i) {
    cases.push_back(cases[i]);
    cases.back().constant_inputs = {};
  }
  return cases;
}

struct IntegerShape {
  Dims x, w;
  Attributes attributes = {};
  DataType type = DataType::uint8;
  std::int32_t zero_point = 0;
};

// Scales as after calibration: sums of some dozens of products fill the output's range.
KernelCase integer_case(const IntegerShape& shape) {
  const auto channels = static_cast<std::size_t>(shape.w[0]);
  Quantization weights{.dtype = DataType::int8, .zero_points = std::vector<std::int32_t>(channels, 0)};
  for (std::size_t i = 0; i < channels; ++i)
    weights.scales.push_back(0.01f + 0.001f * static_cast<float>(i % 7));
  Quantization bias{.dtype = DataType::int32, .scales = weights.scales, .zero_points = weights.zero_points};
  for (float& scale : bias.scales) scale *= 0.03f;
  return {.op_type = "Conv",
          .inputs = {{shape.type, shape.x}, {DataType::int8, shape.w}, {DataType::int32, {shape.w[0]}}},
          .attributes = shape.attributes,
          .constant_inputs = {1, 2},
          .input_quantization = {Quantization{shape.type, {0.03f}, {shape.zero_point}}, weights, bias},
          .output_quantization = Quantization{shape.type, {0.11f}, {shape.zero_point}}};
}

std::vector<KernelCase> all_conv_cases() {
  using Ints = std::vector<std::int64_t>;
  std::vector<KernelCase> cases = conv_cases();
  const Attributes padded = {{"pads", Ints{1, 1, 1, 1}}};
  for (const std::int64_t channels : {1, 15, 16, 17, 53})
    cases.push_back(
        integer_case({.x = {1, channels, 9, 8}, .w = {17, channels, 3, 3}, .attributes = padded}));
  cases.push_back(
      integer_case({.x = {1, 3, 9, 8}, .w = {16, 3, 3, 3}, .attributes = padded, .zero_point = 117}));
  cases.push_back(integer_case({.x = {2, 16, 5, 5}, .w = {32, 16, 1, 1}, .zero_point = 3}));
  cases.push_back(integer_case({.x = {1, 16, 9, 8},
                                .w = {16, 16, 3, 3},
                                .attributes = padded,
                                .type = DataType::int8,
                                .zero_point = -5}));
  const Attributes depthwise = {{"pads", Ints{1, 1, 1, 1}}, {"group", 17}};
  cases.push_back(integer_case({.x = {1, 17, 9, 8}, .w = {17, 1, 3, 3}, .attributes = depthwise}));
  cases.push_back(
      integer_case({.x = {1, 17, 9, 8}, .w = {17, 1, 3, 3}, .attributes = depthwise, .zero_point = 9}));
  return cases;
}

}  // namespace

Kernel conv_kernel() {
  return {.name = "conv",
          .op_types = {"Conv"},
          .decline = decline_conv,
          .choose_layouts = choose_conv_layouts,
          .bind = bind_conv,
          .cases = all_conv_cases(),
          // Sums of up to a few hundred products in another order: a few hundred roundings of 2^-24.
          .tolerance = 1e-5};
}

}  // namespace edgeopt
