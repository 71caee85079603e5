// How long one run takes on this machine.
#include "recipes/latency.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>

namespace edgeopt {
namespace {

using Clock = std::chrono::steady_clock;

// Runs of one model in a row before the next has its turn: few enough for drift to hit all alike, many enough
// for its weights to be in the cache again after the first.
constexpr int block_length = 10;

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

void add_node_times(const Session& session, std::vector<NodeTime>& totals) {
  const std::vector<NodeTime> times = session.node_times();
  if (totals.empty()) totals.resize(times.size());
  for (std::size_t i = 0; i < times.size() && i < totals.size(); ++i) {
    const double total = totals[i].time_ms + times[i].time_ms;
    totals[i] = times[i];
    totals[i].time_ms = total;
  }
}

// The first run of a block finds other data in the caches, and is not counted.
void run_block(Session& session, const Tensors& inputs, Latency& latency, int count) {
  session.run(inputs);
  for (int i = 0; i < count; ++i) {
    const Clock::time_point start = Clock::now();
    session.run(inputs);
    latency.times_ms.push_back(milliseconds_since(start));
    add_node_times(session, latency.nodes);
  }
}

}  // namespace

std::vector<Latency> measure_latency(const std::vector<const Graph*>& graphs, const Tensors& inputs,
                                     const LatencyOptions& options) {
  std::vector<std::unique_ptr<Session>> sessions;
  sessions.reserve(graphs.size());
  for (const Graph* graph : graphs)
    sessions.push_back(
        compile(*graph, {.thread_count = options.thread_count, .is_profiled = options.with_node_times}));
  std::vector<Latency> latencies(
      graphs.size(), {.warmup_count = options.warmup_count, .thread_count = options.thread_count});
  const Clock::time_point start = Clock::now();
  for (const auto& session : sessions)
    for (int i = 0; i < std::max(1, options.warmup_count); ++i) session->run(inputs);

  for (int done = 0; done < options.run_count; done += block_length) {
    if (done >= options.fewest_runs && milliseconds_since(start) > options.longest_ms) break;
    for (std::size_t k = 0; k < sessions.size(); ++k)
      run_block(*sessions[k], inputs, latencies[k], std::min(block_length, options.run_count - done));
    report_progress(options.progress, "measuring latency", done, options.run_count);
  }
  for (std::size_t k = 0; k < sessions.size(); ++k) {
    latencies[k].arena_bytes = sessions[k]->arena_bytes();
    const auto run_count = static_cast<double>(latencies[k].times_ms.size());
    for (NodeTime& node : latencies[k].nodes) node.time_ms /= run_count;
  }
  return latencies;
}

double percentile_of(std::vector<double> numbers, double percent) {
  if (numbers.empty()) return 0;
  std::sort(numbers.begin(), numbers.end());
  const double place = percent / 100 * static_cast<double>(numbers.size() - 1);
  const auto below = static_cast<std::size_t>(std::floor(place));
  const std::size_t above = std::min(below + 1, numbers.size() - 1);
  return numbers[below] + (place - static_cast<double>(below)) * (numbers[above] - numbers[below]);
}

}  // namespace edgeopt
