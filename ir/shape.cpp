#include "ir/shape.h"

#include <fmt/format.h>

#include <algorithm>

#include "support/error.h"

namespace edgeopt {
namespace {

constexpr std::int64_t largest_element_count = std::int64_t{1} << 62;

Dim broadcast_dim(const Dim& a, const Dim& b) {
  if (is_surely_equal(a, b) || b == Dim(1)) return a;
  if (a == Dim(1)) return b;
  // A number above 1 wins: the other side must be 1 or the same number at run time.
  if (a.is_number() && !b.is_number()) return a;
  if (b.is_number() && !a.is_number()) return b;
  return {};
}

}  // namespace

bool is_surely_equal(const Dim& a, const Dim& b) { return !a.is_unknown() && a == b; }

std::optional<Dims> static_dims(const Shape& shape) {
  Dims dims;
  for (const Dim& dim : shape) {
    if (!dim.is_number()) return std::nullopt;
    dims.push_back(dim.size);
  }
  return dims;
}

Shape to_shape(std::span<const std::int64_t> dims) { return {dims.begin(), dims.end()}; }

std::string to_string(const Shape& shape) {
  std::string text;
  for (const Dim& dim : shape) {
    if (!text.empty()) text += ',';
    text += dim.is_number() ? std::to_string(dim.size) : dim.is_symbol() ? dim.symbol : "?";
  }
  return "[" + text + "]";
}

std::string to_string(std::span<const std::int64_t> dims) { return to_string(to_shape(dims)); }

std::int64_t element_count(std::span<const std::int64_t> dims) {
  std::int64_t count = 1;
  for (const std::int64_t dim : dims) {
    if (dim != 0 && count > largest_element_count / dim)
      throw UserError(fmt::format("a tensor of shape {} has more than 2^62 elements", to_string(dims)));
    count *= dim;
  }
  return count;
}

void DimProduct::multiply(const Dim& dim) {
  if (dim.is_unknown()) is_unknown = true;
  if (dim.is_number() && __builtin_mul_overflow(factor, dim.size, &factor)) is_unknown = true;
  if (dim.is_symbol())
    symbols.insert(std::lower_bound(symbols.begin(), symbols.end(), dim.symbol), dim.symbol);
}

Dim DimProduct::divided_by(const DimProduct& divisor) const {
  if (is_unknown || divisor.is_unknown || divisor.factor == 0 || factor % divisor.factor != 0) return {};
  std::vector<std::string> left;
  std::set_difference(symbols.begin(), symbols.end(), divisor.symbols.begin(), divisor.symbols.end(),
                      std::back_inserter(left));
  if (left.size() + divisor.symbols.size() != symbols.size()) return {};
  const std::int64_t quotient = factor / divisor.factor;
  if (left.empty()) return quotient;
  return left.size() == 1 && quotient == 1 ? Dim(left[0]) : Dim();
}

DimProduct product_of(std::span<const Dim> dims) {
  DimProduct product;
  for (const Dim& dim : dims) product.multiply(dim);
  return product;
}

Shape broadcast_shapes(const Shape& a, const Shape& b) {
  Shape result(std::max(a.size(), b.size()));
  for (std::size_t i = 0; i < result.size(); ++i) {
    const Dim from_a = i < a.size() ? a[a.size() - 1 - i] : Dim(1);
    const Dim from_b = i < b.size() ? b[b.size() - 1 - i] : Dim(1);
    if (from_a.is_number() && from_b.is_number() && from_a != from_b && from_a.size != 1 && from_b.size != 1)
      throw UserError(fmt::format("shapes {} and {} cannot be broadcast together: {} against {}",
                                  to_string(a), to_string(b), from_a.size, from_b.size));
    result[result.size() - 1 - i] = broadcast_dim(from_a, from_b);
  }
  return result;
}

Dims broadcast_dims(std::span<const std::int64_t> a, std::span<const std::int64_t> b) {
  return *static_dims(broadcast_shapes(to_shape(a), to_shape(b)));
}

std::int64_t normalize_axis(std::int64_t axis, std::size_t rank) {
  const auto signed_rank = static_cast<std::int64_t>(rank);
  if (axis < -signed_rank || axis >= signed_rank)
    throw UserError(fmt::format("axis {} is outside a tensor of {} dims", axis, rank));
  return axis < 0 ? axis + signed_rank : axis;
}

}  // namespace edgeopt
