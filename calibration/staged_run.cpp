#include "calibration/staged_run.h"

#include <algorithm>
#include <optional>

#include "ir/evaluate.h"
#include "ir/extract.h"
#include "ir/saturated_counts.h"
#include "runtime/engine.h"
#include "support/parallel.h"

namespace edgeopt {
namespace {

// DequantizeLinear is cheap to repeat and four times larger to keep.
bool is_repeated(const Node& node) { return node.is("DequantizeLinear"); }

std::int64_t largest_element_count(const Graph& graph, bool among_integers) {
  std::int64_t largest = 1;
  for (const ValueId id : graph.values()) {
    if (graph.value(id).constant || (among_integers && !graph.producer(id, "QuantizeLinear"))) continue;
    if (const auto& shape = graph.type_of(id).shape) largest = std::max(largest, known_element_count(*shape));
  }
  return largest;
}

// Bytes that one sample takes while it waits for the next layer: of a quantized graph two of the largest
// integers; of a float graph a layer's input and output, a residual, and the output once more.
std::int64_t waiting_bytes(const Graph& graph) {
  const bool is_quantized =
      std::ranges::any_of(graph.nodes(), [&](NodeId id) { return graph.node(id).is("QuantizeLinear"); });
  if (is_quantized) return 2 * largest_element_count(graph, true);
  return saturated_product(4 * static_cast<std::int64_t>(sizeof(float)), largest_element_count(graph, false));
}

}  // namespace

std::int64_t affordable_sample_count(const Graph& graph, std::int64_t largest_memory_bytes) {
  return std::max<std::int64_t>(1, largest_memory_bytes / waiting_bytes(graph));
}

void StagedRun::collect(const Graph& graph, ValueId value, Piece& piece) const {
  if (value == ValueId::none || graph.value(value).constant) return;
  const Node* producer = graph.producer(value);
  if (kept_.contains(value) || !producer) {
    if (std::ranges::find(piece.inputs, value) == piece.inputs.end()) piece.inputs.push_back(value);
    return;
  }
  if (!piece.nodes.insert(producer->id).second) return;
  for (const ValueId input : producer->inputs) collect(graph, input, piece);
  for (const Capture& capture : producer->captures) collect(graph, capture.value, piece);
}

// A repeated node reads only for those who read its results.
bool StagedRun::is_needed_later(const Graph& graph, ValueId value, const std::set<NodeId>& done) const {
  return std::ranges::any_of(graph.uses(value), [&](const Use& use) {
    const Node& reader = graph.node(use.node);
    return is_repeated(reader) ? is_needed_later(graph, reader.outputs[0], done) : !done.contains(use.node);
  });
}

StagedRun::Piece StagedRun::piece_for(const Graph& graph, ValueId target) const {
  Piece piece;
  collect(graph, target, piece);
  const NodeId last = graph.producer(target)->id;
  std::set<NodeId> done = done_;
  for (const NodeId id : piece.nodes)
    if (id != last && !is_repeated(graph.node(id))) done.insert(id);
  for (const NodeId id : graph.nodes()) {
    if (!piece.nodes.contains(id) || id == last || is_repeated(graph.node(id))) continue;
    for (const ValueId output : graph.node(id).outputs)
      if (output != ValueId::none && is_needed_later(graph, output, done)) piece.kept.push_back(output);
  }
  return piece;
}

Tensors StagedRun::inputs_of(const Graph& graph, const Piece& piece, std::int64_t sample) const {
  std::optional<Sample> fresh;
  Tensors inputs;
  for (const ValueId id : piece.inputs) {
    if (const auto found = kept_.find(id); found != kept_.end()) {
      inputs.push_back(found->second[static_cast<std::size_t>(sample)]);
      continue;
    }
    if (!fresh) fresh = samples_.read(sample);
    const std::vector<ValueId> required = required_inputs(graph);
    const auto position = std::ranges::find(required, id) - required.begin();
    inputs.push_back(fresh->inputs.at(static_cast<std::size_t>(position)));
  }
  return inputs;
}

void StagedRun::compute(const Graph& graph, ValueId target,
                        const std::function<void(std::int64_t, const Tensor&)>& visit) {
  if (!graph.producer(target)) {
    const Piece input{.inputs = {target}};
    parallel_for(sample_count_, [&](std::int64_t i, int) { visit(i, inputs_of(graph, input, i)[0]); });
    return;
  }
  const Piece piece = piece_for(graph, target);
  std::vector<ValueId> outputs = {target};
  outputs.insert(outputs.end(), piece.kept.begin(), piece.kept.end());
  const Graph stage = extract(graph, piece.inputs, outputs);
  SessionPool sessions(stage);
  std::map<ValueId, Tensors> fresh;
  for (const ValueId id : piece.kept) fresh[id].resize(static_cast<std::size_t>(sample_count_));
  parallel_for(sample_count_, [&](std::int64_t i, int worker) {
    const Tensors results = sessions.session(worker).run(inputs_of(graph, piece, i));
    visit(i, results[0]);
    for (std::size_t k = 0; k < piece.kept.size(); ++k)
      fresh.at(piece.kept[k])[static_cast<std::size_t>(i)] = results[k + 1];
  });
  for (auto& [id, tensors] : fresh) kept_[id] = std::move(tensors);
  const NodeId last = graph.producer(target)->id;
  for (const NodeId id : piece.nodes)
    if (id != last && !is_repeated(graph.node(id))) done_.insert(id);
  std::erase_if(kept_, [&](const auto& entry) { return !is_needed_later(graph, entry.first, done_); });
}

void StagedRun::look_ahead(const Graph& variant, std::span<const ValueId> targets,
                           const std::function<void(std::int64_t, const Tensors&)>& visit) const {
  Piece piece;
  for (const ValueId target : targets) collect(variant, target, piece);
  SessionPool sessions(extract(variant, piece.inputs, targets));
  parallel_for(sample_count_, [&](std::int64_t i, int worker) {
    visit(i, sessions.session(worker).run(inputs_of(variant, piece, i)));
  });
}

}  // namespace edgeopt
