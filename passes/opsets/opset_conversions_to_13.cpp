#include "passes/opsets/opset_conversions.h"

#include <fmt/format.h>

#include <limits>
#include <map>

#include "ir/op.h"
#include "passes/opsets/opset_conversion.h"

namespace edgeopt {
namespace {

Tensor scalar_like(const Conversion& c, float value) {
  const DataType dtype = c.graph.type_of(c.node.inputs[0]).dtype;
  return cast(Tensor::scalar(value), dtype == DataType::undefined ? DataType::float32 : dtype);
}

Reason convert_clip(const Conversion& c) {
  if (c.from >= 11) return std::nullopt;
  const auto* min = c.node.attributes.get<float>("min");
  const auto* max = c.node.attributes.get<float>("max");
  if (min) c.set(1, scalar_like(c, *min), "min");
  if (max) c.set(2, scalar_like(c, *max), "max");
  c.drop_attributes({"min", "max"});
  return std::nullopt;
}

Reason convert_pad(const Conversion& c) {
  if (c.from >= 11) return std::nullopt;
  c.set(1, int64_tensor(c.node.attributes.get_ints("pads")), "pads");
  c.set(2, scalar_like(c, c.node.attributes.get_float("value", 0)), "value");
  c.drop_attributes({"pads", "value"});
  return std::nullopt;
}

Reason convert_slice(const Conversion& c) {
  if (c.from >= 10) return std::nullopt;
  c.set(1, int64_tensor(c.node.attributes.get_ints("starts")), "starts");
  c.set(2, int64_tensor(c.node.attributes.get_ints("ends")), "ends");
  if (c.node.attributes.find("axes")) c.set(3, int64_tensor(c.node.attributes.get_ints("axes")), "axes");
  c.drop_attributes({"starts", "ends", "axes"});
  return std::nullopt;
}

Reason convert_top_k(const Conversion& c) {
  if (c.from >= 10) return std::nullopt;
  const std::int64_t k = c.node.attributes.get_int("k", 1);
  c.set(1, int64_tensor(std::span(&k, 1)), "k");
  c.drop_attributes({"k"});
  return std::nullopt;
}

Reason convert_dropout(const Conversion& c) {
  if (c.from >= 12) return std::nullopt;
  if (c.from < 10 && c.node.has_output(1) && c.is_used(c.node.outputs[1]))
    return "the mask of a Dropout is used, which became boolean";
  if (const auto* ratio = c.node.attributes.get<float>("ratio")) c.set(1, Tensor::scalar(*ratio), "ratio");
  c.drop_attributes({"ratio"});
  return std::nullopt;
}

Reason convert_batch_norm(const Conversion& c) {
  if (c.from >= 9) return std::nullopt;
  if (!c.node.attributes.get_int("spatial", 1))
    return "BatchNormalization with spatial = 0 has no later form";
  c.drop_attributes({"spatial"});
  return std::nullopt;
}

// Upsample, and Resize of opset 10, scale with asymmetric coordinates and take the nearest element below.
Reason convert_to_resize(const Conversion& c, ValueId scales) {
  Attributes attributes = {{"mode", c.node.attributes.get_string("mode", "nearest")},
                           {"coordinate_transformation_mode", "asymmetric"},
                           {"nearest_mode", "floor"}};
  c.replace_by({.op_type = "Resize",
                .inputs = {c.node.inputs[0], ValueId::none, scales},
                .attributes = std::move(attributes)});
  return std::nullopt;
}

Reason convert_upsample(const Conversion& c) {
  if (c.node.has_input(1)) return convert_to_resize(c, c.node.inputs[1]);
  const std::vector<float> scales = c.node.attributes.get_floats("scales");
  return convert_to_resize(
      c,
      c.edit.add_constant(Tensor::of<float>({static_cast<std::int64_t>(scales.size())}, scales), "scales"));
}

Reason convert_resize(const Conversion& c) {
  if (c.from == 10) return convert_to_resize(c, c.node.inputs[1]);
  if (c.node.attributes.get_string("coordinate_transformation_mode", "half_pixel") == "tf_half_pixel_for_nn")
    return "Resize with tf_half_pixel_for_nn has no later form";
  return std::nullopt;
}

// Before opset 13 Softmax works on the input flattened to two dims at `axis`.
Reason convert_softmax(const Conversion& c) {
  const std::optional<Shape>& shape = c.graph.type_of(c.node.inputs[0]).shape;
  if (!shape) return fmt::format("the rank of the input of {} is not known", c.node.op_type);
  const std::int64_t axis = normalize_axis(c.node.attributes.get_int("axis", 1), shape->size());
  const bool is_last = axis + 1 == static_cast<std::int64_t>(shape->size());
  bool is_followed_by_ones = true;
  for (std::size_t i = static_cast<std::size_t>(axis) + 1; i < shape->size(); ++i)
    is_followed_by_ones = is_followed_by_ones && (*shape)[i] == Dim(1);
  if (is_last || is_followed_by_ones) {
    c.edit.set_attributes(c.node.id, {{"axis", axis}});
    return std::nullopt;
  }
  const ValueId flat = c.edit.add_node("Flatten", {c.node.inputs[0]}, {{"axis", axis}});
  const ValueId result = c.edit.add_node(c.node.op_type, {flat}, {{"axis", 1}});
  const ValueId dims = c.edit.add_node("Shape", {c.node.inputs[0]});
  c.replace_by({.op_type = "Reshape", .inputs = {result, dims}});
  return std::nullopt;
}

Reason convert_scatter(const Conversion& c) {
  c.replace_by({.op_type = "ScatterElements", .inputs = c.node.inputs, .attributes = c.node.attributes});
  return std::nullopt;
}

Reason refuse(const Conversion& c) {
  return fmt::format("{} of opset {} has no later form that edgeopt writes", c.node.op_type, c.from);
}

const std::map<std::string, ConversionRule>& rules() {
  static const std::map<std::string, ConversionRule> table = {
      {"Clip", convert_clip},
      {"Pad", convert_pad},
      {"Slice", convert_slice},
      {"TopK", convert_top_k},
      {"Dropout", convert_dropout},
      {"BatchNormalization", convert_batch_norm},
      {"Upsample", convert_upsample},
      {"Resize", convert_resize},
      {"Softmax", convert_softmax},
      {"LogSoftmax", convert_softmax},
      {"Hardmax", convert_softmax},
      {"Scatter", convert_scatter},
      {"Squeeze", [](const Conversion& c) { return move_ints(c, "axes", 1); }},
      {"Unsqueeze", [](const Conversion& c) { return move_ints(c, "axes", 1); }},
      {"ReduceSum", [](const Conversion& c) { return move_ints(c, "axes", 1); }},
      {"Split", [](const Conversion& c) { return move_ints(c, "split", 1); }},
      {"Scan", [](const Conversion& c) { return c.from < 9 ? refuse(c) : std::nullopt; }},
  };
  return table;
}

}  // namespace

std::optional<std::string> convert_to_opset_13(const Graph& graph, const Node& node, int from, Edit& edit) {
  return convert_by(rules(), {graph, node, from, edit});
}

}  // namespace edgeopt
