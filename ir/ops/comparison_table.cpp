// y[i] = (a[i] < b[i]) and its kin, with broadcasting; every comparison with NaN is false.
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "ir/rules/op_rules.h"

namespace edgeopt {
namespace {

// Equal also compares strings and booleans.
Tensor equal_strings(const Tensor& a, const Tensor& b) {
  const Dims dims = broadcast_dims(a.dims(), b.dims());
  const Tensor first = expanded(a, dims);
  const Tensor second = expanded(b, dims);
  Tensor y(DataType::boolean, dims);
  for (std::size_t i = 0; i < y.data<bool>().size(); ++i)
    y.mutable_data<bool>()[i] = first.strings()[i] == second.strings()[i];
  return y;
}

template <typename Function>
OpDefinition comparison(std::string name, std::vector<int> versions, Function compare) {
  return {
      .name = std::move(name),
      .versions = std::move(versions),
      .required_inputs = 2,
      .infer = infer_comparison,
      .evaluate =
          [compare](const EvaluateCall& call) {
            return Tensors{
                combine_elements<bool>(NativeTypes{}, call.inputs[0], aligned_second_input(call), compare)};
          },
      .count_cost = operations_per_output(1),
      .is_elementwise = true,
  };
}

OpDefinition equal_definition() {
  OpDefinition op = comparison("Equal", {1, 7, 11, 13, 19}, std::equal_to<>());
  op.is_commutative = true;
  op.evaluate = [numbers = op.evaluate](const EvaluateCall& call) {
    if (call.inputs[0].dtype() == DataType::string)
      return Tensors{equal_strings(call.inputs[0], call.inputs[1])};
    return numbers(call);
  };
  return op;
}

}  // namespace

std::vector<OpDefinition> comparison_table() {
  return {
      equal_definition(),
      comparison("Less", {1, 7, 9, 13}, std::less<>()),
      comparison("LessOrEqual", {12, 16}, std::less_equal<>()),
      comparison("Greater", {1, 7, 9, 13}, std::greater<>()),
      comparison("GreaterOrEqual", {12, 16}, std::greater_equal<>()),
  };
}

}  // namespace edgeopt
