// Running a model: compile once, run many times. The native engine and ONNX Runtime stand behind one
// interface.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ir/graph.h"
#include "ir/tensor.h"

namespace edgeopt {

struct CompileOptions {
  /// Threads inside one run. 1 when many sessions run side by side on different samples.
  int thread_count = 1;
  /// Keep per-node times, for `edgeopt bench`.
  bool is_profiled = false;
};

/// The time that one node took in the last run.
struct NodeTime {
  std::string node;     // name, or the output's name if it has none
  std::string op_type;  // as executed: "Conv+Relu" where operators were fused
  double time_ms = 0;
};

/// A compiled graph. Not thread-safe: one session per thread. Constants and compiled code are shared between
/// the copies that Engine::compile hands out for one CompiledModel.
class Session {
 public:
  virtual ~Session() = default;
  /// inputs   in the order of required_inputs(graph); dims may change from run to run (the plan is then made
  /// anew) returns  the outputs in the order of graph.outputs() throws   UserError if an input's type or
  /// shape contradicts the graph
  virtual Tensors run(const Tensors& inputs) = 0;
  /// Per-node times of the last run; empty unless compiled with is_profiled.
  virtual std::vector<NodeTime> node_times() const { return {}; }
  /// Bytes of the intermediate values' arena of the current plan; 0 if unknown.
  virtual std::size_t arena_bytes() const { return 0; }
};

/// Compiles for the native engine. Cheap to call again for the same graph: packed constants are shared.
/// throws  UserError naming an operator that cannot be run
std::unique_ptr<Session> compile(const Graph& graph, const CompileOptions& options = {});

/// One session per worker thread over one graph, for running many samples in parallel with the same bytes at
/// any thread count: every sample is computed by one thread alone.
class SessionPool {
 public:
  explicit SessionPool(const Graph& graph);
  ~SessionPool();
  /// The session of a worker of parallel_for (support/parallel.h); compiled at its first use.
  Session& session(int worker);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace edgeopt
