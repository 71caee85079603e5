#include "calibration/training/integer_places.h"

#include <algorithm>
#include <cmath>

#include "ir/evaluate.h"
#include "ir/quantization/quantization_scheme.h"
#include "ir/quantization/quantized_scale.h"
#include "ir/rules/call_inputs.h"
#include "support/error.h"

namespace edgeopt {
namespace {

int axis_of(const Graph& graph, const Node& dequantize, std::size_t rank) {
  if (graph.constant(dequantize.inputs[1])->rank() == 0) return -1;
  if (graph.constant(dequantize.inputs[1])->element_count() == 1) return -1;
  const std::int64_t axis = dequantize.attributes.get_int("axis", 1);
  return static_cast<int>(axis < 0 ? axis + static_cast<std::int64_t>(rank) : axis);
}

// Integers of fewer bits may be stored in a wider type; where nothing says how many, the largest of them
// tells: eight bits that never leave the range of four are four.
int bits_of(const Graph& graph, const Node& dequantize, const Tensor& integers) {
  if (const auto& known = graph.value(dequantize.outputs[0]).quantization) return known->bits;
  const int stored = static_cast<int>(bit_count(integers.dtype()));
  constexpr int narrow = 4;
  if (stored <= narrow || !is_signed(integers.dtype())) return stored;
  const std::vector<std::int64_t> elements = to_int64s(integers);
  const bool is_narrow = std::ranges::all_of(
      elements, [](std::int64_t q) { return q >= -(1 << (narrow - 1)) && q < (1 << (narrow - 1)); });
  return is_narrow ? narrow : stored;
}

// What ONNX quantizes to: integers of up to 16 bits; its floats of 8 and less are not simulated.
bool is_learned(DataType type) {
  constexpr int most_bits = 16;
  return is_integer(type) && bit_count(type) <= most_bits;
}

void set_limits(IntegerPlace& place, DataType type, int bits) {
  // Weights are symmetric, activations use every integer.
  const QuantizationScheme scheme{
      .type = type, .bits = bits, .is_symmetric = place.kind == IntegerPlace::Kind::weight};
  place.low = scheme.lowest();
  place.high = scheme.highest();
}

// Integers of fewer bits than their type saturate in a Clip between Q and DQ.
void tighten(IntegerPlace& place, const Graph& graph, const Node& clip) {
  const auto bound = [&](std::size_t input, int otherwise) {
    const auto constant = clip.has_input(input) ? graph.constant(clip.inputs[input]) : std::nullopt;
    return constant ? static_cast<int>(single_int(*constant)) : otherwise;
  };
  place.low = std::max(place.low, bound(1, place.low));
  place.high = std::min(place.high, bound(2, place.high));
}

const Node* quantizer_of(const Graph& graph, const Node& dequantize) {
  const Node* clip = graph.producer(dequantize.inputs[0], "Clip");
  const ValueId integers = clip ? clip->inputs[0] : dequantize.inputs[0];
  const Node* quantize = graph.producer(integers, "QuantizeLinear");
  if (!quantize || !quantize->has_input(2) || !graph.constant(quantize->inputs[2])) return nullptr;
  const auto scale = graph.constant(quantize->inputs[1]);
  return scale && *scale == *graph.constant(dequantize.inputs[1]) ? quantize : nullptr;
}

}  // namespace

std::optional<IntegerPlace> integer_place_at(const Graph& graph, const Node& dequantize) {
  const std::optional<Tensor> scale = graph.constant(dequantize.inputs[1]);
  if (!scale || scale->dtype() != DataType::float32) return std::nullopt;
  if (dequantize.attributes.get_int("block_size", 0) != 0) return std::nullopt;
  if (dequantize.has_input(2) && !graph.constant(dequantize.inputs[2])) return std::nullopt;
  IntegerPlace place;
  if (const std::optional<IntegerSource> source = integer_source_of(graph, dequantize)) {
    const Tensor& integers = source->integers;
    if (scale->rank() > 1) return std::nullopt;
    place.axis = axis_of(graph, dequantize, integers.rank());
    if (integers.dtype() == DataType::int32) {
      place.kind = IntegerPlace::Kind::bias;
      return place;
    }
    if (!is_learned(integers.dtype())) return std::nullopt;
    set_limits(place, integers.dtype(), bits_of(graph, dequantize, integers));
    return place;
  }
  const Node* quantize = quantizer_of(graph, dequantize);
  if (!quantize || scale->element_count() != 1) return std::nullopt;
  place.kind = IntegerPlace::Kind::activation;
  place.source = quantize->inputs[0];
  const DataType type = graph.constant(quantize->inputs[2])->dtype();
  if (!is_learned(type)) return std::nullopt;
  set_limits(place, type, static_cast<int>(bit_count(type)));
  if (const Node* clip = graph.producer(dequantize.inputs[0], "Clip")) tighten(place, graph, *clip);
  return place;
}

std::optional<IntegerSource> integer_source_of(const Graph& graph, const Node& dequantize) {
  if (const auto integers = graph.constant(dequantize.inputs[0]))
    return IntegerSource{.reader = dequantize.id, .integers = *integers};
  const Node* widening = graph.producer(dequantize.inputs[0], "Cast");
  const auto integers = widening ? graph.constant(widening->inputs[0]) : std::nullopt;
  if (!integers) return std::nullopt;
  return IntegerSource{.reader = widening->id, .integers = *integers};
}

Tensor dequantized(const Graph& graph, const Node& dequantize) {
  const IntegerSource source = integer_source_of(graph, dequantize).value();
  Tensors inputs = {dequantize.has_input(2)
                        ? cast(source.integers, graph.constant(dequantize.inputs[2])->dtype())
                        : source.integers};
  for (std::size_t i = 1; i < dequantize.inputs.size(); ++i)
    inputs.push_back(dequantize.has_input(i) ? *graph.constant(dequantize.inputs[i]) : Tensor());
  return evaluate_node(graph, dequantize, inputs).at(0);
}

Tensor rounded_to(const Graph& graph, const Node& dequantize, const Tensor& value, const Tensor& scale) {
  const std::optional<IntegerPlace> place = integer_place_at(graph, dequantize);
  if (!place) throw InternalError("integers are written to a place that was not read");
  const DataType type = integer_source_of(graph, dequantize)->integers.dtype();
  const bool is_bias = place->kind == IntegerPlace::Kind::bias;
  const IntegerLimits limits = is_bias ? integer_limits(DataType::int32)
                                       : IntegerLimits{.low = static_cast<double>(place->low),
                                                       .high = static_cast<double>(place->high)};
  std::vector<double> zero_points(static_cast<std::size_t>(scale.element_count()), 0.0);
  if (dequantize.has_input(2)) zero_points = to_doubles(*graph.constant(dequantize.inputs[2]));
  const std::vector<std::int64_t> scale_index =
      scale_indexes(value.dims(), scale.dims(), {.axis = std::max(0, place->axis)});
  const std::span<const float> floats = value.data<float>();
  const std::span<const float> scales = scale.data<float>();
  std::vector<std::int64_t> integers(floats.size());
  for (std::size_t i = 0; i < floats.size(); ++i) {
    const auto k = static_cast<std::size_t>(scale_index[i]);
    const double rounded = std::nearbyint(static_cast<double>(floats[i] / scales[k])) + zero_points[k];
    // 0 / 0, where the scale is 0: any integer gives 0.
    integers[i] =
        to_int64(std::clamp(std::isnan(rounded) ? zero_points[k] : rounded, limits.low, limits.high));
  }
  return from_int64s(type, value.dims(), integers);
}

}  // namespace edgeopt
