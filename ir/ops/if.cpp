// The outputs of then_branch if the condition is true, else those of else_branch; both read outer values.
#include <fmt/format.h>

#include "ir/gradient/if_gradient.h"
#include "ir/rules/call_inputs.h"
#include "ir/rules/subgraph_rules.h"
#include "support/error.h"

namespace edgeopt {
namespace {

const Graph& branch(const Attributes& attributes, std::string_view name) {
  const GraphPtr* graph = attributes.get<GraphPtr>(name);
  if (!graph) throw UserError(fmt::format("attribute '{}' is missing", name));
  return **graph;
}

// What holds for the results of both branches.
ValueType merged(const ValueType& a, const ValueType& b) {
  if (!a.is_tensor() || a.dtype == DataType::undefined) return a.dtype == b.dtype ? a : ValueType();
  if (a.dtype != b.dtype)
    return b.dtype == DataType::undefined && b.is_tensor() ? ValueType{.dtype = a.dtype} : ValueType();
  ValueType result{.dtype = a.dtype};
  if (!a.shape || !b.shape || a.shape->size() != b.shape->size()) return result;
  result.shape = a.shape;
  for (std::size_t i = 0; i < a.shape->size(); ++i)
    if ((*a.shape)[i] != (*b.shape)[i]) (*result.shape)[i] = Dim();
  return result;
}

std::vector<Operand> infer(const InferCall& call) {
  const Graph& a = branch(call.attributes(), "then_branch");
  const Graph& b = branch(call.attributes(), "else_branch");
  if (a.outputs().size() != b.outputs().size())
    throw UserError(fmt::format("then_branch has {} outputs, but else_branch {}", a.outputs().size(),
                                b.outputs().size()));
  require_outputs(call.node, a.outputs().size());
  std::vector<Operand> outputs(a.outputs().size());
  for (std::size_t i = 0; i < outputs.size(); ++i)
    outputs[i].type = merged(a.type_of(a.outputs()[i]), b.type_of(b.outputs()[i]));
  return outputs;
}

Tensors evaluate(const EvaluateCall& call) {
  const bool condition = to_double(required_input(call, 0)) != 0;
  return call.run_subgraph(branch(call.attributes(), condition ? "then_branch" : "else_branch"), {});
}

}  // namespace

OpDefinition if_op() {
  return {
      .name = "If",
      .versions = {1, 11, 13, 16, 19, 21, 23, 24, 25},
      .infer = infer,
      .evaluate = evaluate,
      .gradient = if_gradient,
  };
}

}  // namespace edgeopt
