// What changed between opset 13 and 21, by the ONNX Operator changelog: axes of reductions became an input
// (18), Split names how many parts it makes (18), GroupNormalization has a scale for every channel (21), and
// so on. What only learned new types or attributes with a neutral default is not listed.
#include <fmt/format.h>

#include "ir/op.h"
#include "passes/opsets/opset_conversion.h"
#include "passes/opsets/opset_conversions.h"

namespace edgeopt {
namespace {

Reason convert_reduction(const Conversion& c) {
  return c.from >= 18 ? std::nullopt : move_ints(c, "axes", 1);
}

Reason convert_split(const Conversion& c) {
  if (c.from >= 18 || c.node.has_input(1)) return std::nullopt;
  c.set_attribute("num_outputs", static_cast<std::int64_t>(c.node.outputs.size()));
  return std::nullopt;
}

// Before opset 14 a norm that gives statistics is in training mode.
Reason convert_batch_norm(const Conversion& c) {
  for (std::size_t i = 1; c.from < 14 && i < c.node.outputs.size(); ++i)
    if (c.node.has_output(i)) return "a BatchNormalization is in training mode";
  return std::nullopt;
}

Reason convert_grid_sample(const Conversion& c) {
  const std::string mode = c.node.attributes.get_string("mode", "bilinear");
  if (c.from >= 20 || mode == "nearest") return std::nullopt;
  c.set_attribute("mode", mode == "bicubic" ? "cubic" : "linear");
  return std::nullopt;
}

// Before opset 16 there was no half-pixel shift, which is the default now.
Reason convert_roi_align(const Conversion& c) {
  if (c.from < 16) c.set_attribute("coordinate_transformation_mode", "output_half_pixel");
  return std::nullopt;
}

Reason convert_dft(const Conversion& c) {
  if (c.from >= 20) return std::nullopt;
  const std::int64_t axis = c.node.attributes.get_int("axis", 1);
  c.set(2, Tensor::scalar(axis), "axis");
  c.drop_attributes({"axis"});
  return std::nullopt;
}

// One number per group becomes one per channel.
std::optional<Tensor> repeated(const Tensor& per_group, std::int64_t channel_count) {
  const std::int64_t group_count = per_group.element_count();
  if (group_count == 0 || channel_count % group_count != 0) return std::nullopt;
  const std::vector<double> groups = to_doubles(per_group);
  std::vector<double> channels;
  for (std::int64_t c = 0; c < channel_count; ++c)
    channels.push_back(groups[static_cast<std::size_t>(c * group_count / channel_count)]);
  return from_doubles(per_group.dtype(), {channel_count}, channels);
}

Reason convert_group_norm(const Conversion& c) {
  const std::optional<Shape>& shape = c.graph.type_of(c.node.inputs[0]).shape;
  const bool is_known = shape && shape->size() > 1 && (*shape)[1].is_number();
  for (const std::size_t input : {std::size_t{1}, std::size_t{2}}) {
    const std::optional<Tensor> per_group = c.graph.constant(c.node.inputs[input]);
    const auto per_channel = per_group && is_known ? repeated(*per_group, (*shape)[1].size) : std::nullopt;
    if (!per_channel) return "a GroupNormalization has computed factors or an unknown number of channels";
    c.set(input, *per_channel, input == 1 ? "scale" : "bias");
  }
  return std::nullopt;
}

const std::map<std::string, ConversionRule>& rules() {
  static const std::map<std::string, ConversionRule> table = {
      {"ReduceL1", convert_reduction},
      {"ReduceL2", convert_reduction},
      {"ReduceLogSum", convert_reduction},
      {"ReduceLogSumExp", convert_reduction},
      {"ReduceMax", convert_reduction},
      {"ReduceMean", convert_reduction},
      {"ReduceMin", convert_reduction},
      {"ReduceProd", convert_reduction},
      {"ReduceSumSquare", convert_reduction},
      {"Split", convert_split},
      {"BatchNormalization", convert_batch_norm},
      {"GridSample", convert_grid_sample},
      {"RoiAlign", convert_roi_align},
      {"DFT", convert_dft},
      {"GroupNormalization", convert_group_norm},
  };
  return table;
}

}  // namespace

std::optional<std::string> convert_to_opset_21(const Graph& graph, const Node& node, int from, Edit& edit) {
  // An operator that edgeopt does not know may have changed in any way.
  if (node.domain.empty() && !find_op(node))
    return fmt::format("{} is not known to edgeopt, which cannot write it at opset 21", node.op_type);
  return convert_by(rules(), {graph, node, from, edit});
}

}  // namespace edgeopt
