// Arithmetic on small integer tensors that hold dims, symbols included: what Shape -> Mul -> Concat ->
// Reshape chains compute before the model runs.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "ir/op.h"

namespace edgeopt {

/// One element: a number of any sign, a symbol, or neither (unknown).
struct DimElement {
  std::optional<std::int64_t> number;
  std::string symbol;

  bool is_number(std::int64_t wanted) const { return number == wanted; }
  bool is_symbol() const { return !number && !symbol.empty(); }
  static DimElement unknown() { return {}; }
};

using DimArithmetic = std::function<DimElement(const DimElement&, const DimElement&)>;

DimElement add_dims(const DimElement& a, const DimElement& b);
DimElement subtract_dims(const DimElement& a, const DimElement& b);
DimElement multiply_dims(const DimElement& a, const DimElement& b);
/// Integer division, truncated towards zero.
DimElement divide_dims(const DimElement& a, const DimElement& b);

/// The elements of f(a, b), one-dimensional or scalar operands only; nothing if either's elements are not
/// known. A negative result is an unknown dim.
std::optional<Shape> combine_dims(const Operand& a, const Operand& b, const DimArithmetic& f);

}  // namespace edgeopt
