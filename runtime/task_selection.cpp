#include "runtime/task_selection.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "runtime/fusion.h"
#include "support/error.h"

namespace edgeopt {
namespace {

struct Selection {
  const ShapedGraph& shaped;
  int thread_count;
  std::unordered_map<std::int32_t, std::size_t> positions = {};  // of nodes
  std::unordered_set<std::int32_t> absorbed = {};                // nodes that belong to a chosen task

  std::size_t place(const Task& task) const {
    std::size_t last = 0;
    for (const NodeId id : task.nodes) last = std::max(last, positions.at(static_cast<std::int32_t>(id)));
    return last;
  }
  bool is_free(const Task& task) const {
    return std::none_of(task.nodes.begin(), task.nodes.end(),
                        [&](NodeId id) { return absorbed.contains(static_cast<std::int32_t>(id)); });
  }
};

bool is_needless(const ShapedGraph& shaped, const Node& node) {
  return std::all_of(node.outputs.begin(), node.outputs.end(),
                     [&](ValueId id) { return id == ValueId::none || shaped.is_constant(id); });
}

ChosenTask choose(const Selection& selection, const Node& node) {
  for (Task& task : propose_tasks(selection.shaped, node)) {
    if (!selection.is_free(task)) continue;
    const auto call = call_of(selection.shaped, task, selection.thread_count);
    const Kernel* kernel = call ? find_kernel(*call) : nullptr;
    if (kernel) return {std::move(task), kernel};
  }
  const OpDefinition* op = find_op(node);
  if (!op || !op->evaluate)
    throw UserError(fmt::format("node '{}': operator '{}' of domain '{}' is not one that edgeopt can run",
                                node.name, node.op_type, node.domain.empty() ? "ai.onnx" : node.domain));
  return {single_task(node), nullptr};
}

// Drops what only fused tasks would have read: DequantizeLinear in front of integer kernels; and values of
// which only the dims are asked.
std::vector<ChosenTask> without_unread(const ShapedGraph& shaped, std::vector<ChosenTask> tasks) {
  std::unordered_set<std::int32_t> read;
  for (const ValueId id : shaped.graph().outputs()) read.insert(static_cast<std::int32_t>(id));
  std::vector<ChosenTask> kept;
  for (auto chosen = tasks.rbegin(); chosen != tasks.rend(); ++chosen) {
    const Task& task = chosen->task;
    if (std::none_of(task.outputs.begin(), task.outputs.end(),
                     [&](ValueId id) { return read.contains(static_cast<std::int32_t>(id)); }))
      continue;
    for (std::size_t i = 0; i < task.inputs.size(); ++i)
      if (!chosen->kernel || chosen->kernel->reads(i)) read.insert(static_cast<std::int32_t>(task.inputs[i]));
    if (task.addend != ValueId::none) read.insert(static_cast<std::int32_t>(task.addend));
    kept.push_back(std::move(*chosen));
  }
  std::reverse(kept.begin(), kept.end());
  return kept;
}

std::optional<TaskOperand> operand_at(const ShapedGraph& shaped, ValueId id) {
  if (id == ValueId::none) return TaskOperand{};
  const auto form = shaped.form(id);
  if (!form) return std::nullopt;
  return TaskOperand{.form = *form, .constant = shaped.constant(id), .is_present = true};
}

}  // namespace

std::optional<KernelCall> call_of(const ShapedGraph& shaped, const Task& task, int thread_count) {
  KernelCall call{
      .task = task, .opset = shaped.graph().opset(task.node->domain), .thread_count = thread_count};
  for (const ValueId id : task.inputs) {
    auto operand = operand_at(shaped, id);
    if (!operand) return std::nullopt;
    call.inputs.push_back(std::move(*operand));
  }
  for (const ValueId id : task.outputs) {
    const auto form = id == ValueId::none ? TensorForm{} : shaped.form(id);
    if (!form) return std::nullopt;
    call.outputs.push_back({.form = *form, .is_present = id != ValueId::none});
  }
  if (task.addend != ValueId::none) call.addend = operand_at(shaped, task.addend).value();
  return call;
}

std::vector<ChosenTask> choose_tasks(const ShapedGraph& shaped, int thread_count) {
  Selection selection{shaped, thread_count};
  const Graph& graph = shaped.graph();
  for (std::size_t i = 0; i < graph.nodes().size(); ++i)
    selection.positions[static_cast<std::int32_t>(graph.nodes()[i])] = i;
  std::vector<ChosenTask> tasks;
  for (const NodeId id : graph.nodes()) {
    const Node& node = graph.node(id);
    if (selection.absorbed.contains(static_cast<std::int32_t>(id)) || is_needless(shaped, node)) continue;
    tasks.push_back(choose(selection, node));
    for (const NodeId part : tasks.back().task.nodes)
      selection.absorbed.insert(static_cast<std::int32_t>(part));
  }
  std::stable_sort(tasks.begin(), tasks.end(), [&](const ChosenTask& a, const ChosenTask& b) {
    return selection.place(a.task) < selection.place(b.task);
  });
  return without_unread(shaped, std::move(tasks));
}

}  // namespace edgeopt
