// Shapes whose dims are numbers, named symbols ("N"), or unknown.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace edgeopt {

/// The dims of a concrete tensor.
using Dims = std::vector<std::int64_t>;

/// One dim: a number (size >= 0), a named symbol, or unknown (size < 0 and no name).
struct Dim {
  std::int64_t size = -1;
  std::string symbol;

  Dim() = default;
  Dim(std::int64_t number) : size(number) {}  // NOLINT: a number is a dim
  explicit Dim(std::string name) : symbol(std::move(name)) {}

  bool is_number() const { return size >= 0; }
  bool is_symbol() const { return size < 0 && !symbol.empty(); }
  bool is_unknown() const { return size < 0 && symbol.empty(); }
  /// Two unknown dims are equal as descriptions; use is_surely_equal to ask whether they are the same size.
  bool operator==(const Dim&) const = default;
};

using Shape = std::vector<Dim>;

/// True if both are the same number or the same symbol.
bool is_surely_equal(const Dim& a, const Dim& b);

/// The numbers, if every dim is one.
std::optional<Dims> static_dims(const Shape& shape);
Shape to_shape(std::span<const std::int64_t> dims);

/// "[1,N,?]"
std::string to_string(const Shape& shape);
std::string to_string(std::span<const std::int64_t> dims);

/// The product of the dims; 1 for a scalar. throws UserError if it exceeds 2^62
std::int64_t element_count(std::span<const std::int64_t> dims);

/// A product of dims: a number times symbols, or unknown. Lets Reshape and Flatten cancel what cancels.
struct DimProduct {
  std::int64_t factor = 1;
  std::vector<std::string> symbols;  // sorted
  bool is_unknown = false;

  void multiply(const Dim& dim);
  /// This product divided by `divisor`, as one dim; unknown if it does not divide into a number or one
  /// symbol.
  Dim divided_by(const DimProduct& divisor) const;
};
DimProduct product_of(std::span<const Dim> dims);

/// The shape that results from multidirectional (numpy) broadcasting; a dim is unknown where the two leave it
/// open. throws  UserError naming both shapes if they cannot be broadcast
Shape broadcast_shapes(const Shape& a, const Shape& b);
Dims broadcast_dims(std::span<const std::int64_t> a, std::span<const std::int64_t> b);

/// `axis` counted from the front, 0 <= result < rank. throws UserError if it is outside [-rank, rank)
std::int64_t normalize_axis(std::int64_t axis, std::size_t rank);

}  // namespace edgeopt
