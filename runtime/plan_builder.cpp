#include "runtime/plan_builder.h"

#include <algorithm>
#include <limits>

#include "ir/evaluate.h"
#include "runtime/branches.h"
#include "runtime/fallback.h"
#include "runtime/reorder.h"

namespace edgeopt {
namespace {

constexpr std::size_t never_ends = std::numeric_limits<std::size_t>::max();

std::string title(const Graph& graph, const Task& task) {
  if (!task.node->name.empty()) return task.node->name;
  for (const ValueId output : task.outputs.empty() ? task.node->outputs : task.outputs)
    if (output != ValueId::none) return graph.name_of(output);
  return task.node->op_type;
}

}  // namespace

PlanBuilder::PlanBuilder(ExecutionPlan& plan, const ShapedGraph& shaped, const CompileOptions& options)
    : plan_(plan), shaped_(shaped), options_(options) {}

void PlanBuilder::build() {
  tasks_ = choose_tasks(shaped_, options_.thread_count);
  find_last_uses();
  place_inputs();
  for (current_task_ = 0; current_task_ < tasks_.size(); ++current_task_) add_task(tasks_[current_task_]);
  add_outputs();
  // From here on every storage is known.
  place_arena();
  bind_steps();
}

void PlanBuilder::find_last_uses() {
  const std::vector<ValueId> values = shaped_.graph().values();
  last_uses_.assign(values.empty() ? 0 : static_cast<std::size_t>(values.back()) + 1, 0);
  plan_.dynamic_.resize(last_uses_.size());
  for (std::size_t i = 0; i < tasks_.size(); ++i) {
    const Task& task = tasks_[i].task;
    for (std::size_t k = 0; k < task.inputs.size(); ++k)
      if (task.inputs[k] != ValueId::none && (!tasks_[i].kernel || tasks_[i].kernel->reads(k)))
        last_uses_[static_cast<std::size_t>(task.inputs[k])] = i;
    for (const ValueId id : task.outputs)
      if (id != ValueId::none) last_uses_[static_cast<std::size_t>(id)] = i;
    if (task.addend != ValueId::none) last_uses_[static_cast<std::size_t>(task.addend)] = i;
  }
  for (const ValueId id : shaped_.graph().outputs()) last_uses_[static_cast<std::size_t>(id)] = never_ends;
}

std::size_t PlanBuilder::add_storage(Home home, std::size_t bytes) {
  Slot* slot = &plan_.slots_.emplace_back();
  storages_.push_back({.slot = slot, .home = home, .life = {bytes, steps_.size(), steps_.size()}});
  return storages_.size() - 1;
}

PlanBuilder::Location& PlanBuilder::place_output(ValueId id, const TensorForm& form, std::size_t storage) {
  storages_[storage].last_use = std::max(storages_[storage].last_use, last_use(id));
  return locations_[{id, form.layout}] = {form, storage};
}

void PlanBuilder::place_inputs() {
  for (const ValueId id : required_inputs(shaped_.graph())) {
    const auto form = shaped_.form(id);
    ExecutionPlan::Port port{.dynamic_index = static_cast<std::size_t>(id)};
    if (form) {
      const Location& place = place_output(id, *form, add_storage(Home::outside, byte_size(*form)));
      port.form = *form;
      port.slot = storages_[place.storage].slot;
    }
    plan_.inputs_.push_back(std::move(port));
  }
}

PlanBuilder::Location& PlanBuilder::place_constant(ValueId id, Layout layout) {
  const Tensor tensor = reordered(shaped_.constant(id).value(), layout);
  const std::size_t storage = add_storage(Home::outside, 0);
  plan_.constants_.push_back(tensor);
  storages_[storage].slot->data = const_cast<std::byte*>(tensor.bytes().data());
  return place_output(id, {tensor.dtype(), tensor.dims(), layout}, storage);
}

PlanBuilder::Location& PlanBuilder::locate_any(ValueId id) {
  for (const Layout layout : {Layout::channels_last, Layout::plain})
    if (const auto found = locations_.find({id, layout}); found != locations_.end()) return found->second;
  return place_constant(id, Layout::plain);
}

PlanBuilder::Location& PlanBuilder::locate(ValueId id, Layout layout) {
  if (const auto found = locations_.find({id, layout}); found != locations_.end()) return found->second;
  if (shaped_.is_constant(id)) return place_constant(id, layout);
  const Location from = locate_any(id);
  TensorForm form = from.form;
  form.layout = layout;
  if (lies_as(from.form, layout)) return place_output(id, form, from.storage);
  const std::size_t storage = add_storage(Home::arena, byte_size(form));
  Location& to = place_output(id, form, storage);
  append_reorder(from, to, shaped_.graph().name_of(id));
  return to;
}

void PlanBuilder::keep_alive(std::size_t storage) {
  storages_[storage].life.last = std::max(storages_[storage].life.last, steps_.size());
}

void PlanBuilder::append_reorder(const Location& from, const Location& to, std::string label) {
  keep_alive(from.storage);
  keep_alive(to.storage);
  Slot* source = storages_[from.storage].slot;
  Slot* target = storages_[to.storage].slot;
  steps_.push_back(
      {.node = std::move(label), .label = "Reorder", .bind = [=, a = from.form, b = to.form](Slot*) {
         return bind_reorder(a, source, b, target);
       }});
}

void PlanBuilder::add_task(const ChosenTask& chosen) {
  if (chosen.kernel)
    add_kernel(chosen.task, *chosen.kernel);
  else
    add_fallback(chosen.task);
}

void PlanBuilder::add_fallback(const Task& task) {
  FallbackCall call{
      .graph = *plan_.graph_, .node = plan_.graph_->node(task.node->id), .dynamic = plan_.dynamic_};
  std::vector<std::size_t> used;
  const auto describe = [&](ValueId id, bool is_input) {
    FallbackOperand operand{.is_present = id != ValueId::none};
    if (!operand.is_present) return operand;
    operand.dynamic_index = static_cast<std::size_t>(id);
    const auto form = shaped_.form(id);
    operand.is_dynamic = !form;
    if (operand.is_dynamic) {
      if (const auto constant = shaped_.constant(id)) plan_.dynamic_[operand.dynamic_index] = *constant;
      return operand;
    }
    const Location place = is_input ? locate(id, Layout::plain)
                                    : place_output(id, *form, add_storage(Home::arena, byte_size(*form)));
    operand.form = *form;
    operand.slot = storages_[place.storage].slot;
    used.push_back(place.storage);
    return operand;
  };
  for (const ValueId id : task.inputs) call.inputs.push_back(describe(id, true));
  for (const ValueId id : task.outputs) call.outputs.push_back(describe(id, false));
  for (const std::size_t storage : used) keep_alive(storage);
  steps_.push_back({.node = title(shaped_.graph(), task),
                    .label = task.label,
                    .bind = [call, threads = options_.thread_count](Slot*) {
                      return call.node.is("If") ? bind_if(call, threads) : bind_fallback(call);
                    }});
}

// The memory may be written over: it is in the arena, and this task reads it last.
bool PlanBuilder::can_take_over(const Location& place) const {
  const Storage& storage = storages_[place.storage];
  return storage.home == Home::arena && storage.last_use <= current_task_;
}

// The addend's memory, where the sum will lie; a copy of it if others still read it, or the operator itself.
std::size_t PlanBuilder::storage_of_addend(const KernelCall& call, const TensorForm& form) {
  const ValueId addend = call.task.addend;
  const Location place = locate(addend, form.layout);
  const Slot* slot = storages_[place.storage].slot;
  const bool is_read = std::any_of(call.inputs.begin(), call.inputs.end(),
                                   [&](const TaskOperand& input) { return input.slot == slot; });
  if (can_take_over(place) && !is_read) return place.storage;
  const Location copy{form, add_storage(Home::arena, byte_size(form))};
  append_reorder(place, copy, shaped_.graph().name_of(addend));
  return copy.storage;
}

std::size_t PlanBuilder::storage_for_output(const KernelCall& call, const Kernel& kernel,
                                            const TensorForm& form) {
  const Task& task = call.task;
  if (task.addend != ValueId::none) return storage_of_addend(call, form);
  for (const int index : kernel.in_place_inputs) {
    const auto i = static_cast<std::size_t>(index);
    if (!call.has_input(i) || call.inputs[i].is_constant() || call.inputs[i].form.dims != form.dims) continue;
    if (byte_size(call.inputs[i].form) != byte_size(form) || call.inputs[i].form.layout != form.layout)
      continue;
    const Location place = locate(task.inputs[i], form.layout);
    if (can_take_over(place)) return place.storage;
  }
  return add_storage(Home::arena, byte_size(form));
}

void PlanBuilder::add_view(const KernelCall& call) {
  const std::size_t storage = locate(call.task.inputs[0], call.inputs[0].form.layout).storage;
  place_output(call.task.outputs[0], call.outputs[0].form, storage);
}

void PlanBuilder::add_kernel(const Task& task, const Kernel& kernel) {
  auto call = std::make_shared<KernelCall>(
      call_of(shaped_, tasks_[current_task_].task, options_.thread_count).value());
  for (std::size_t i = 0; i < call->inputs.size(); ++i)
    if (call->inputs[i].is_present && !call->inputs[i].is_constant() && kernel.reads(i))
      call->inputs[i].form = locate_any(task.inputs[i]).form;
  Layouts layouts = kernel.choose_layouts ? kernel.choose_layouts(*call) : plain_layouts(*call);
  // A node may have more operands than its operator takes.
  layouts.inputs.resize(call->inputs.size(), Layout::plain);
  layouts.outputs.resize(call->outputs.size(), Layout::plain);
  std::vector<std::size_t> used;
  for (std::size_t i = 0; i < call->inputs.size(); ++i) {
    TaskOperand& input = call->inputs[i];
    if (!input.is_present || !kernel.reads(i)) continue;
    if (!input.is_constant()) {
      const Location place = locate(task.inputs[i], layouts.inputs[i]);
      used.push_back(place.storage);
      input.slot = storages_[place.storage].slot;
    }
    input.form.layout = layouts.inputs[i];
  }
  for (std::size_t i = 0; i < call->outputs.size(); ++i) call->outputs[i].form.layout = layouts.outputs[i];
  if (kernel.is_view) return add_view(*call);
  for (std::size_t i = 0; i < call->outputs.size(); ++i) {
    TaskOperand& output = call->outputs[i];
    if (!output.is_present) continue;
    const std::size_t storage = i == 0 ? storage_for_output(*call, kernel, output.form)
                                       : add_storage(Home::arena, byte_size(output.form));
    place_output(task.outputs[i], output.form, storage);
    output.slot = storages_[storage].slot;
    used.push_back(storage);
  }
  for (const std::size_t storage : used) keep_alive(storage);
  steps_.push_back(
      {.node = title(shaped_.graph(), task), .label = task.label, .bind = [call, &kernel](Slot* scratch) {
         call->scratch = scratch;
         return kernel.bind(*call);
       }});
}

void PlanBuilder::add_outputs() {
  for (const ValueId id : shaped_.graph().outputs()) {
    ExecutionPlan::Port port{.dynamic_index = static_cast<std::size_t>(id), .constant = shaped_.constant(id)};
    if (const auto form = shaped_.form(id); form && !port.constant) {
      const Location place = locate(id, Layout::plain);
      port.form = *form;
      port.slot = storages_[place.storage].slot;
      storages_[place.storage].life.last = never_ends;
    }
    plan_.outputs_.push_back(std::move(port));
  }
}

void PlanBuilder::place_arena() {
  std::vector<Lifetime> blocks;
  std::vector<Slot*> slots;
  for (const Storage& storage : storages_)
    if (storage.home == Home::arena) {
      blocks.push_back(storage.life);
      slots.push_back(storage.slot);
    }
  const MemoryPlan memory = plan_memory(blocks);
  plan_.arena_bytes_ = memory.bytes;
  plan_.arena_ = ExecutionPlan::allocate(memory.bytes);
  for (std::size_t i = 0; i < slots.size(); ++i) slots[i]->data = plan_.arena_.get() + memory.offsets[i];
}

void PlanBuilder::bind_steps() {
  Slot* scratch = &plan_.slots_.emplace_back();
  std::size_t scratch_bytes = 0;
  for (const PendingStep& step : steps_) {
    BoundStep bound = step.bind(scratch);
    scratch_bytes = std::max(scratch_bytes, bound.scratch_bytes);
    plan_.steps_.push_back({.bound = std::move(bound), .node = step.node, .label = step.label});
  }
  plan_.scratch_ = ExecutionPlan::allocate(scratch_bytes);
  scratch->data = plan_.scratch_.get();
}

}  // namespace edgeopt
