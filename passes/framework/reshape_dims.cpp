#include "passes/framework/reshape_dims.h"

namespace edgeopt {

std::optional<Dims> reshape_dims(const std::optional<Shape>& shape) {
  if (!shape) return std::nullopt;
  Dims dims;
  int open_count = 0;
  for (const Dim& dim : *shape) {
    if (dim.is_number() && dim.size == 0) return std::nullopt;
    open_count += !dim.is_number();
    dims.push_back(dim.is_number() ? dim.size : -1);
  }
  return open_count <= 1 ? std::optional(dims) : std::nullopt;
}

bool is_same_shape_given_count(const std::optional<Shape>& a, const std::optional<Shape>& b) {
  if (!a || !b || a->size() != b->size()) return false;
  int open_count = 0;
  for (std::size_t i = 0; i < a->size(); ++i) {
    const Dim& left = (*a)[i];
    const Dim& right = (*b)[i];
    const bool is_zero = (left.is_number() && left.size == 0) || (right.is_number() && right.size == 0);
    if (is_zero || (left.is_number() && right.is_number() && left.size != right.size)) return false;
    open_count += !is_surely_equal(left, right);
  }
  return open_count <= 1;
}

}  // namespace edgeopt
