// Samples per second of training steps in the native engine: forward, backward, all gradients of weights, and
// the update of stochastic gradient descent. bench/training.py runs it beside PyTorch.
//   edgeopt_bench MODEL [--batch N] [--shard N] [--threads N] [--seconds S] [--profile]
// prints one line of JSON: samples per second over all steps, of the fastest step, and per second of
// processor time (on a machine that does other things too, only the last says much); with --profile every
// kind of step's time.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <limits>
#include <map>

#include "ir/edit.h"
#include "ir/evaluate.h"
#include "ir/gradient/gradient.h"
#include "ir/infer.h"
#include "ir/onnx/onnx.h"
#include "passes/framework/pipeline.h"
#include "runtime/engine.h"
#include "runtime/kernel.h"
#include "support/error.h"
#include "support/parallel.h"
#include "support/random.h"

namespace edgeopt {
namespace {

struct Options {
  std::filesystem::path model;
  std::int64_t batch = 64;
  std::int64_t shard = 8;
  int threads = 2;
  double seconds = 5;
  bool is_profiled = false;
};

/// The graph of one step over a shard: inputs x, targets, parameters; outputs loss, then the parameters'
/// gradients.
struct Step {
  Graph graph;
  Tensors parameters;
};

bool is_trained(const Graph& graph, ValueId id) {
  const auto constant = graph.constant(id);
  return constant && constant->dtype() == DataType::float32 && constant->rank() > 0;
}

// The constants that layers read become inputs.
Tensors free_parameters(const Graph& graph, Edit& edit, std::vector<ValueId>& inputs) {
  Tensors parameters;
  std::map<ValueId, ValueId> freed;
  for (const NodeId id : graph.nodes()) {
    const Node& node = graph.node(id);
    if (!node.is("Conv") && !node.is("Gemm") && !node.is("MatMul")) continue;
    for (std::size_t i = 1; i < node.inputs.size(); ++i) {
      const ValueId value = node.inputs[i];
      if (value == ValueId::none || !is_trained(graph, value)) continue;
      if (!freed.contains(value)) {
        const Tensor tensor = *graph.constant(value);
        freed[value] = edit.add_input(fmt::format("parameter_{}", parameters.size()),
                                      {.dtype = tensor.dtype(), .shape = to_shape(tensor.dims())});
        inputs.push_back(freed[value]);
        parameters.push_back(tensor);
      }
      edit.set_input(id, i, freed[value]);
    }
  }
  return parameters;
}

// What the final Softmax reads, before anything that only gives it another shape.
ValueId logits_of(const Graph& graph) {
  ValueId value = graph.outputs()[0];
  for (const char* op : {"Reshape", "Softmax", "Flatten", "Reshape"})
    if (const Node* node = graph.producer(value, op)) value = node->inputs[0];
  return value;
}

// Without what stands behind the logits, which may be of one batch size alone.
Graph up_to_logits(const Graph& model) {
  Edit edit(model);
  const ValueId logits = logits_of(model);
  for (std::size_t i = model.outputs().size(); i-- > 0;) edit.remove_output(i);
  edit.add_output(logits);
  return run_pipeline(pipeline_of("remove_unused_nodes"), edit.apply(), {}).graph;
}

Step step_of(const Graph& model, std::int64_t shard) {
  Edit batched(model);
  // The file may state types for one batch size.
  for (const ValueId id : model.values())
    if (model.producer(id)) batched.set_type(id, {}, false);
  ValueType type = model.type_of(required_inputs(model)[0]);
  (*type.shape)[0] = Dim(shard);
  batched.set_type(required_inputs(model)[0], type, true);
  const Graph sized = with_inferred_types(batched.apply());

  Edit edit(sized);
  const ValueId logits = sized.outputs()[0];
  const ValueId wanted = edit.add_input("targets", sized.type_of(logits));
  std::vector<ValueId> parameters;
  Step step{.parameters = free_parameters(sized, edit, parameters)};
  const ValueId logarithms = edit.add_node("LogSoftmax", {logits}, {{"axis", 1}});
  const ValueId products = edit.add_node("Mul", {wanted, logarithms});
  const ValueId loss = edit.add_node("Neg", {edit.add_node("ReduceSum", {products}, {{"keepdims", 0}})});
  for (std::size_t i = sized.outputs().size(); i-- > 0;) edit.remove_output(i);
  edit.add_output(loss);
  step.graph = gradient(with_inferred_types(edit.apply()), std::vector{loss}, parameters);
  return step;
}

Tensor random_tensor(const Dims& dims, std::uint64_t seed) {
  RandomStream random(seed, "training benchmark");
  Tensor tensor(DataType::float32, dims);
  for (float& element : tensor.mutable_data<float>()) element = static_cast<float>(random.normal());
  return tensor;
}

Tensor random_targets(const Dims& dims, std::uint64_t seed) {
  RandomStream random(seed, "training benchmark targets");
  Tensor tensor(DataType::float32, dims);
  const std::int64_t classes = dims.back();
  for (std::int64_t i = 0; i < tensor.element_count() / classes; ++i)
    tensor.mutable_data<float>()[static_cast<std::size_t>(
        i * classes + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(classes))))] = 1;
  return tensor;
}

