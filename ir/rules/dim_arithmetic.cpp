// Symbols survive only what leaves them as they are: N + 0, N - 0, N * 1, N / 1; and N - N = 0.
#include "ir/rules/dim_arithmetic.h"

#include <algorithm>
#include <vector>

#include "ir/rules/op_rules.h"

namespace edgeopt {
namespace {

// Sums and products of numbers up to here cannot overflow.
constexpr std::int64_t largest_number = std::int64_t{1} << 31;

bool are_numbers(const DimElement& a, const DimElement& b) {
  const auto is_small = [](const DimElement& x) {
    return x.number && *x.number <= largest_number && *x.number >= -largest_number;
  };
  return is_small(a) && is_small(b);
}

bool is_same_symbol(const DimElement& a, const DimElement& b) {
  return a.is_symbol() && a.symbol == b.symbol;
}

std::optional<std::vector<DimElement>> dim_elements(const Operand& operand) {
  if (!operand.has_shape() || operand.shape().size() > 1) return std::nullopt;
  std::vector<DimElement> result;
  if (const auto numbers = operand.int_elements()) {
    for (const std::int64_t number : *numbers) result.push_back({.number = number});
  } else if (operand.elements) {
    for (const Dim& dim : *operand.elements)
      result.push_back(dim.is_number() ? DimElement{.number = dim.size} : DimElement{.symbol = dim.symbol});
  } else {
    return std::nullopt;
  }
  if (result.empty() || static_cast<std::int64_t>(result.size()) > longest_shape) return std::nullopt;
  return result;
}

Dim to_dim(const DimElement& element) {
  if (element.number) return *element.number >= 0 ? Dim(*element.number) : Dim();
  return Dim(element.symbol);
}

}  // namespace

DimElement add_dims(const DimElement& a, const DimElement& b) {
  if (are_numbers(a, b)) return {.number = *a.number + *b.number};
  if (a.is_number(0)) return b;
  return b.is_number(0) ? a : DimElement::unknown();
}

DimElement subtract_dims(const DimElement& a, const DimElement& b) {
  if (are_numbers(a, b)) return {.number = *a.number - *b.number};
  if (is_same_symbol(a, b)) return {.number = 0};
  return b.is_number(0) ? a : DimElement::unknown();
}

DimElement multiply_dims(const DimElement& a, const DimElement& b) {
  if (are_numbers(a, b)) return {.number = *a.number * *b.number};
  if (a.is_number(1)) return b;
  return b.is_number(1) ? a : DimElement::unknown();
}

DimElement divide_dims(const DimElement& a, const DimElement& b) {
  if (b.is_number(0)) return DimElement::unknown();
  if (are_numbers(a, b)) return {.number = *a.number / *b.number};
  return b.is_number(1) ? a : DimElement::unknown();
}

std::optional<Shape> combine_dims(const Operand& a, const Operand& b, const DimArithmetic& f) {
  const auto first = dim_elements(a);
  const auto second = dim_elements(b);
  if (!first || !second) return std::nullopt;
  if (first->size() != second->size() && first->size() != 1 && second->size() != 1) return std::nullopt;
  Shape result;
  for (std::size_t i = 0; i < std::max(first->size(), second->size()); ++i)
    result.push_back(to_dim(f((*first)[i % first->size()], (*second)[i % second->size()])));
  return result;
}

}  // namespace edgeopt
