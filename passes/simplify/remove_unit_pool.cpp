// A pool over one element is that element.
#include <algorithm>

#include "passes/framework/match.h"
#include "passes/framework/rewrite.h"

namespace edgeopt {
namespace {

bool is_all(const std::vector<std::int64_t>& numbers, std::int64_t wanted) {
  return std::ranges::all_of(numbers, [&](std::int64_t number) { return number == wanted; });
}

bool is_global(const Node& node) { return node.is("GlobalAveragePool") || node.is("GlobalMaxPool"); }

SameValue input_of_global(const Graph& graph, const Node& pool) {
  const auto& shape = graph.type_of(pool.inputs[0]).shape;
  if (!shape || shape->size() < 2) return Declined{"the dims are not known"};
  for (std::size_t axis = 2; axis < shape->size(); ++axis)
    if ((*shape)[axis].size != 1) return Declined{"the pool covers several elements"};
  return pool.inputs[0];
}

SameValue input_of_unit_pool(const Graph& graph, const Node& pool) {
  if (is_global(pool)) return input_of_global(graph, pool);
  const Attributes& attributes = pool.attributes;
  if (!is_all(attributes.get_ints("kernel_shape", {0}), 1))
    return Declined{"the pool covers several elements"};
  if (!is_all(attributes.get_ints("strides"), 1)) return Declined{"the pool skips elements"};
  if (!is_all(attributes.get_ints("pads"), 0)) return Declined{"the pool pads"};
  return pool.inputs[0];
}

}  // namespace

Pass remove_unit_pool_pass() {
  return bypass_pass("remove_unit_pool",
                     {.roots = {"AveragePool", "MaxPool", "GlobalAveragePool", "GlobalMaxPool"},
                      .summary = "Remove pools whose window is a single element.",
                      .same_value = input_of_unit_pool});
}

}  // namespace edgeopt
