// A graph made ready for inputs of given dims: bound steps in order, every value at its place in one arena.
#pragma once
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "ir/graph.h"
#include "runtime/engine.h"
#include "runtime/kernel.h"

namespace edgeopt {

/// Values whose dims are only known at run time, by ValueId.
using DynamicValues = std::vector<Tensor>;

class ExecutionPlan {
 public:
  /// throws  UserError if an operator cannot be run or contradicts its inputs
  ExecutionPlan(const Graph& graph, const std::vector<Dims>& input_dims, const CompileOptions& options);
  ~ExecutionPlan();
  ExecutionPlan(const ExecutionPlan&) = delete;
  ExecutionPlan& operator=(const ExecutionPlan&) = delete;

  Tensors run(const Tensors& inputs);
  std::vector<NodeTime> node_times() const;
  std::size_t arena_bytes() const { return arena_bytes_; }

 private:
  friend class PlanBuilder;
  struct Step {
    BoundStep bound;
    std::string node;
    std::string label;
    double time_ms = 0;
  };
  /// Where a graph input goes or a graph output comes from: a slot, a dynamic value, or a constant.
  struct Port {
    TensorForm form;
    Slot* slot = nullptr;
    std::size_t dynamic_index = 0;
    std::optional<Tensor> constant;
  };
  struct FreeBytes {
    void operator()(std::byte* bytes) const;
  };
  using Bytes = std::unique_ptr<std::byte, FreeBytes>;
  static Bytes allocate(std::size_t count);
  void bind_inputs(const Tensors& inputs);
  Tensor read_output(const Port& port) const;
  void run_steps();

  std::deque<Slot> slots_;
  std::vector<Step> steps_;
  std::vector<Port> inputs_;
  std::vector<Port> outputs_;
  Tensors constants_;  // that slots point into
  std::shared_ptr<const Graph> graph_;
  DynamicValues dynamic_;
  Bytes arena_;
  Bytes scratch_;
  std::size_t arena_bytes_ = 0;
  int thread_count_ = 1;
  bool is_profiled_ = false;
};

}  // namespace edgeopt
