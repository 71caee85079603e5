// Det: the determinant of every matrix, by Gaussian elimination with partial pivoting.
// DetGradient(dy, x) in training graphs: dy times the cofactors, which a singular matrix has too.
#include <cmath>
#include <utility>
#include <vector>

#include "ir/gradient/training_ops.h"
#include "ir/rules/op_rules.h"
#include "support/error.h"

namespace edgeopt {
namespace {

double determinant(std::span<double> matrix, std::size_t size) {
  const auto at = [&](std::size_t row, std::size_t column) -> double& { return matrix[row * size + column]; };
  double result = 1;
  for (std::size_t step = 0; step < size; ++step) {
    std::size_t pivot = step;
    for (std::size_t row = step + 1; row < size; ++row)
      if (std::fabs(at(row, step)) > std::fabs(at(pivot, step))) pivot = row;
    if (at(pivot, step) == 0) return 0;
    if (pivot != step) {
      result = -result;
      for (std::size_t column = 0; column < size; ++column) std::swap(at(pivot, column), at(step, column));
    }
    result *= at(step, step);
    for (std::size_t row = step + 1; row < size; ++row) {
      const double factor = at(row, step) / at(step, step);
      for (std::size_t column = step; column < size; ++column) at(row, column) -= factor * at(step, column);
    }
  }
  return result;
}

// Of small matrices: a gradient takes size^2 of these, size^5 operations.
// (-1)^(row + column) times the determinant of what is left without them.
double cofactor(std::span<const double> matrix, std::size_t size, std::size_t row, std::size_t column) {
  std::vector<double> rest;
  for (std::size_t i = 0; i < size; ++i)
    for (std::size_t j = 0; j < size; ++j)
      if (i != row && j != column) rest.push_back(matrix[i * size + j]);
  const double minor = determinant(rest, size - 1);
  return (row + column) % 2 == 0 ? minor : -minor;
}

std::size_t matrix_size(const Dims& dims) {
  if (dims.size() < 2 || dims[dims.size() - 1] != dims[dims.size() - 2])
    throw UserError("the input of Det must hold square matrices");
  return static_cast<std::size_t>(dims.back());
}

Tensors evaluate(const EvaluateCall& call) {
  const Dims& dims = call.inputs[0].dims();
  const std::size_t size = matrix_size(dims);
  const Dims result_dims(dims.begin(), dims.end() - 2);
  std::vector<double> matrices = to_doubles(call.inputs[0]);
  std::vector<double> results(static_cast<std::size_t>(element_count(result_dims)));
  for (std::size_t i = 0; i < results.size(); ++i)
    results[i] = determinant(std::span(matrices).subspan(i * size * size, size * size), size);
  return {from_doubles(call.inputs[0].dtype(), result_dims, results)};
}

Tensors evaluate_gradient(const EvaluateCall& call) {
  const Dims& dims = call.inputs[1].dims();
  const std::size_t size = matrix_size(dims);
  require_dims_of_result(call.inputs[0], Dims(dims.begin(), dims.end() - 2));
  const std::vector<double> dy = to_doubles(call.inputs[0]), matrices = to_doubles(call.inputs[1]);
  std::vector<double> dx;
  for (std::size_t i = 0; i < dy.size(); ++i)
    for (std::size_t row = 0; row < size; ++row)
      for (std::size_t column = 0; column < size; ++column)
        dx.push_back(dy[i] *
                     cofactor(std::span(matrices).subspan(i * size * size, size * size), size, row, column));
  return {from_doubles(call.inputs[0].dtype(), dims, dx)};
}

std::vector<Operand> infer(const InferCall& call) {
  const ValueType& x = call.inputs[0].type;
  if (!x.shape) return {operand(x.dtype, std::nullopt)};
  if (x.shape->size() < 2) throw UserError("the input of Det must hold square matrices");
  return {operand(x.dtype, Shape(x.shape->begin(), x.shape->end() - 2))};
}

}  // namespace

std::vector<OpDefinition> det_table() {
  return {
      {.name = "Det",
       .versions = {11, 22},
       .infer = infer,
       .evaluate = evaluate,
       .gradient = own_gradient_operator()},
      {.name = "DetGradient",
       .domain = training_domain,
       .required_inputs = 2,
       .infer = infer_gradient_of("Det"),
       .evaluate = evaluate_gradient},
  };
}

}  // namespace edgeopt
