#include "runtime/quantized_rows.h"

#include <cstdlib>

namespace edgeopt {
namespace {

// rounded_to_even (runtime/simd.h) holds below 2^22; integers of more bits than this have no use for it.
constexpr std::int64_t largest_bound = std::int64_t{1} << 20;

std::int64_t axis_of(const KernelCall& call, std::size_t x) {
  const std::int64_t axis = fake_quantization_of(call.node().attributes).axis;
  return element_count(call.inputs[x + 1].form.dims) == 1 ? -1 : axis;
}

QuantizedRows plain_rows(const Dims& dims, std::int64_t axis) {
  if (axis < 0) return {.length = element_count(dims)};
  const std::int64_t behind = element_count(std::span(dims).subspan(static_cast<std::size_t>(axis) + 1));
  const std::int64_t scales = dims[static_cast<std::size_t>(axis)];
  if (behind == 1) return {.count = element_count(dims) / scales, .length = scales, .has_scale_each = true};
  return {.count = element_count(dims) / behind, .length = behind, .scale_period = scales};
}

}  // namespace

std::optional<QuantizedRows> quantized_rows(const TensorForm& x, std::int64_t axis) {
  if (lies_as(x, Layout::plain)) return plain_rows(x.dims, axis);
  if (axis > 1) return std::nullopt;
  const std::int64_t space = element_count(std::span(x.dims).subspan(2));
  QuantizedRows rows{.count = x.dims[0] * space, .length = x.dims[1], .space = space};
  rows.has_scale_each = axis == 1;
  if (axis == 0) rows.scale_period = x.dims[0];
  if (axis == 0) rows.scale_repeats = space;
  return rows;
}

std::optional<std::string> decline_quantized_rows(const KernelCall& call, std::size_t x) {
  for (std::size_t i = 0; i < x + 3; ++i)
    if (call.inputs[i].form.dtype != DataType::float32) return "it is not float";
  if (call.has_input(x + 3) && call.inputs[x + 3].form.dtype != DataType::int64)
    return "the seed is not int64";
  const Dims& dims = call.inputs[x].form.dims;
  const Dims& scales = call.inputs[x + 1].form.dims;
  if (element_count(dims) == 0) return "there are no elements";
  const FakeQuantization settings = fake_quantization_of(call.node().attributes);
  if (std::abs(settings.low) > largest_bound || std::abs(settings.high) > largest_bound)
    return "the integers are wider than 20 bits";
  const std::int64_t axis = axis_of(call, x);
  if (scales != call.inputs[x + 2].form.dims || scales.size() > 1 ||
      axis >= static_cast<std::int64_t>(dims.size()) ||
      element_count(scales) != (axis < 0 ? 1 : dims[static_cast<std::size_t>(axis)]))
    return "the scales do not fit";
  return std::nullopt;
}

Layout layout_of_rows(const KernelCall& call, std::size_t x) {
  const TensorForm& form = call.inputs[x].form;
  return quantized_rows(form, axis_of(call, x)) ? form.layout : Layout::plain;
}

QuantizationGrid GridPlaces::read() const {
  const auto number = seed ? *reinterpret_cast<const std::int64_t*>(seed->data) : 0;
  return {.scales = reinterpret_cast<const float*>(scale->data),
          .zero_points = reinterpret_cast<const float*>(zero_point->data),
          .low = static_cast<float>(settings.low),
          .high = static_cast<float>(settings.high),
          .stream = drop_stream(number),
          .drop_probability = seed ? settings.drop_probability : 0};
}

GridPlaces grid_places(const KernelCall& call, std::size_t x) {
  GridPlaces places{.settings = fake_quantization_of(call.node().attributes),
                    .scale = place_of(call.inputs[x + 1]),
                    .zero_point = place_of(call.inputs[x + 2]),
                    .seed = call.has_input(x + 3) ? place_of(call.inputs[x + 3]) : nullptr};
  places.settings.axis = axis_of(call, x);
  return places;
}

}  // namespace edgeopt
