// mean over all axes behind the channels -> GlobalAveragePool, which integer runtimes know; Flatten where the
// dims go.
#include <algorithm>
#include <numeric>

#include "passes/framework/match.h"
#include "passes/framework/rewrite.h"

namespace edgeopt {
namespace {

constexpr int first_opset_with_axes_input = 18;
constexpr std::size_t batch_and_channel = 2;

bool covers_spatial_axes(std::vector<std::int64_t> axes, std::size_t rank) {
  for (std::int64_t& axis : axes) axis = normalize_axis(axis, rank);
  std::ranges::sort(axes);
  std::vector<std::int64_t> spatial(rank - batch_and_channel);
  std::iota(spatial.begin(), spatial.end(), batch_and_channel);
  return axes == spatial;
}

Plan replace_spatial_mean(const Graph& graph, const Node& mean) {
  const auto rank = rank_of(graph, mean.inputs[0]);
  const auto axes = constant_ints(graph, mean, "axes", graph.opset() < first_opset_with_axes_input ? -1 : 1);
  if (!rank || !axes) return decline("the rank or the axes are not known");
  // Pools of rank 4 are what every runtime has.
  if (*rank != 4 || !covers_spatial_axes(*axes, *rank))
    return decline("the axes are not the two behind the channels");
  if (graph.type_of(mean.inputs[0]).dtype != DataType::float32) return decline("the elements are not float");

  Edit edit(graph);
  const bool keeps_dims = mean.attributes.get_int("keepdims", 1) != 0;
  const std::string name = graph.name_of(mean.outputs[0]);
  ValueId result = edit.add_node({.op_type = "GlobalAveragePool",
                                  .inputs = {mean.inputs[0]},
                                  .name = mean.name,
                                  .output_names = {keeps_dims ? name : name + "_pooled"}})[0];
  if (!keeps_dims)
    result = edit.add_node(
        {.op_type = "Flatten", .inputs = {result}, .attributes = {{"axis", 1}}, .output_names = {name}})[0];
  edit.replace(mean.outputs[0], result);
  return edit;
}

}  // namespace

Pass replace_spatial_mean_pass() {
  return rewrite_pass("replace_spatial_mean",
                      {.roots = {"ReduceMean"},
                       .summary = "Write a ReduceMean over the image as GlobalAveragePool.",
                       .fidelity = Fidelity::rounding,
                       .plan = replace_spatial_mean});
}

}  // namespace edgeopt
