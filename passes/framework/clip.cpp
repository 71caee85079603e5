#include "passes/framework/clip.h"

#include <limits>

#include "passes/framework/match.h"
#include "passes/framework/tensor_algebra.h"

namespace edgeopt {
namespace {

constexpr int first_opset_with_inputs = 11;  // before, Clip's bounds are attributes
constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double largest_float = std::numeric_limits<float>::max();

// The bound, `otherwise` where it is left out; nothing where it is computed.
std::optional<double> bound(const Graph& graph, const Node& clip, std::size_t input, double otherwise) {
  const char* attribute = input == 1 ? "min" : "max";
  if (graph.opset() < first_opset_with_inputs) {
    const float* number = clip.attributes.get<float>(attribute);
    return number ? *number : otherwise;
  }
  return clip.has_input(input) ? constant_number(graph, clip.inputs[input]) : otherwise;
}

ValueId scalar(Edit& edit, DataType dtype, double number) {
  return edit.add_constant(rounded_to(dtype, Tensor::scalar(number)), "bound");
}

}  // namespace

std::optional<ClipRange> clip_range_of(const Graph& graph, const Node& node) {
  if (node.is("Relu")) return ClipRange{.low = 0, .high = infinity};
  if (!node.is("Clip")) return std::nullopt;
  const auto low = bound(graph, node, 1, -infinity);
  const auto high = bound(graph, node, 2, infinity);
  if (!low || !high) return std::nullopt;
  // The largest floats are what exporters write for "no bound".
  return ClipRange{.low = *low <= -largest_float ? -infinity : *low,
                   .high = *high >= largest_float ? infinity : *high};
}

ValueId add_clip(Edit& edit, const Graph& graph, ValueId x, const ClipRange& range, const std::string& name) {
  NodeSpec spec{.op_type = "Clip", .inputs = {x}, .output_names = {name}};
  const DataType dtype = graph.type_of(x).dtype;
  if (range.low == 0 && range.high == infinity) {
    spec.op_type = "Relu";
  } else if (graph.opset() < first_opset_with_inputs) {
    if (range.low > -infinity) spec.attributes.set("min", static_cast<float>(range.low));
    if (range.high < infinity) spec.attributes.set("max", static_cast<float>(range.high));
  } else {
    spec.inputs.push_back(range.low > -infinity ? scalar(edit, dtype, range.low) : ValueId::none);
    if (range.high < infinity) spec.inputs.push_back(scalar(edit, dtype, range.high));
  }
  return edit.add_node(std::move(spec))[0];
}

}  // namespace edgeopt
