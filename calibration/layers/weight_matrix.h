// The weight of Conv, Gemm or MatMul as matrices, one per group: y[output] = sum over columns of w * x.
#pragma once
#include <cstdint>
#include <optional>

#include "ir/graph.h"

namespace edgeopt {

struct WeightMatrix {
  std::int64_t groups = 1;
  std::int64_t outputs_per_group = 0;
  std::int64_t columns = 0;      // inputs of one output
  std::int64_t output_step = 1;  // between the elements of two outputs in the tensor
  std::int64_t column_step = 1;
  int output_axis = 0;  // of the tensor

  std::int64_t outputs() const { return groups * outputs_per_group; }
  std::size_t element(std::int64_t output, std::int64_t column) const {
    return static_cast<std::size_t>(output * output_step + column * column_step);
  }
};

/// Nothing for other operators, and for weights of another rank than they take, without
/// elements, or that the groups do not divide.
std::optional<WeightMatrix> weight_matrix(const Node& node, const Dims& weight);

}  // namespace edgeopt
