#include "runtime/branches.h"

#include <fmt/format.h>

#include <memory>

#include "ir/edit.h"
#include "runtime/engine.h"
#include "support/error.h"

namespace edgeopt {
namespace {

struct Branch {
  GraphPtr graph;
  std::vector<std::size_t> operands;  // of the If, one per captured value of the branch
  std::unique_ptr<Session> session;
};

struct Branches {
  FallbackCall call;
  int thread_count = 1;
  Branch then_branch, else_branch;
};

// The outer values that the branch reads become its inputs.
Graph with_captures_as_inputs(const Graph& branch, const Tensors& captured) {
  Edit edit(branch);
  const std::vector<ValueId> ids(branch.captured().begin(), branch.captured().end());
  for (std::size_t i = 0; i < ids.size(); ++i)
    edit.replace(ids[i], edit.add_input(branch.name_of(ids[i]), {.dtype = captured[i].dtype()}));
  return edit.apply();
}

std::size_t operand_of_capture(const Node& node, const std::string& name) {
  for (std::size_t i = 0; i < node.captures.size(); ++i)
    if (node.captures[i].name == name) return node.inputs.size() + i;
  throw InternalError(fmt::format("a subgraph reads '{}', which its node does not capture", name));
}

Branch branch_of(const Node& node, const char* attribute) {
  const GraphPtr* graph = node.attributes.get<GraphPtr>(attribute);
  if (!graph) throw UserError(fmt::format("node '{}' (If) has no {}", node.name, attribute));
  Branch branch{.graph = *graph};
  for (const ValueId id : (*graph)->captured())
    branch.operands.push_back(operand_of_capture(node, (*graph)->name_of(id)));
  return branch;
}

void run_branch(Branches& branches) {
  FallbackCall& call = branches.call;
  const Tensor condition = read_operand(call, call.inputs[0], false);
  if (condition.dtype() != DataType::boolean || condition.element_count() != 1)
    throw UserError(fmt::format("node '{}' (If): the condition is not one boolean", call.node.name));
  Branch& branch = condition.data<bool>()[0] ? branches.then_branch : branches.else_branch;
  Tensors captured;
  // A branch may hand an outer value through, so it gets values that outlive the arena's bytes.
  for (const std::size_t operand : branch.operands)
    captured.push_back(read_operand(call, call.inputs[operand], true));
  if (!branch.session)
    branch.session =
        compile(with_captures_as_inputs(*branch.graph, captured), {.thread_count = branches.thread_count});
  const Tensors results = branch.session->run(captured);
  for (std::size_t i = 0; i < std::min(results.size(), call.outputs.size()); ++i)
    write_output(call, call.outputs[i], results[i]);
}

}  // namespace

BoundStep bind_if(FallbackCall call, int thread_count) {
  const Node& node = call.node;
  const auto branches = std::make_shared<Branches>(Branches{.call = std::move(call),
                                                            .thread_count = thread_count,
                                                            .then_branch = branch_of(node, "then_branch"),
                                                            .else_branch = branch_of(node, "else_branch")});
  return {.run = [branches] {
    while_doing(fmt::format("node '{}' (If)", branches->call.node.name), [&] { run_branch(*branches); });
  }};
}

}  // namespace edgeopt
