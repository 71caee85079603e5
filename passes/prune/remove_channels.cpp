#include "passes/prune/remove_channels.h"

#include <fmt/format.h>

#include <algorithm>

#include "ir/edit.h"
#include "ir/infer.h"
#include "ir/rules/move_elements.h"
#include "passes/prune/channel_groups.h"
#include "support/error.h"

namespace edgeopt {
namespace {

std::int64_t count_below(const std::vector<std::int64_t>& sorted, std::int64_t bound) {
  return std::ranges::lower_bound(sorted, bound) - sorted.begin();
}

/// The integers of a parameter that is an input in new opsets and an attribute in old ones.
class Parameter {
 public:
  Parameter(Edit& edit, const Node& node, std::size_t input, std::string attribute)
      : edit_(edit), node_(node), input_(input), attribute_(std::move(attribute)) {}

  std::vector<std::int64_t> read() const {
    if (!node_.has_input(input_)) return node_.attributes.get_ints(attribute_);
    const std::optional<Tensor> tensor = edit_.draft().constant(node_.inputs[input_]);
    if (!tensor) throw InternalError("a parameter that is not constant cannot shrink");
    return to_int64s(*tensor);
  }

  void write(const std::vector<std::int64_t>& numbers) {
    if (numbers == read()) return;
    if (!node_.has_input(input_)) {
      Attributes attributes = edit_.draft().node(node_.id).attributes;
      attributes.set(attribute_, numbers);
      edit_.set_attributes(node_.id, attributes);
      return;
    }
    const ValueId old = node_.inputs[input_];
    const DataType dtype = edit_.draft().constant(old)->dtype();
    const Tensor tensor = from_int64s(dtype, {static_cast<std::int64_t>(numbers.size())}, numbers);
    edit_.set_input(node_.id, input_, edit_.add_constant(tensor, edit_.draft().name_of(old)));
  }

 private:
  Edit& edit_;
  const Node& node_;
  std::size_t input_;
  std::string attribute_;
};

class Removal {
 public:
  Removal(const Graph& graph, const RemovedIndexes& removed)
      : graph_(graph), removed_(removed), edit_(graph) {}

  Graph apply() {
    for (const ValueId id : graph_.values()) shrink_value(graph_.value(id));
    for (const NodeId id : graph_.nodes()) shrink_node(graph_.node(id));
    Graph result = edit_.apply();
    check(result);
    return result;
  }

 private:
  void shrink_value(const Value& value);
  void shrink_node(const Node& node);
  void shrink_groups(const Node& node);
  void shrink_split(const Node& node);
  void shrink_slice(const Node& node);
  void shrink_pads(const Node& node);
  void shrink_sizes(const Node& node, std::size_t input, const std::string& attribute);
  void check(const Graph& result) const;

  std::int64_t size_of(ValueId value, std::size_t axis) const {
    return (*graph_.type_of(value).shape)[axis].size;
  }
  std::int64_t left_of(ValueId value, std::size_t axis) const {
    const auto* gone = find_removed(removed_, value, axis);
    return size_of(value, axis) - (gone ? std::ssize(*gone) : 0);
  }

