// The upper (column - row >= k) or lower (column - row <= k) triangle of each matrix; the rest is 0.
#include "ir/gradient/gradient_rules.h"
#include "ir/rules/call_inputs.h"
#include "ir/rules/op_rules.h"
#include "support/error.h"

namespace edgeopt {
namespace {

Tensors evaluate(const EvaluateCall& call) {
  const Tensor& x = call.inputs[0];
  if (x.rank() < 2) throw UserError("the input of Trilu must have at least two dims");
  const bool is_upper = call.attributes().get_int("upper", 1) != 0;
  const std::int64_t k = call.has_input(1) ? single_int(call.inputs[1]) : 0;
  const std::int64_t rows = x.dims()[x.rank() - 2];
  const std::int64_t columns = x.dims()[x.rank() - 1];
  std::vector<std::int64_t> indexes(static_cast<std::size_t>(x.element_count()));
  for (std::size_t i = 0; i < indexes.size(); ++i) {
    const auto index = static_cast<std::int64_t>(i);
    const std::int64_t diagonal = index % columns - index / columns % rows;
    indexes[i] = (is_upper ? diagonal >= k : diagonal <= k) ? index : -1;
  }
  return {pick_elements(x, x.dims(), indexes)};
}

ValueId gradient(const GradientCall& call, ValueId dy) {
  std::vector<ValueId> inputs = call.node.inputs;
  inputs[0] = dy;
  return emit(call, "Trilu", inputs, call.attributes());
}

}  // namespace

OpDefinition trilu_op() {
  return {.name = "Trilu",
          .versions = {14},
          .infer = same_shape_as_input,
          .evaluate = evaluate,
          .gradient = first_input_gradient(gradient),
          .is_homogeneous = true};
}

}  // namespace edgeopt
