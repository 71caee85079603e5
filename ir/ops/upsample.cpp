// Each axis resampled by a scale: attributes height_scale and width_scale (1), scales (7), input 1 (9)
#include <fmt/format.h>

#include <cmath>

#include "ir/rules/call_inputs.h"
#include "ir/rules/interpolate.h"
#include "ir/tied_dims.h"
#include "support/error.h"

namespace edgeopt {
namespace {

std::vector<double> scales_of(const Attributes& attributes) {
  if (attributes.find("height_scale"))
    return {1, 1, attributes.get_float("height_scale", 1), attributes.get_float("width_scale", 1)};
  const std::vector<float> scales = attributes.get_floats("scales");
  return {scales.begin(), scales.end()};
}

void require_count(std::size_t given, std::size_t rank) {
  if (given != rank) throw UserError(fmt::format("{} scales are given for {} axes", given, rank));
}

std::vector<Operand> infer(const InferCall& call) {
  const Operand& input = required_input(call, 0);
  if (!input.has_shape()) return {of_unknown_shape(input)};
  if (call.has_input(1) && !call.inputs[1].constant)
    return {of_unknown_dims(input.type.dtype, input.shape().size())};
  const std::vector<double> scales =
      call.has_input(1) ? to_doubles(*call.inputs[1].constant) : scales_of(call.attributes());
  require_count(scales.size(), input.shape().size());
  Shape shape = input.shape();
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (scales[i] == 1) continue;
    shape[i] = shape[i].is_number()
                   ? Dim(to_int64(std::floor(scales[i] * static_cast<double>(shape[i].size))))
                   : Dim();
  }
  return {operand(input.type.dtype, std::move(shape))};
}

Tensors evaluate(const EvaluateCall& call) {
  const Tensor& x = required_input(call, 0);
  const std::vector<double> scales =
      call.has_input(1) ? to_doubles(call.inputs[1]) : scales_of(call.attributes());
  require_count(scales.size(), x.rank());
  std::vector<ResizeAxis> axes;
  for (std::size_t i = 0; i < x.rank(); ++i) {
    const std::int64_t dim = x.dims()[i];
    axes.push_back({.input = dim,
                    .output = to_int64(std::floor(scales[i] * static_cast<double>(dim))),
                    .scale = scales[i]});
  }
  const std::string mode = call.attributes().get_string("mode", "nearest");
  // Opset 1 calls it "bilinear".
  return {resize(
      x, axes,
      {.mode = mode == "bilinear" ? "linear" : mode, .coordinates = "asymmetric", .nearest_mode = "floor"})};
}

// An axis that keeps its size is left alone by the operator.
std::vector<TiedDims> tied_dims(const InferCall& call) { return equal_size_ties(call, infer); }

}  // namespace

OpDefinition upsample_op() {
  return {
      .name = "Upsample",
      .versions = {1, 7, 9, 10},
      .infer = infer,
      .evaluate = evaluate,
      .tied_dims = tied_dims,
      .quantization = {.role = QuantizationRole::keeps_scale},
      .is_homogeneous = true,
  };
}

}  // namespace edgeopt
