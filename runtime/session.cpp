// The native engine's sessions: a plan per dims of the inputs, made at their first run.
#include <fmt/format.h>

#include <list>
#include <mutex>

#include "ir/evaluate.h"
#include "ir/op.h"
#include "runtime/engine.h"
#include "runtime/plan.h"
#include "support/error.h"
#include "support/parallel.h"

namespace edgeopt {
namespace {

// Batch sizes in turn (a full batch, the rest, single samples) stay planned; more would only hold memory.
constexpr std::size_t most_plans = 4;

void require_runnable(const Graph& graph) {
  for (const NodeId id : graph.nodes()) {
    const Node& node = graph.node(id);
    if (const OpDefinition* op = find_op(node); !op || !op->evaluate)
      throw UserError(fmt::format("node '{}': operator '{}' of domain '{}' is not one that edgeopt can run",
                                  node.name, node.op_type, node.domain.empty() ? "ai.onnx" : node.domain));
  }
}

bool agrees(const ValueType& declared, const Tensor& tensor) {
  if (declared.dtype != DataType::undefined && declared.dtype != tensor.dtype()) return false;
  if (!declared.shape) return true;
  if (declared.shape->size() != tensor.rank()) return false;
  for (std::size_t i = 0; i < tensor.rank(); ++i)
    if (const Dim& dim = (*declared.shape)[i]; dim.is_number() && dim.size != tensor.dims()[i]) return false;
  return true;
}

class NativeSession : public Session {
 public:
  NativeSession(const Graph& graph, const CompileOptions& options)
      : graph_(graph), inputs_(required_inputs(graph)), options_(options) {
    require_runnable(graph);
  }

  Tensors run(const Tensors& inputs) override {
    check(inputs);
    return plan_for(inputs).run(inputs);
  }

  std::vector<NodeTime> node_times() const override {
    return plans_.empty() ? std::vector<NodeTime>{} : plans_.front().plan->node_times();
  }

  std::size_t arena_bytes() const override { return plans_.empty() ? 0 : plans_.front().plan->arena_bytes(); }

 private:
  struct PlanOfDims {
    std::vector<Dims> dims;
    std::unique_ptr<ExecutionPlan> plan;
    bool fits(const Tensors& inputs) const {
      for (std::size_t i = 0; i < inputs.size(); ++i)
        if (dims[i] != inputs[i].dims()) return false;
      return true;
    }
  };

  void check(const Tensors& inputs) const {
    if (inputs.size() != inputs_.size())
      throw UserError(
          fmt::format("the model has {} inputs, but {} are given", inputs_.size(), inputs.size()));
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const Value& value = graph_.value(inputs_[i]);
      if (!agrees(value.type, inputs[i]))
        throw UserError(fmt::format("input '{}' is {} {}, but the model wants {} {}", value.name,
                                    name_of(inputs[i].dtype()), to_string(inputs[i].dims()),
                                    name_of(value.type.dtype),
                                    value.type.shape ? to_string(*value.type.shape) : "of any shape"));
    }
  }

  // The most recently used plan is the first.
  ExecutionPlan& plan_for(const Tensors& inputs) {
    for (auto entry = plans_.begin(); entry != plans_.end(); ++entry)
      if (entry->fits(inputs)) {
        plans_.splice(plans_.begin(), plans_, entry);
        return *plans_.front().plan;
      }
    PlanOfDims made;
    for (const Tensor& input : inputs) made.dims.push_back(input.dims());
    made.plan = std::make_unique<ExecutionPlan>(graph_, made.dims, options_);
    plans_.push_front(std::move(made));
    if (plans_.size() > most_plans) plans_.pop_back();
    return *plans_.front().plan;
  }

  Graph graph_;
  std::vector<ValueId> inputs_;
  CompileOptions options_;
  std::list<PlanOfDims> plans_;
};

}  // namespace

std::unique_ptr<Session> compile(const Graph& graph, const CompileOptions& options) {
  return std::make_unique<NativeSession>(graph, options);
}

struct SessionPool::State {
  Graph graph;
  std::vector<std::unique_ptr<Session>> sessions = {};
  std::mutex lock = {};
};

SessionPool::SessionPool(const Graph& graph) : state_(new State{.graph = graph}) {
  state_->sessions.resize(static_cast<std::size_t>(thread_count()));
}

SessionPool::~SessionPool() = default;

Session& SessionPool::session(int worker) {
  const std::scoped_lock guard(state_->lock);
  if (static_cast<std::size_t>(worker) >= state_->sessions.size())
    state_->sessions.resize(static_cast<std::size_t>(worker) + 1);
  std::unique_ptr<Session>& session = state_->sessions[static_cast<std::size_t>(worker)];
  if (!session) session = compile(state_->graph, {.thread_count = 1});
  return *session;
}

}  // namespace edgeopt
