// Constants as formulas: float64 tensors with numpy broadcasting. Rounding happens once, when the result goes
// back to the element type of the model.
#pragma once
#include "ir/tensor.h"

namespace edgeopt {

/// True for the element types that in_double and rounded_to take: float32 and float64.
bool has_algebra(const Tensor& tensor);

/// The elements as float64. throws InternalError unless has_algebra
Tensor in_double(const Tensor& tensor);
/// A float64 tensor's elements rounded to `dtype` (float32 or float64).
Tensor rounded_to(DataType dtype, const Tensor& tensor);

// Elementwise on float64 tensors, broadcast against each other.
Tensor operator+(const Tensor& a, const Tensor& b);
Tensor operator-(const Tensor& a, const Tensor& b);
Tensor operator*(const Tensor& a, const Tensor& b);
Tensor operator/(const Tensor& a, const Tensor& b);

/// 1 / sqrt(x + epsilon), elementwise.
Tensor inverse_sqrt(const Tensor& tensor, double epsilon);

/// A vector laid along one axis of a tensor of that rank: [C] -> [1, .., C, .., 1].
Tensor along_axis(const Tensor& vector, std::size_t rank, std::size_t axis);

/// A float64 vector of `count` times the same number.
Tensor filled(std::int64_t count, double element);

/// The sum over all axes after the first `kept` ones: [d0, .., dk, ...] -> [d0, .., dk].
Tensor sum_behind(const Tensor& tensor, std::size_t kept);

/// The tensor with its last two axes swapped; any element type of one byte or more.
Tensor transposed(const Tensor& matrix);

}  // namespace edgeopt
