#include "runtime/plan.h"

#include <chrono>
#include <cstring>
#include <new>

#include "runtime/plan_builder.h"
#include "runtime/thread_scope.h"

namespace edgeopt {
namespace {

constexpr std::align_val_t arena_alignment{64};  // one cache line, and one AVX-512 vector

double milliseconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

void ExecutionPlan::FreeBytes::operator()(std::byte* bytes) const {
  ::operator delete(bytes, arena_alignment);
}

ExecutionPlan::Bytes ExecutionPlan::allocate(std::size_t count) {
  return Bytes(count > 0 ? static_cast<std::byte*>(::operator new(count, arena_alignment)) : nullptr);
}

ExecutionPlan::ExecutionPlan(const Graph& graph, const std::vector<Dims>& input_dims,
                             const CompileOptions& options)
    : graph_(std::make_shared<const Graph>(graph)),
      thread_count_(options.thread_count),
      is_profiled_(options.is_profiled) {
  const ThreadScope scope(thread_count_);
  PlanBuilder(*this, ShapedGraph(graph, input_dims), options).build();
}

ExecutionPlan::~ExecutionPlan() = default;

void ExecutionPlan::bind_inputs(const Tensors& inputs) {
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    // Steps never write to a graph input: its storage lies outside the arena.
    if (inputs_[i].slot) inputs_[i].slot->data = const_cast<std::byte*>(inputs[i].bytes().data());
    dynamic_[inputs_[i].dynamic_index] = inputs_[i].slot ? Tensor() : inputs[i];
  }
}

void ExecutionPlan::run_steps() {
  if (!is_profiled_) {
    for (Step& step : steps_) step.bound.run();
    return;
  }
  for (Step& step : steps_) {
    const auto start = std::chrono::steady_clock::now();
    step.bound.run();
    step.time_ms = milliseconds_since(start);
  }
}

Tensor ExecutionPlan::read_output(const Port& port) const {
  if (port.constant) return *port.constant;
  if (!port.slot) return dynamic_[port.dynamic_index];
  Tensor result(port.form.dtype, port.form.dims);
  if (const auto bytes = result.mutable_bytes(); !bytes.empty())
    std::memcpy(bytes.data(), port.slot->data, bytes.size());
  return result;
}

Tensors ExecutionPlan::run(const Tensors& inputs) {
  const ThreadScope scope(thread_count_);
  bind_inputs(inputs);
  run_steps();
  Tensors results;
  for (const Port& port : outputs_) results.push_back(read_output(port));
  return results;
}

std::vector<NodeTime> ExecutionPlan::node_times() const {
  std::vector<NodeTime> times;
  if (is_profiled_)
    for (const Step& step : steps_) times.push_back({step.node, step.label, step.time_ms});
  return times;
}

std::vector<std::string> executed_kernels(const Graph& graph, const Tensors& inputs) {
  std::vector<Dims> dims;
  for (const Tensor& input : inputs) dims.push_back(input.dims());
  std::vector<std::string> names;
  for (const ChosenTask& chosen : choose_tasks(ShapedGraph(graph, dims), 1))
    names.push_back(chosen.kernel ? chosen.kernel->name : "");
  return names;
}

}  // namespace edgeopt
