// Matrix products by numpy's rules, in double precision: what MatMul and its integer forms share.
#pragma once
#include <optional>
#include <span>
#include <vector>

#include "ir/op.h"

namespace edgeopt {

/// [.., m, k] times [.., k, n]; a 1-D operand is a row (left) or a column (right) whose dim then disappears.
struct MatrixProduct {
  Dims batch;                                    // the broadcast leading dims
  std::vector<std::int64_t> a_matrix, b_matrix;  // which matrix of each operand a batch entry takes
  std::int64_t m = 1, k = 1, n = 1;
  Dims output;
};

/// throws UserError if the shapes do not fit
MatrixProduct matrix_product_of(const Dims& a, const Dims& b);

/// Row-major products of every batch entry. Same result at any thread count.
std::vector<double> multiply(const MatrixProduct& product, std::span<const double> a,
                             std::span<const double> b);

/// The shape rule: nothing if a rank is unknown. throws UserError if the shapes do not fit
std::optional<Shape> multiplied_shape(const Operand& a, const Operand& b);

/// Elements of the output times the length of a sum; symbols count as 1.
Cost matrix_product_cost(const Operand& a, const Operand& output);

}  // namespace edgeopt
