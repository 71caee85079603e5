// for (i = 0; i < M && condition; ++i) condition, carried..., scanned... = body(i, condition, carried...)
// Results: the last carried values, then every scanned value stacked along a new first axis.
#include <fmt/format.h>

#include <limits>

#include "ir/gradient/scan_gradient.h"
#include "ir/rules/call_inputs.h"
#include "ir/rules/subgraph_rules.h"
#include "support/error.h"

namespace edgeopt {
namespace {

void require_body(const Graph& body, std::size_t carried) {
  if (body.inputs().size() != carried + 2 || body.outputs().size() < carried + 1)
    throw UserError(fmt::format("the body has {} inputs and {} outputs, which does not fit {} carried values",
                                body.inputs().size(), body.outputs().size(), carried));
}

// A carried value may change its shape from run to run: only what the body keeps is known.
Operand carried_type(const Operand& initial, const ValueType& after) {
  Operand result =
      operand(initial.type.dtype != DataType::undefined ? initial.type.dtype : after.dtype, std::nullopt);
  if (!initial.has_shape() || !after.shape || initial.shape().size() != after.shape->size()) return result;
  result.type.shape = initial.shape();
  for (std::size_t i = 0; i < after.shape->size(); ++i)
    if ((*after.shape)[i] != initial.shape()[i]) (*result.type.shape)[i] = Dim();
  return result;
}

std::vector<Operand> infer(const InferCall& call) {
  const Graph& body = body_of(call.attributes());
  const std::size_t carried = call.inputs.size() < 2 ? 0 : call.inputs.size() - 2;
  require_body(body, carried);
  require_operands(call.inputs, 2);
  require_outputs(call.node, body.outputs().size() - 1);
  std::vector<Operand> outputs;
  for (std::size_t i = 0; i < carried; ++i)
    outputs.push_back(carried_type(call.inputs[i + 2], body.type_of(body.outputs()[i + 1])));
  for (std::size_t i = carried + 1; i < body.outputs().size(); ++i)
    outputs.push_back(stacked(body.type_of(body.outputs()[i]), Dim(), 0));
  return outputs;
}

Tensors evaluate(const EvaluateCall& call) {
  const Graph& body = body_of(call.attributes());
  const std::int64_t most =
      call.has_input(0) ? single_int(call.inputs[0]) : std::numeric_limits<std::int64_t>::max();
  Tensor condition = call.has_input(1) ? call.inputs[1] : Tensor::scalar(true);
  Tensors carried(call.inputs.begin() + std::min<std::ptrdiff_t>(2, std::ssize(call.inputs)),
                  call.inputs.end());
  require_body(body, carried.size());
  std::vector<Tensors> scanned(body.outputs().size() - 1 - carried.size());
  for (std::int64_t i = 0; i < most && to_double(condition) != 0; ++i) {
    Tensors inputs{Tensor::scalar(i), condition};
    inputs.insert(inputs.end(), carried.begin(), carried.end());
    const Tensors results = call.run_subgraph(body, inputs);
    condition = results[0];
    std::copy_n(results.begin() + 1, carried.size(), carried.begin());
    for (std::size_t s = 0; s < scanned.size(); ++s) scanned[s].push_back(results[1 + carried.size() + s]);
  }
  Tensors outputs = carried;
  for (std::size_t s = 0; s < scanned.size(); ++s)
    outputs.push_back(stacked(scanned[s], body.type_of(body.outputs()[1 + carried.size() + s]), 0));
  return outputs;
}

}  // namespace

OpDefinition loop_op() {
  return {
      .name = "Loop",
      .versions = {1, 11, 13, 16, 19, 21, 23, 24, 25},
      .required_inputs = 0,
      .infer = infer,
      .evaluate = evaluate,
      .gradient = loop_gradient,
  };
}

}  // namespace edgeopt
