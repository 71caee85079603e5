// The transpose of Conv: y[n][m][i * stride + k * dilation - pad] += x[n][c][i] * w[c][m][k]
//   output = stride * (input - 1) + output_padding + (kernel - 1) * dilation + 1 - pads
#include <fmt/format.h>

#include <algorithm>

#include "ir/gradient/gradient_rules.h"
#include "ir/rules/call_inputs.h"
#include "ir/rules/convolve.h"
#include "ir/rules/op_rules.h"
#include "ir/saturated_counts.h"
#include "ir/tied_dims.h"
#include "support/error.h"
#include "support/parallel.h"

namespace edgeopt {
namespace {

// The window of the Conv that this one transposes: its input is our output and the other way round.
void size_axis(WindowAxis& axis, const Attributes& attributes, std::size_t index) {
  const std::vector<std::int64_t> extra = attributes.get_ints("output_padding");
  const std::vector<std::int64_t> wanted = attributes.get_ints("output_shape");
  const std::string auto_pad = attributes.get_string("auto_pad", "NOTSET");
  const std::int64_t full =
      axis.stride * (axis.output - 1) + (index < extra.size() ? extra[index] : 0) + axis.reach();
  const bool same = auto_pad.starts_with("SAME");
  if (wanted.empty() && !same) {
    axis.input = full - axis.pad_begin - axis.pad_end;
  } else {
    axis.input = wanted.empty() ? axis.output * axis.stride : wanted.at(index);
    const std::int64_t total = std::max<std::int64_t>(full - axis.input, 0);
    axis.pad_begin = auto_pad == "SAME_UPPER" ? total / 2 : total - total / 2;
    axis.pad_end = total - axis.pad_begin;
  }
  if (axis.input < 0)
    throw UserError(
        fmt::format("pads {} and {} leave nothing of spatial axis {}", axis.pad_begin, axis.pad_end, index));
}

// Everything but the sizes.
Window open_window(const Attributes& attributes, std::span<const std::int64_t> kernel) {
  if (attributes.find("output_shape")) list_attribute(attributes, "output_shape", kernel.size(), 0);
  return unsized_window(attributes, kernel);
}

Window window_for(const Attributes& attributes, std::span<const std::int64_t> input,
                  std::span<const std::int64_t> kernel) {
  Window window = open_window(attributes, kernel);
  for (std::size_t i = 0; i < window.size(); ++i) {
    window[i].output = input[i];
    size_axis(window[i], attributes, i);
  }
  return window;
}

// The spatial dims of the result; unknown where those of the input are.
Shape spatial_shape(const Attributes& attributes, std::span<const Dim> input, const Dims& kernel) {
  Shape shape(input.size());
  if (kernel.size() != input.size()) return shape;
  Window window = open_window(attributes, kernel);
  for (std::size_t i = 0; i < window.size(); ++i) {
    if (!input[i].is_number()) continue;
    window[i].output = input[i].size;
    size_axis(window[i], attributes, i);
    shape[i] = window[i].input;
  }
  return shape;
}

std::vector<Operand> infer(const InferCall& call) {
  const Operand& input = required_input(call, 0);
  const Operand& weight = required_input(call, 1);
  if (!input.has_shape()) return {of_unknown_shape(input)};
  const std::size_t rank = input.shape().size();
  if (rank < 3 || (weight.has_shape() && weight.shape().size() != rank))
    throw UserError(
        fmt::format("the input has {} dims; input and weight must have the same rank, at least 3", rank));
  Shape shape(rank);
  shape[0] = input.shape()[0];
  Dims kernel = call.attributes().get_ints("kernel_shape");
  if (weight.has_shape()) {
    const Dim& per_group = weight.shape()[1];
    if (per_group.is_number()) shape[1] = per_group.size * call.attributes().get_int("group", 1);
    const auto dims = static_dims(Shape(weight.shape().begin() + 2, weight.shape().end()));
    if (dims) require_kernel(call.attributes(), *dims);
    if (dims) kernel = *dims;
  }
  std::ranges::copy(spatial_shape(call.attributes(), std::span(input.shape()).subspan(2), kernel),
                    shape.begin() + 2);
  return {operand(input.type.dtype, std::move(shape))};
}

// Scatters one input plane through one kernel into one output plane.
void add_plane(const Window& window, const double* x, const double* w, double* y) {
  const Dims kernel = kernel_dims(window);
  for_each_index(output_dims(window), [&](std::span<const std::int64_t> o) {
    const double value = *x++;
    const double* weight = w;
    for_each_index(kernel, [&](std::span<const std::int64_t> k) {
      const double factor = *weight++;
      std::int64_t offset = 0;
      for (std::size_t axis = 0; axis < window.size(); ++axis) {
        const std::int64_t position = window[axis].position(o[axis], k[axis]);
        if (position < 0 || position >= window[axis].input) return;
        offset = offset * window[axis].input + position;
      }
      y[offset] += value * factor;
    });
  });
}

Tensors evaluate(const EvaluateCall& call) {
  const Tensor& x = required_input(call, 0);
  const Tensor& w = required_input(call, 1);
  const std::int64_t groups = call.attributes().get_int("group", 1);
  if (x.rank() < 3 || w.rank() != x.rank() || w.dims()[0] != x.dims()[1] || groups < 1 ||
      w.dims()[0] % groups != 0)
    throw UserError(
        fmt::format("an input of shape {}, a weight of shape {} and {} groups do not fit together",
                    to_string(x.dims()), to_string(w.dims()), groups));
  require_kernel(call.attributes(), std::span(w.dims()).subspan(2));
  const Window window =
      window_for(call.attributes(), std::span(x.dims()).subspan(2), std::span(w.dims()).subspan(2));
  const std::vector<double> in = to_doubles(x), weight = to_doubles(w);
  const std::vector<double> bias = call.has_input(2) ? to_doubles(call.inputs[2]) : std::vector<double>();
  const std::int64_t channels = x.dims()[1], per_group = channels / groups, outputs = w.dims()[1];
  const std::int64_t in_plane = element_count(output_dims(window)),
                     out_plane = element_count(input_dims(window));
  const std::int64_t kernel = element_count(kernel_dims(window));
  Dims dims{x.dims()[0], outputs * groups};
  for (const WindowAxis& axis : window) dims.push_back(axis.input);
  if (!bias.empty() && std::ssize(bias) != dims[1])
    throw UserError(fmt::format("{} biases are given for {} output channels", bias.size(), dims[1]));
  std::vector<double> y(static_cast<std::size_t>(element_count(dims)));
  parallel_for(dims[0] * dims[1], [&](std::int64_t plane, int) {
    const std::int64_t n = plane / dims[1], m = plane % dims[1];
    double* const target = y.data() + plane * out_plane;
    std::fill_n(target, out_plane, bias.empty() ? 0.0 : bias[static_cast<std::size_t>(m)]);
    for (std::int64_t c = m / outputs * per_group; c < (m / outputs + 1) * per_group; ++c)
      add_plane(window, in.data() + (n * channels + c) * in_plane,
                weight.data() + (c * outputs + m % outputs) * kernel, target);
  });
  return {from_doubles(x.dtype(), std::move(dims), y)};
}

// Every input element meets every weight of its channel once.
Cost count_cost(const InferCall& call, std::span<const Operand>) {
  const Operand& weight = call.inputs[1];
  if (!weight.has_shape() || weight.shape().empty()) return {};
  const std::int64_t channels =
      weight.shape()[0].is_number() ? std::max<std::int64_t>(weight.shape()[0].size, 1) : 1;
  return {.multiply_adds =
              saturated_product(known_element_count(call.inputs[0]), known_element_count(weight) / channels)};
}

// Those of the Conv that this one transposes, with its pads in numbers.
Attributes conv_attributes(const GradientCall& call) {
  Attributes result;
  for (const char* name : {"strides", "dilations", "pads", "group", "kernel_shape"})
    if (const Attribute* attribute = call.attributes().find(name)) result.set(name, *attribute);
  const std::string auto_pad = call.attributes().get_string("auto_pad", "NOTSET");
  if (!auto_pad.starts_with("SAME") && !call.attributes().find("output_shape")) return result;
  const std::optional<Shape>& x = call.graph.type_of(call.node.inputs[0]).shape;
  const std::optional<Dims> w = call.graph.static_dims_of(call.node.inputs[1]);
  const std::optional<Dims> spatial = x ? static_dims(Shape(x->begin() + 2, x->end())) : std::nullopt;
  if (!spatial || !w) reject_gradient(call, "pads that follow from dims which are not numbers");
  const Window window = window_for(call.attributes(), *spatial, std::span(*w).subspan(2));
  std::vector<std::int64_t> pads;
  for (const WindowAxis& axis : window) pads.push_back(axis.pad_begin);
  for (const WindowAxis& axis : window) pads.push_back(axis.pad_end);
  result.set("pads", pads);
  return result;
}

// Back through the transpose is forward through the Conv; for the weight, x and dy change places.
std::vector<ValueId> gradient(const GradientCall& call) {
  const ValueId x = call.node.inputs[0], w = call.node.inputs[1], dy = call.output_gradients[0];
  const Attributes attributes = conv_attributes(call);
  return for_wanted(call, [&](std::size_t input) {
    if (input == 0) return emit(call, "Conv", {dy, w}, attributes);
    if (input == 1) return emit_training(call, "ConvWeightGradient", {x, dy, w}, attributes);
    return sum_channels(call, dy, rank_of(call, x));
  });
}

// Rows of the weight are input channels, its columns the output channels of one group; groups go whole.
std::vector<TiedDims> tied_dims(const InferCall& call) {
  if (!call.inputs[1].has_shape()) return {};
  const std::optional<Dims> weight = static_dims(call.inputs[1].shape());
  const std::int64_t groups = call.attributes().get_int("group", 1);
  if (!weight || weight->size() < 2 || groups < 1) return {};
  TiedDims outputs{{output_dim(0, 1)}};
  if (call.has_input(2)) outputs.dims.push_back(input_dim(2, 0));
  if (groups == 1) {
    outputs.dims.push_back(input_dim(1, 1));
    return {outputs, {{input_dim(0, 1), input_dim(1, 0)}}};
  }
  outputs.count = groups;
  for (OperandDim& dim : outputs.dims) dim.step = dim.repeat = (*weight)[1];
  const std::int64_t rows = (*weight)[0] / groups;
  outputs.dims.push_back({.operand = 0, .axis = 1, .step = rows, .repeat = rows});
  outputs.dims.push_back({.operand = 1, .axis = 0, .step = rows, .repeat = rows});
  return {outputs};
}

}  // namespace

OpDefinition conv_transpose_op() {
  return {
      .name = "ConvTranspose",
      .versions = {1, 11, 22},
      .required_inputs = 2,
      .infer = infer,
      .evaluate = evaluate,
      .count_cost = count_cost,
      .gradient = gradient,
      .tied_dims = tied_dims,
      .quantization = {.role = QuantizationRole::computes,
                       .quantized_inputs = {0, 1},
                       .weight_input = 1,
                       .bias_input = 2,
                       // With groups, one index of axis 1 serves several output channels.
                       .weight_channel_axis =
                           [](const Node& node, std::size_t) {
                             return node.attributes.get_int("group", 1) == 1 ? 1 : -1;
                           }},
  };
}

}  // namespace edgeopt
