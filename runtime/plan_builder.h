// Builds an ExecutionPlan: tasks in order become steps, values get storages with lifetimes, then addresses,
// then kernels are bound.
#pragma once
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "runtime/memory_plan.h"
#include "runtime/plan.h"
#include "runtime/shaped_graph.h"
#include "runtime/task_selection.h"

namespace edgeopt {

class PlanBuilder {
 public:
  PlanBuilder(ExecutionPlan& plan, const ShapedGraph& shaped, const CompileOptions& options);
  void build();

 private:
  enum class Home { arena, outside };  // outside: the caller's tensors and constants
  struct Storage {
    Slot* slot = nullptr;
    Home home = Home::arena;
    Lifetime life;
    std::size_t last_use =
        0;  // index of the last task that reads one of its values; `never_ends` for outputs
  };
  /// A value in one of its layouts.
  struct Location {
    TensorForm form;
    std::size_t storage = 0;
  };
  struct PendingStep {
    std::string node;
    std::string label;
    std::function<BoundStep(Slot* scratch)> bind;
  };
  using Key = std::pair<ValueId, Layout>;

  void find_last_uses();
  void place_inputs();
  void add_task(const ChosenTask& chosen);
  void add_fallback(const Task& task);
  void add_kernel(const Task& task, const Kernel& kernel);
  void add_view(const KernelCall& call);
  void add_outputs();
  void place_arena();
  void bind_steps();

  std::size_t add_storage(Home home, std::size_t bytes);
  Location& locate(ValueId id, Layout layout);
  Location& locate_any(ValueId id);
  Location& place_constant(ValueId id, Layout layout);
  Location& place_output(ValueId id, const TensorForm& form, std::size_t storage);
  std::size_t storage_for_output(const KernelCall& call, const Kernel& kernel, const TensorForm& form);
  std::size_t storage_of_addend(const KernelCall& call, const TensorForm& form);
  bool can_take_over(const Location& place) const;
  void append_reorder(const Location& from, const Location& to, std::string label);
  void keep_alive(std::size_t storage);
  std::size_t last_use(ValueId id) const { return last_uses_[static_cast<std::size_t>(id)]; }

  ExecutionPlan& plan_;
  const ShapedGraph& shaped_;
  CompileOptions options_;
  std::vector<ChosenTask> tasks_;
  std::vector<std::size_t> last_uses_;  // by ValueId, as task indices
  std::vector<Storage> storages_;
  std::map<Key, Location> locations_;
  std::vector<PendingStep> steps_;
  std::size_t current_task_ = 0;
};

}  // namespace edgeopt
