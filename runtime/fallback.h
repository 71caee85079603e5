// A node without a kernel: its operator's slow evaluation, as a step of a plan.
#pragma once
#include <vector>

#include "ir/graph.h"
#include "runtime/kernel.h"
#include "runtime/plan.h"

namespace edgeopt {

/// One operand of a fallback step: at a place with a form, or among the dynamic values.
struct FallbackOperand {
  bool is_present = false;
  bool is_dynamic = false;
  TensorForm form;
  Slot* slot = nullptr;
  std::size_t dynamic_index = 0;
};

struct FallbackCall {
  const Graph& graph;  // outlives the step, like `node` and `dynamic`
  const Node& node;
  DynamicValues& dynamic;
  std::vector<FallbackOperand> inputs;  // the node's inputs, then what its subgraphs capture
  std::vector<FallbackOperand> outputs;
};

/// The operand's value. `is_kept`: it may outlive the arena's bytes, so they are copied.
Tensor read_operand(const FallbackCall& call, const FallbackOperand& operand, bool is_kept);
/// throws  InternalError if the result is not of the form that was planned
void write_output(FallbackCall& call, const FallbackOperand& output, const Tensor& result);

BoundStep bind_fallback(FallbackCall call);

}  // namespace edgeopt
