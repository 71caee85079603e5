// X'X of what a layer's outputs read: the second derivative of their squared error by the weights.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "calibration/layers/weight_matrix.h"
#include "ir/tensor.h"

namespace edgeopt {

/// Neighbouring columns of one group.
struct ColumnRange {
  std::int64_t group = 0;
  std::int64_t first = 0;
  std::int64_t count = 0;
};

/// Rows of inputs (for a Conv: what the window sees), drawn evenly from every sample, as integers.
///
/// Integers make the products exact, so that they are the same in any order. Memory is fixed: some ten
/// thousand rows say all that a Hessian of a thousand columns needs.
class InputRows {
 public:
  InputRows(const Node& node, const WeightMatrix& matrix, const Dims& weight, std::int64_t sample_count);

  /// Takes the rows of sample `i` from the layer's input; may be called in parallel for different samples.
  /// step  what one integer stands for; elements are rounded to it
  void take(std::int64_t i, const Tensor& input, double step);

  /// X'X, row after row.
  std::vector<double> products(const ColumnRange& columns) const { return products(columns, *this); }
  /// X'Y; X and Y are drawn at the same places.
  std::vector<double> products(const ColumnRange& columns, const InputRows& y) const;
  std::vector<double> means(const ColumnRange& columns) const;
  /// How many rows the samples gave.
  std::int64_t taken_row_count() const;
  std::int64_t byte_count() const {
    return std::ssize(rows_) * static_cast<std::int64_t>(sizeof(std::int16_t));
  }

 private:
  struct Place;
  void take_windows(std::int64_t i, const Tensor& input, double step);
  void take_vectors(std::int64_t i, const Tensor& input, double step);
  std::vector<std::int64_t> drawn_positions(std::int64_t i, std::int64_t position_count) const;
  std::int16_t& at(std::int64_t group, std::int64_t column, std::int64_t row) {
    return rows_[static_cast<std::size_t>((group * matrix_.columns + column) * row_count_ + row)];
  }

  const std::int16_t* column(std::int64_t group, std::int64_t column) const {
    return rows_.data() + (group * matrix_.columns + column) * row_count_;
  }

  const Node& node_;
  WeightMatrix matrix_;
  Dims weight_;
  std::int64_t rows_per_sample_ = 0;
  std::int64_t row_count_ = 0;
  std::vector<std::int64_t> taken_;  // rows by sample
  std::vector<std::int16_t> rows_;   // [groups][columns][rows]; rows that no sample gives are zeros
};

}  // namespace edgeopt