  const Graph& graph_;
  const RemovedIndexes& removed_;
  Edit edit_;
};

void Removal::shrink_value(const Value& value) {
  if (value.constant) {
    const Tensor tensor = without_removed(*value.constant, value.id, removed_);
    if (tensor.dims() != value.constant->dims()) edit_.set_constant(value.id, tensor);
  }
  const ValueType type = without_removed(value.type, value.id, removed_);
  if (type != value.type) edit_.set_type(value.id, type, value.is_type_declared);
  if (!value.quantization || value.quantization->axis < 0) return;
  const auto* gone = find_removed(removed_, value.id, static_cast<std::size_t>(value.quantization->axis));
  if (!gone) return;
  ValueQuantization quantization = *value.quantization;
  const std::vector<std::int64_t> backwards(gone->rbegin(), gone->rend());
  for (const std::int64_t index : backwards) {
    if (index < std::ssize(quantization.scales))
      quantization.scales.erase(quantization.scales.begin() + index);
    if (index < std::ssize(quantization.zero_points))
      quantization.zero_points.erase(quantization.zero_points.begin() + index);
  }
  edit_.set_quantization(value.id, quantization);
}

// Whole groups went if the weight has the columns it had.
void Removal::shrink_groups(const Node& node) {
  const std::int64_t groups = node.attributes.get_int("group", 1);
  const std::int64_t before = size_of(node.inputs[0], 1), left = left_of(node.inputs[0], 1);
  const std::size_t other_axis = 1;
  if (groups == 1 || before == left) return;
  if (left_of(node.inputs[1], other_axis) != size_of(node.inputs[1], other_axis)) return;
  Attributes attributes = node.attributes;
  attributes.set("group", groups * left / before);
  edit_.set_attributes(node.id, attributes);
}

void Removal::shrink_split(const Node& node) {
  const std::size_t rank = graph_.type_of(node.inputs[0]).shape->size();
  const auto axis = static_cast<std::size_t>(normalize_axis(node.attributes.get_int("axis", 0), rank));
  if (!find_removed(removed_, node.inputs[0], axis)) return;
  std::vector<std::int64_t> sizes;
  for (const ValueId output : node.outputs) sizes.push_back(left_of(output, axis));
  Attributes attributes = node.attributes;
  attributes.remove("num_outputs");
  const bool has_input = graph_.opset() >= 13;
  if (!has_input) attributes.set("split", sizes);
  edit_.set_attributes(node.id, attributes);
  if (has_input) edit_.set_input(node.id, 1, edit_.add_constant(int64_tensor(sizes), "split"));
}

void Removal::shrink_slice(const Node& node) {
  const std::size_t rank = graph_.type_of(node.inputs[0]).shape->size();
  Parameter starts(edit_, node, 1, "starts"), ends(edit_, node, 2, "ends");
  std::vector<std::int64_t> first = starts.read(), behind = ends.read();
  std::vector<std::int64_t> axes = Parameter(edit_, node, 3, "axes").read();
  for (std::size_t i = 0; axes.size() < first.size(); ++i) axes.push_back(static_cast<std::int64_t>(i));
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const auto axis = static_cast<std::size_t>(normalize_axis(axes[i], rank));
    const auto* gone = find_removed(removed_, node.inputs[0], axis);
    if (!gone) continue;
    const std::int64_t size = size_of(node.inputs[0], axis);
    const std::int64_t start = std::clamp<std::int64_t>(first[i] < 0 ? first[i] + size : first[i], 0, size);
    first[i] = start - count_below(*gone, start);
    behind[i] = first[i] + left_of(node.outputs[0], axis);
  }
  starts.write(first);
  ends.write(behind);
}

void Removal::shrink_pads(const Node& node) {
  Parameter parameter(edit_, node, 1, node.attributes.find("paddings") ? "paddings" : "pads");
  std::vector<std::int64_t> pads = parameter.read();
  std::vector<std::int64_t> axes;
  const std::size_t rank = graph_.type_of(node.inputs[0]).shape->size();
  if (node.has_input(3)) axes = to_int64s(*graph_.constant(node.inputs[3]));
  for (std::size_t i = 0; 2 * axes.size() < pads.size(); ++i) axes.push_back(static_cast<std::int64_t>(i));
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const auto axis = static_cast<std::size_t>(normalize_axis(axes[i], rank));
    const auto* gone = find_removed(removed_, node.outputs[0], axis);
    if (!gone) continue;
    std::int64_t& begin = pads[i];
    begin -= count_below(*gone, begin);
    pads[axes.size() + i] = left_of(node.outputs[0], axis) - begin - left_of(node.inputs[0], axis);
  }
  parameter.write(pads);
}

// Numbers that name the sizes of the output, from its last axis backwards (Expand may leave out leading
// ones).
void Removal::shrink_sizes(const Node& node, std::size_t input, const std::string& attribute) {
  if (!graph_.type_of(node.outputs[0]).shape) return;
  const std::size_t rank = graph_.type_of(node.outputs[0]).shape->size();
  Parameter parameter(edit_, node, input, attribute);
  std::vector<std::int64_t> axes = node.attributes.get_ints("axes");
  bool is_touched = false;
  for (std::size_t axis = 0; axis < rank; ++axis)
    is_touched = is_touched || find_removed(removed_, node.outputs[0], axis);
  if (!is_touched) return;
  std::vector<std::int64_t> sizes = parameter.read();
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const std::size_t axis = axes.size() == sizes.size()
                                 ? static_cast<std::size_t>(normalize_axis(axes[i], rank))
                                 : rank - sizes.size() + i;
    if (find_removed(removed_, node.outputs[0], axis) && sizes[i] == size_of(node.outputs[0], axis))
      sizes[i] = left_of(node.outputs[0], axis);
  }
  parameter.write(sizes);
}

void Removal::shrink_node(const Node& node) {
  if (node.is("Conv") || node.is("ConvTranspose")) shrink_groups(node);
  if (node.is("Split")) shrink_split(node);
  if (node.is("Slice")) shrink_slice(node);
  if (node.is("Pad")) shrink_pads(node);
  if (node.is("Reshape")) shrink_sizes(node, 1, "shape");
  if (node.is("Expand")) shrink_sizes(node, 1, "");
  if (node.is("Resize") && node.has_input(3)) shrink_sizes(node, 3, "");
}

void Removal::check(const Graph& result) const {
  for (const NodeId id : result.nodes()) {
    const Node& node = result.node(id);
    const std::vector<ValueType> types = infer_output_types(result, node);
    for (std::size_t k = 0; k < std::min(types.size(), node.outputs.size()); ++k) {
      if (node.outputs[k] == ValueId::none || !types[k].shape) continue;
      const auto& known = result.type_of(node.outputs[k]).shape;
      for (std::size_t axis = 0; known && axis < known->size(); ++axis) {
        const Dim& ours = (*known)[axis];
        const Dim& theirs = (*types[k].shape)[axis];
        if (ours.is_number() && theirs.is_number() && ours != theirs)
          throw InternalError(fmt::format("removing channels: {} '{}' gives {}, expected {}", node.op_type,
                                          display_name(result, node), to_string(*types[k].shape),
                                          to_string(*known)));
      }
    }
  }
}

}  // namespace

Graph remove_channels(const Graph& graph, std::span<const ChannelUnit> units) {
  const RemovedIndexes removed = removed_indexes(units);
  return Removal(graph, removed).apply();
}

}  // namespace edgeopt
