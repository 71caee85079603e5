// cast(x) == x when x has the type already.
#include "passes/framework/rewrite.h"

namespace edgeopt {
namespace {

SameValue input_if_same_type(const Graph& graph, const Node& cast) {
  const DataType from = graph.type_of(cast.inputs[0]).dtype;
  if (from == DataType::undefined) return Declined{"the element type of the input is not known"};
  const DataType to = cast.is("CastLike") ? graph.type_of(cast.input(1)).dtype
                                          : static_cast<DataType>(cast.attributes.get_int("to", 0));
  if (from != to) return Declined{"the element type changes"};
  return cast.inputs[0];
}

}  // namespace

Pass remove_noop_cast_pass() {
  return bypass_pass("remove_noop_cast", {.roots = {"Cast", "CastLike"},
                                          .summary = "Remove a Cast to the type that the value has already.",
                                          .same_value = input_if_same_type});
}

}  // namespace edgeopt
