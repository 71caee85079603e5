// A tensor: element type, dims, bytes. Its bytes are shared between copies and cloned only when a shared one
// is written.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ir/data_type.h"
#include "ir/shape.h"

namespace edgeopt {

/// Elements lie densely in row-major order; sub-byte types are packed as in ONNX's raw_data (low bits first).
/// Copying is cheap. Bytes may be a read-only map of a file; the map lives as long as a tensor uses it.
class Tensor {
 public:
  Tensor() = default;
  /// Zeros (empty strings for DataType::string).
  Tensor(DataType dtype, Dims dims);
  /// Bytes that somebody else owns; `owner` keeps them alive. throws UserError if the size does not fit dtype
  /// and dims
  Tensor(DataType dtype, Dims dims, std::span<const std::byte> bytes, std::shared_ptr<const void> owner);
  /// A tensor with these elements. throws InternalError if the count does not fit the dims
  template <typename T>
  static Tensor of(Dims dims, const std::vector<T>& elements);
  static Tensor of_strings(Dims dims, std::vector<std::string> elements);
  template <typename T>
  static Tensor scalar(T element) {
    return of<T>({}, {element});
  }

  DataType dtype() const { return dtype_; }
  const Dims& dims() const { return dims_; }
  std::size_t rank() const { return dims_.size(); }
  std::int64_t element_count() const { return element_count_; }
  bool is_empty() const { return element_count_ == 0; }

  std::span<const std::byte> bytes() const;
  /// Write access; clones the bytes first if another tensor shares them or they are a map.
  std::span<std::byte> mutable_bytes();

  /// The elements as T. throws InternalError if T is not the element type (DataTypeOf<T>)
  template <typename T>
  std::span<const T> data() const {
    require(DataTypeOf<T>::value);
    return {reinterpret_cast<const T*>(bytes().data()), static_cast<std::size_t>(element_count_)};
  }
  template <typename T>
  std::span<T> mutable_data() {
    require(DataTypeOf<T>::value);
    return {reinterpret_cast<T*>(mutable_bytes().data()), static_cast<std::size_t>(element_count_)};
  }
  std::span<const std::string> strings() const;
  std::span<std::string> mutable_strings();

  /// The same elements under other dims of the same count.
  Tensor reshaped(Dims dims) const;

  /// True if the bytes came from an external data file; the writer then keeps them external.
  bool is_external() const { return is_external_; }
  void set_external(bool external) { is_external_ = external; }

  /// Same type, dims and bytes (so NaN equals the same NaN, and 0.0 differs from -0.0).
  bool operator==(const Tensor& other) const;

 private:
  struct Storage;
  void require(DataType wanted) const;

  DataType dtype_ = DataType::undefined;
  Dims dims_;
  std::int64_t element_count_ = 0;
  bool is_external_ = false;
  std::shared_ptr<Storage> storage_;
};

using Tensors = std::vector<Tensor>;

/// The elements of a tensor of any integer, boolean or floating-point type, as int64 (truncated) or double.
/// throws  InternalError for strings and complex numbers
std::vector<std::int64_t> to_int64s(const Tensor& tensor);
std::vector<double> to_doubles(const Tensor& tensor);
/// The single element of a tensor of one element. throws UserError if there are more or none
double to_double(const Tensor& tensor);

/// Truncated; NaN is 0, and what int64 cannot hold its nearest end.
std::int64_t to_int64(double value);

/// A tensor of any numeric type with these elements, rounded to nearest (ties to even) for floating-point
/// types, truncated and wrapped around for integers.
Tensor from_doubles(DataType dtype, Dims dims, const std::vector<double>& elements);
/// The same from integers; wrapped around where the type is too narrow.
Tensor from_int64s(DataType dtype, Dims dims, const std::vector<std::int64_t>& elements);

/// What Cast may be told about the narrowest floats.
struct CastOptions {
  bool saturate = true;           // float8: too large becomes the largest, else infinity or NaN
  std::string round_mode = "up";  // float8e8m0: "up", "down" or "nearest"
};

/// Elements converted to another type by ONNX's Cast rules (float to integer truncates; a value that the
/// integer cannot hold wraps around, NaN becomes 0).
/// throws  UserError for a pair of types that Cast does not define
Tensor cast(const Tensor& tensor, DataType to);
Tensor cast(const Tensor& tensor, DataType to, const CastOptions& options);

/// A one-dimensional int64 tensor.
Tensor int64_tensor(std::span<const std::int64_t> elements);

template <typename T>
Tensor Tensor::of(Dims dims, const std::vector<T>& elements) {
  Tensor tensor(DataTypeOf<T>::value, {static_cast<std::int64_t>(elements.size())});
  const std::span<T> target = tensor.mutable_data<T>();
  for (std::size_t i = 0; i < elements.size(); ++i) target[i] = elements[i];
  return tensor.reshaped(std::move(dims));
}

}  // namespace edgeopt
