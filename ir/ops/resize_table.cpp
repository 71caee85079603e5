// Resize: each axis resampled to a wanted size, or by a wanted scale: size = floor(scale * input).
// ResizeGradient(dy, x, roi, scales, sizes) in training graphs: its transpose, as it is linear in x.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "ir/gradient/training_ops.h"
#include "ir/rules/call_inputs.h"
#include "ir/rules/interpolate.h"
#include "ir/tied_dims.h"
#include "support/error.h"

namespace edgeopt {
namespace {

// Opset 10 has the inputs (X, scales), later ones (X, roi, scales, sizes). An empty tensor counts as left
// out.
struct Inputs {
  std::optional<Tensor> roi, scales, sizes;
};

template <typename Call>
std::vector<std::size_t> axes_of(const Call& call, std::size_t rank) {
  std::vector<std::int64_t> axes(rank);
  std::iota(axes.begin(), axes.end(), 0);
  if (call.attributes().find("axes")) axes = axes_from_front(call.attributes().get_ints("axes"), rank);
  return {axes.begin(), axes.end()};
}

void require_count(std::size_t given, std::size_t wanted, std::string_view what) {
  if (given != wanted) throw UserError(fmt::format("{} {} are given for {} axes", given, what, wanted));
}

// One scale for all axes if the aspect ratio is to be kept, else one each.
void apply_sizes(std::vector<ResizeAxis>& axes, const std::vector<std::size_t>& which,
                 const std::vector<std::int64_t>& sizes, const std::string& policy) {
  require_count(sizes.size(), which.size(), "sizes");
  std::vector<double> scales;
  for (std::size_t i = 0; i < which.size(); ++i)
    scales.push_back(static_cast<double>(sizes[i]) / static_cast<double>(axes[which[i]].input));
  for (std::size_t i = 0; i < which.size(); ++i) {
    ResizeAxis& axis = axes[which[i]];
    axis.output = sizes[i];
    axis.scale = scales[i];
    if (policy == "stretch") continue;
    axis.scale = policy == "not_larger" ? std::ranges::min(scales) : std::ranges::max(scales);
    axis.output = to_int64(std::floor(axis.scale * static_cast<double>(axis.input) + 0.5));
  }
}

std::vector<ResizeAxis> resize_axes(const Attributes& attributes, const Dims& dims,
                                    const std::vector<std::size_t>& which, const Inputs& inputs) {
  std::vector<ResizeAxis> axes;
  for (const std::int64_t dim : dims) axes.push_back({.input = dim, .output = dim});
  if (inputs.sizes) {
    apply_sizes(axes, which, to_int64s(*inputs.sizes),
                attributes.get_string("keep_aspect_ratio_policy", "stretch"));
  } else if (inputs.scales) {
    const std::vector<double> scales = to_doubles(*inputs.scales);
    require_count(scales.size(), which.size(), "scales");
    for (std::size_t i = 0; i < which.size(); ++i) {
      ResizeAxis& axis = axes[which[i]];
      axis.scale = scales[i];
      axis.output = to_int64(std::floor(scales[i] * static_cast<double>(axis.input)));
    }
  } else {
    throw UserError("Resize needs scales or sizes");
  }
  if (inputs.roi && attributes.get_string("coordinate_transformation_mode", "") == "tf_crop_and_resize") {
    const std::vector<double> roi = to_doubles(*inputs.roi);
    require_count(roi.size(), 2 * which.size(), "roi bounds");
    for (std::size_t i = 0; i < which.size(); ++i) {
      axes[which[i]].roi_begin = roi[i];
      axes[which[i]].roi_end = roi[which.size() + i];
    }
  }
  return axes;
}

std::optional<Tensor> if_given(const Tensor& tensor) {
  return tensor.is_empty() ? std::nullopt : std::optional(tensor);
}

bool is_left_out(const InferCall& call, std::size_t index) {
  return !call.has_input(index) || (call.inputs[index].constant && call.inputs[index].constant->is_empty());
}

// The output dim of an axis whose scale is known.
Dim scaled(const Dim& dim, double scale) {
  if (scale == 1) return dim;
  if (!dim.is_number()) return {};
  return to_int64(std::floor(scale * static_cast<double>(dim.size)));
}

std::optional<Shape> scaled_shape(const InferCall& call, const Operand& scales) {
  const Shape& input = call.inputs[0].shape();
  if (!scales.constant) return std::nullopt;
  const std::vector<double> factors = to_doubles(*scales.constant);
  const std::vector<std::size_t> axes = axes_of(call, input.size());
  require_count(factors.size(), axes.size(), "scales");
  Shape shape = input;
  for (std::size_t i = 0; i < axes.size(); ++i) shape[axes[i]] = scaled(input[axes[i]], factors[i]);
  return shape;
}

std::optional<Shape> sized_shape(const InferCall& call, const Operand& sizes) {
  const Shape& input = call.inputs[0].shape();
  const std::optional<Shape> wanted = known_elements(sizes);
  if (!wanted) return std::nullopt;
  const std::vector<std::size_t> axes = axes_of(call, input.size());
  require_count(wanted->size(), axes.size(), "sizes");
  const bool stretches = call.attributes().get_string("keep_aspect_ratio_policy", "stretch") == "stretch";
  const auto dims = static_dims(input);
  if (!stretches && (!dims || !sizes.constant)) return std::nullopt;
  Shape shape = input;
  if (stretches) {
    for (std::size_t i = 0; i < axes.size(); ++i) shape[axes[i]] = (*wanted)[i];
  } else {
    const auto resized = resize_axes(call.attributes(), *dims, axes, {.sizes = sizes.constant});
    for (std::size_t i = 0; i < shape.size(); ++i) shape[i] = resized[i].output;
  }
  return shape;
}

std::vector<Operand> infer(const InferCall& call) {
  const Operand& input = required_input(call, 0);
  if (!input.has_shape()) return {of_unknown_shape(input)};
  const std::size_t scales = call.opset < 11 ? 1 : 2;
  std::optional<Shape> shape;
  if (!is_left_out(call, 3))
    shape = sized_shape(call, call.inputs[3]);
  else if (!is_left_out(call, scales))
    shape = scaled_shape(call, call.inputs[scales]);
  if (!shape) return {of_unknown_dims(input.type.dtype, input.shape().size())};
  return {operand(input.type.dtype, std::move(shape))};
}

Interpolation interpolation_of(const EvaluateCall& call) {
  const Attributes& attributes = call.attributes();
  Interpolation how{.mode = attributes.get_string("mode", "nearest")};
  // Opset 10 has no choice: as Upsample.
  how.coordinates =
      attributes.get_string("coordinate_transformation_mode", call.opset < 11 ? "asymmetric" : "half_pixel");
  how.nearest_mode = attributes.get_string("nearest_mode", call.opset < 11 ? "floor" : "round_prefer_floor");
  how.cubic_coefficient = attributes.get_float("cubic_coeff_a", -0.75f);
  how.excludes_outside = attributes.get_int("exclude_outside", 0) != 0;
  how.is_antialiased = attributes.get_int("antialias", 0) != 0;
  how.extrapolation_value = attributes.get_float("extrapolation_value", 0);
  return how;
}

Inputs inputs_of(const EvaluateCall& call) {
  Inputs inputs;
  const auto take = [&](std::size_t index) {
    return call.has_input(index) ? if_given(call.inputs[index]) : std::nullopt;
  };
  inputs.scales = take(call.opset < 11 ? 1 : 2);
  if (call.opset >= 11) inputs.roi = take(1);
  inputs.sizes = take(3);
  return inputs;
}

std::vector<ResizeAxis> resize_axes(const EvaluateCall& call) {
  const Tensor& x = required_input(call, 0);
  return resize_axes(call.attributes(), x.dims(), axes_of(call, x.rank()), inputs_of(call));
}

Tensors evaluate(const EvaluateCall& call) {
  return {resize(required_input(call, 0), resize_axes(call), interpolation_of(call))};
}

// The call of the Resize whose gradient this is; from opset 13 on they are all alike.
Tensors evaluate_gradient(const EvaluateCall& call) {
  const EvaluateCall forward{.node = call.node, .opset = 13, .inputs = call.inputs.subspan(1)};
  const std::vector<ResizeAxis> axes = resize_axes(forward);
  Dims result;
  for (const ResizeAxis& axis : axes) result.push_back(axis.output);
  require_dims_of_result(call.inputs[0], result);
  return {resize_back(call.inputs[0], axes, interpolation_of(forward))};
}

// An axis that keeps its size is left alone by the operator; sizes that are computed would not follow.
std::vector<TiedDims> tied_dims(const InferCall& call) {
  if (!is_left_out(call, 3) && !call.inputs[3].constant) return {};
  return equal_size_ties(call, infer);
}

}  // namespace

std::vector<OpDefinition> resize_table() {
  return {
      {.name = "Resize",
       .versions = {10, 11, 13, 18, 19},
       .infer = infer,
       .evaluate = evaluate,
       .gradient = move_gradient(),
       .tied_dims = tied_dims,
       .quantization = {.role = QuantizationRole::keeps_scale}},
      {.name = "ResizeGradient",
       .domain = training_domain,
       .required_inputs = 2,
       .infer = infer_gradient_of("Resize"),
       .evaluate = evaluate_gradient},
  };
}

}  // namespace edgeopt
