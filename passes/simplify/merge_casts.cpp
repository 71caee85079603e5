// cast(cast(x, B), C) == cast(x, C) when B holds every value of x's type
#include "passes/framework/rewrite.h"

namespace edgeopt {
namespace {

// Bits of integers that a floating-point type holds without rounding.
int exact_integer_bits(DataType type) {
  switch (type) {
    case DataType::float64:
      return 53;
    case DataType::float32:
      return 24;
    case DataType::float16:
      return 11;
    case DataType::bfloat16:
      return 8;
    default:
      return 0;
  }
}

bool holds_float(DataType from, DataType to) {
  if (from == DataType::float16 || from == DataType::bfloat16)
    return to == DataType::float32 || to == DataType::float64;
  return from == DataType::float32 && to == DataType::float64;
}

bool holds_integer(DataType from, DataType to) {
  const int magnitude_bits = bit_count(from) - is_signed(from);
  if (is_floating_point(to)) return magnitude_bits <= exact_integer_bits(to);
  if (!is_integer(to) || (is_signed(from) && !is_signed(to))) return false;
  return magnitude_bits <= bit_count(to) - is_signed(to);
}

bool holds_every_value(DataType from, DataType to) {
  if (from == to) return true;
  if (from == DataType::boolean) return is_integer(to) || exact_integer_bits(to) > 0;
  return is_floating_point(from) ? holds_float(from, to) : is_integer(from) && holds_integer(from, to);
}

Plan merge_casts(const Graph& graph, const Node& second) {
  const Node* first = graph.producer(second.inputs[0], "Cast");
  if (!first) return decline("the input is not computed by Cast");
  const DataType from = graph.type_of(first->inputs[0]).dtype;
  const DataType between = static_cast<DataType>(first->attributes.get_int("to", 0));
  if (from == DataType::undefined) return decline("the element type is not known");
  if (!holds_every_value(from, between)) return decline("the first Cast loses something");
  Edit edit(graph);
  edit.set_input(second.id, 0, first->inputs[0]);
  return edit;
}

}  // namespace

Pass merge_casts_pass() {
  return rewrite_pass("merge_casts", {.roots = {"Cast"},
                                      .summary = "Make one Cast out of two where the first loses nothing.",
                                      .plan = merge_casts});
}

}  // namespace edgeopt
