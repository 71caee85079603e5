#include "calibration/layers/weight_matrix.h"

namespace edgeopt {

std::optional<WeightMatrix> weight_matrix(const Node& node, const Dims& weight) {
  if (element_count(weight) == 0) return std::nullopt;
  if (node.is("Conv") && weight.size() > 2) {
    const std::int64_t groups = node.attributes.get_int("group", 1);
    if (groups < 1 || weight[0] % groups != 0) return std::nullopt;
    const std::int64_t columns = element_count(weight) / weight[0];
    return WeightMatrix{.groups = groups,
                        .outputs_per_group = weight[0] / groups,
                        .columns = columns,
                        .output_step = columns};
  }
  if (weight.size() != 2 || (!node.is("Gemm") && !node.is("MatMul"))) return std::nullopt;
  if (node.is("Gemm") && node.attributes.get_int("transB", 0) != 0)
    return WeightMatrix{.outputs_per_group = weight[0], .columns = weight[1], .output_step = weight[1]};
  return WeightMatrix{
      .outputs_per_group = weight[1], .columns = weight[0], .column_step = weight[1], .output_axis = 1};
}

}  // namespace edgeopt