class Trainer {
 public:
  Trainer(const Graph& model, const Options& options)
      : options_(options), step_(step_of(model, options.shard)) {
    for (int i = 0; i < options.threads; ++i)
      sessions_.push_back(compile(step_.graph, {.is_profiled = options.is_profiled}));
    const std::vector<ValueId> inputs = required_inputs(step_.graph);
    for (std::int64_t i = 0; i < options.batch / options.shard; ++i) {
      const auto seed = static_cast<std::uint64_t>(i);
      shards_.push_back({random_tensor(step_.graph.static_dims_of(inputs[0]).value(), seed),
                         random_targets(step_.graph.static_dims_of(inputs[1]).value(), seed)});
    }
  }

  double run_step() {
    std::vector<Tensors> results(shards_.size());
    parallel_for(static_cast<std::int64_t>(shards_.size()), [&](std::int64_t i, int worker) {
      Tensors inputs = shards_[static_cast<std::size_t>(i)];
      inputs.insert(inputs.end(), step_.parameters.begin(), step_.parameters.end());
      results[static_cast<std::size_t>(i)] = sessions_[static_cast<std::size_t>(worker)]->run(inputs);
    });
    update(results);
    double loss = 0;
    for (const Tensors& result : results) loss += to_double(result[0]);
    return loss / static_cast<double>(options_.batch);
  }

  /// The fastest of all runs for every step: what the step takes when nobody disturbs it.
  void keep_fastest() {
    const std::vector<NodeTime> times = sessions_[0]->node_times();
    fastest_.resize(times.size());
    for (std::size_t i = 0; i < times.size(); ++i)
      if (fastest_[i].op_type.empty() || times[i].time_ms < fastest_[i].time_ms) fastest_[i] = times[i];
  }
  const std::vector<NodeTime>& fastest() const { return fastest_; }
  const Session& session() const { return *sessions_[0]; }
  const Step& step() const { return step_; }
  Tensors inputs() const {
    Tensors inputs = shards_[0];
    inputs.insert(inputs.end(), step_.parameters.begin(), step_.parameters.end());
    return inputs;
  }

 private:
  void update(const std::vector<Tensors>& results) {
    const float rate = 1e-3F / static_cast<float>(options_.batch);
    for (std::size_t k = 0; k < step_.parameters.size(); ++k) {
      const auto parameter = step_.parameters[k].mutable_data<float>();
      for (const Tensors& result : results) {
        const auto gradient = result[k + 1].data<float>();
        for (std::size_t i = 0; i < parameter.size(); ++i) parameter[i] -= rate * gradient[i];
      }
    }
  }

  Options options_;
  Step step_;
  std::vector<std::unique_ptr<Session>> sessions_;
  std::vector<Tensors> shards_;
  std::vector<NodeTime> fastest_;
};

void print_profile(const Trainer& trainer) {
  std::map<std::string, std::pair<double, int>> by_kind;
  double total = 0;
  for (const NodeTime& time : trainer.fastest()) {
    by_kind[time.op_type].first += time.time_ms;
    ++by_kind[time.op_type].second;
    total += time.time_ms;
  }
  std::vector<std::pair<double, std::string>> order;
  for (const auto& [kind, entry] : by_kind) order.emplace_back(-entry.first, kind);
  std::sort(order.begin(), order.end());
  for (const auto& [time, kind] : order)
    fmt::print("{:8.3f} ms {:5.1f} % {:4} {}\n", -time, -100 * time / total, by_kind[kind].second, kind);
  const auto kernels = executed_kernels(trainer.step().graph, trainer.inputs());
  fmt::print("{:8.3f} ms in {} steps, {} of them by the slow evaluation; arena {:.1f} MiB\n", total,
             trainer.fastest().size(), std::count(kernels.begin(), kernels.end(), ""),
             static_cast<double>(trainer.session().arena_bytes()) / (1 << 20));
}

void run(const Options& options) {
  set_thread_count(options.threads);
  const Graph raised = run_pipeline(pipeline_of("raise_opset"), load_model(options.model), {}).graph;
  const Graph model = up_to_logits(run_pipeline(named_pipeline("fuse"), raised, {}).graph);
  Trainer trainer(model, options);
  double loss = trainer.run_step();
  const auto start = std::chrono::steady_clock::now();
  const auto elapsed = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  std::int64_t samples = 0;
  double fastest = std::numeric_limits<double>::infinity();
  const std::clock_t processor_start = std::clock();
  for (; elapsed() < options.seconds; samples += options.batch) {
    const double begin = elapsed();
    loss = trainer.run_step();
    fastest = std::min(fastest, elapsed() - begin);
    if (options.is_profiled) trainer.keep_fastest();
  }
  const double processor = static_cast<double>(std::clock() - processor_start) / CLOCKS_PER_SEC;
  const double rate = static_cast<double>(samples) / elapsed();
  if (options.is_profiled) print_profile(trainer);
  fmt::print(
      "{{\"samples_per_second\": {:.1f}, \"of_fastest_step\": {:.1f}, \"per_processor_second\": {:.1f}, "
      "\"loss\": {:.6g}}}\n",
      rate, static_cast<double>(options.batch) / fastest, static_cast<double>(samples) / processor, loss);
}

}  // namespace
}  // namespace edgeopt

int main(int argc, char** argv) {
  edgeopt::Options options;
  CLI::App app("Times training steps of a classifier");
  app.add_option("model", options.model)->required();
  app.add_option("--batch", options.batch)->check(CLI::PositiveNumber);
  app.add_option("--shard", options.shard)->check(CLI::PositiveNumber);
  app.add_option("--threads", options.threads)->check(CLI::PositiveNumber);
  app.add_option("--seconds", options.seconds);
  app.add_flag("--profile", options.is_profiled);
  CLI11_PARSE(app, argc, argv);
  try {
    edgeopt::run(options);
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
