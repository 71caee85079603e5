// Latency distribution, memory and per-operator time of one model on this machine.
#include <fmt/format.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>

#include "ir/onnx/onnx.h"
#include "recipes/comparison.h"
#include "recipes/latency.h"
#include "reports/provenance.h"
#include "reports/tables.h"
#include "reports/write.h"
#include "support/error.h"
#include "tools/command.h"
#include "tools/data_options.h"
#include "tools/describe.h"
#include "tools/model_options.h"
#include "tools/option_checks.h"

namespace edgeopt {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::string model;
  std::string engine = "native";
  int run_count = 100;
  int warmup_count = 10;
  bool shows_nodes = false;
  DataOptions data;
};

void declare(CLI::App& app, Options& options) {
  declare_model(app, options.model);
  app.add_option("--engine", options.engine, "What runs it")
      ->check(one_of({"native", "onnxruntime"}))
      ->capture_default_str();
  app.add_option("--runs", options.run_count, "Runs to measure")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  app.add_option("--warmup", options.warmup_count, "Runs before that are not counted")
      ->check(CLI::Range(0, 100000))
      ->capture_default_str();
  app.add_flag("--per-node", options.shows_nodes, "Show the time of every node");
  declare_data_options(app, options.data, "Run on the first of these samples instead of random numbers");
}

Tensors inputs_of(const Options& options, const Graph& graph, const RunContext& context) {
  if (!options.data.data.empty()) return open_data(options.data, graph, context).read(0).inputs;
  const ComparisonSet random = comparison_on_random(graph, 1, context.seed);
  if (random.missing_because) throw UserError(*random.missing_because);
  return random.inputs.front();
}

std::uint64_t peak_memory_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;  // Linux counts in KiB
}

Table node_table(const Latency& latency) {
  Table table{.header = {"node", "operator", "time", "share"}};
  double total = 0;
  for (const NodeTime& node : latency.nodes) total += node.time_ms;
  for (const NodeTime& node : latency.nodes)
    table.rows.push_back({node.node, node.op_type, fmt::format("{:.4f} ms", node.time_ms),
                          fmt::format("{:.1f} %", total > 0 ? 100 * node.time_ms / total : 0)});
  return table;
}

Answer describe(const Options& options, const Latency& latency, const RunContext& context) {
  const auto at = [&](double percent) { return percentile_of(latency.times_ms, percent); };
  const double mean = std::accumulate(latency.times_ms.begin(), latency.times_ms.end(), 0.0) /
                      static_cast<double>(latency.times_ms.size());
  std::string text = fmt::format(
      "{}: median {:.3f} ms, 5 to 95 percent of runs {:.3f} to {:.3f} ms, fastest {:.3f} ms\n"
      "  {} engine, {} thread{}, {} runs after {} to warm up\n  activations {}, process at its peak {}\n",
      options.model, at(50), at(5), at(95), at(0), options.engine, latency.thread_count,
      latency.thread_count == 1 ? "" : "s", latency.times_ms.size(), latency.warmup_count,
      human_bytes(latency.arena_bytes), human_bytes(peak_memory_bytes()));
  const Machine machine = this_machine();
  Json json = {{"model", options.model},
               {"engine", options.engine},
               {"thread_count", latency.thread_count},
               {"warmup_count", latency.warmup_count},
               {"seed", context.seed},
               {"median_ms", at(50)},
               {"mean_ms", mean},
               {"min_ms", at(0)},
               {"p5_ms", at(5)},
               {"p95_ms", at(95)},
               {"arena_bytes", latency.arena_bytes},
               {"peak_memory_bytes", peak_memory_bytes()},
               {"cpu_model", machine.cpu_model},
               {"times_ms", latency.times_ms}};
  if (options.shows_nodes) {
    text += "\nnodes:\n" + to_text(node_table(latency));
    json["nodes"] = Json::array();
    for (const NodeTime& node : latency.nodes)
      json["nodes"].push_back({{"node", node.node}, {"op_type", node.op_type}, {"time_ms", node.time_ms}});
  }
  return {.text = text, .json = json.dump(2, ' ', false, Json::error_handler_t::replace)};
}

Answer run(const Options& options, const RunContext& context) {
  if (options.engine == "onnxruntime")
    throw UserError("--engine onnxruntime is not built into this edgeopt; use --engine native");
  const Graph graph = load_model(options.model);
  const Tensors inputs = inputs_of(options, graph, context);
  const std::vector<Latency> latencies = measure_latency({&graph}, inputs,
                                                         {.thread_count = context.timed_thread_count,
                                                          .run_count = options.run_count,
                                                          .warmup_count = options.warmup_count,
                                                          .with_node_times = options.shows_nodes,
                                                          .progress = context.progress});
  return describe(options, latencies.front(), context);
}

}  // namespace

Command bench_command() {
  return command<Options>({
      .name = "bench",
      .summary = "Measure a model's latency as a distribution, its memory, and the time of every node.",
      .examples = "  edgeopt bench model.onnx --threads 1\n"
                  "  edgeopt bench model.onnx --per-node            which layer costs what\n"
                  "  edgeopt bench model.onnx --runs 500 --json -   with every single time\n",
      .declare = declare,
      .run = run,
  });
}

}  // namespace edgeopt
