#include "passes/framework/rewrite.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <unordered_map>

#include "passes/framework/match.h"

namespace edgeopt {
namespace {

using Run = std::function<PassOutcome(const Graph&)>;

PassOutcome run_with_subgraphs(const Graph& graph, const Run& run);

// A subgraph carries its model's opsets, so that plans can ask for them.
Graph with_header_of(const Graph& model, const Graph& subgraph) {
  if (!subgraph.header().opset_imports.empty()) return subgraph;
  Edit edit(subgraph);
  ModelHeader header = subgraph.header();
  header.opset_imports = model.header().opset_imports;
  header.ir_version = model.header().ir_version;
  edit.set_header(std::move(header));
  return edit.apply();
}

void add_outcome(PassOutcome& total, const PassOutcome& part) {
  total.rewrite_count += part.rewrite_count;
  for (const auto& [reason, count] : part.declined) count_decline(total.declined, reason, count);
}

// The attributes with every subgraph rewritten; nothing if no subgraph changed.
std::optional<Attributes> rewrite_subgraphs(const Graph& graph, const Node& node, const Run& run,
                                            PassOutcome& total) {
  std::optional<Attributes> changed;
  for (const auto& [name, attribute] : node.attributes) {
    const auto* subgraph = std::get_if<GraphPtr>(&attribute.data);
    if (!subgraph) continue;
    PassOutcome outcome = run_with_subgraphs(with_header_of(graph, **subgraph), run);
    add_outcome(total, outcome);
    if (outcome.rewrite_count == 0) continue;
    if (!changed) changed = node.attributes;
    Attribute rewritten = attribute;
    rewritten.data = std::make_shared<const Graph>(std::move(outcome.graph));
    changed->set(name, std::move(rewritten));
  }
  return changed;
}

PassOutcome run_with_subgraphs(const Graph& graph, const Run& run) {
  PassOutcome total{.graph = graph};
  std::optional<Edit> edit;
  for (const NodeId id : graph.nodes()) {
    std::optional<Attributes> changed = rewrite_subgraphs(graph, graph.node(id), run, total);
    if (!changed) continue;
    if (!edit) edit.emplace(graph);
    edit->set_attributes(id, *std::move(changed));
  }
  if (edit) total.graph = edit->apply();
  PassOutcome here = run(total.graph);
  add_outcome(total, here);
  total.graph = std::move(here.graph);
  return total;
}

bool is_root(const std::vector<std::string>& roots, const Node& node) {
  if (roots.empty()) return true;
  return node.domain.empty() && std::ranges::find(roots, node.op_type) != roots.end();
}

// One walk over the nodes that were there at its start.
PassOutcome rewrite_once(const Graph& graph, const Rewrite& rewrite) {
  PassOutcome outcome{.graph = graph};
  for (const NodeId id : graph.nodes()) {
    if (!outcome.graph.contains(id) || !is_root(rewrite.roots, outcome.graph.node(id))) continue;
    Plan plan = rewrite.plan(outcome.graph, outcome.graph.node(id));
    if (const auto* declined = std::get_if<Declined>(&plan)) {
      count_decline(outcome.declined, declined->reason);
      continue;
    }
    outcome.graph = std::get<Edit>(plan).apply();
    ++outcome.rewrite_count;
  }
  return outcome;
}

// Repeats `step` until it changes nothing. What it declined counts as of the last time.
PassOutcome repeat(const Graph& graph, const Run& step) {
  PassOutcome total{.graph = graph};
  for (std::size_t left = graph.nodes().size() + 1; left > 0; --left) {
    PassOutcome outcome = step(total.graph);
    total.graph = std::move(outcome.graph);
    total.declined = std::move(outcome.declined);
    total.rewrite_count += outcome.rewrite_count;
    if (outcome.rewrite_count == 0) break;
  }
  return total;
}

Pass repeated_pass(std::string name, std::string summary, Fidelity fidelity, Run step) {
  return {.name = std::move(name),
          .summary = std::move(summary),
          .fidelity = fidelity,
          .run = [step = std::move(step)](const Graph& graph, const PassContext&) {
            return run_with_subgraphs(graph, [&](const Graph& each) { return repeat(each, step); });
          }};
}

Sweep bypass_all(const Graph& graph, const Bypass& bypass) {
  Sweep sweep;
  std::unordered_map<std::int32_t, ValueId> replaced;
  for (const NodeId id : graph.nodes()) {
    const Node& node = graph.node(id);
    if (!is_root(bypass.roots, node) || !node.has_output(0)) continue;
    if (used_output_count(graph, node) > 1) {
      count_decline(sweep.declined, "several of its outputs are used");
      continue;
    }
    const SameValue found = bypass.same_value(graph, node);
    if (const auto* declined = std::get_if<Declined>(&found)) {
      count_decline(sweep.declined, declined->reason);
      continue;
    }
    ValueId same = std::get<ValueId>(found);
    if (const auto earlier = replaced.find(static_cast<std::int32_t>(same)); earlier != replaced.end())
      same = earlier->second;
    const Graph& draft = sweep.edit ? sweep.edit->draft() : graph;
    if (const auto obstacle = obstacle_to_replacing(draft, node.outputs[0], same)) {
      count_decline(sweep.declined, *obstacle);
      continue;
    }
    if (!sweep.edit) sweep.edit.emplace(graph);
    sweep.edit->replace(node.outputs[0], same);
    replaced[static_cast<std::int32_t>(node.outputs[0])] = same;
    ++sweep.rewrite_count;
  }
  return sweep;
}

}  // namespace

Pass rewrite_pass(std::string name, Rewrite rewrite) {
  std::string summary = rewrite.summary;
  const Fidelity fidelity = rewrite.fidelity;
  return repeated_pass(
      std::move(name), std::move(summary), fidelity,
      [rewrite = std::move(rewrite)](const Graph& graph) { return rewrite_once(graph, rewrite); });
}

Pass sweep_pass(std::string name, GraphRewrite rewrite) {
  return repeated_pass(std::move(name), std::move(rewrite.summary), rewrite.fidelity,
                       [sweep = std::move(rewrite.sweep)](const Graph& graph) {
                         Sweep found = sweep(graph);
                         return PassOutcome{.graph = found.edit ? found.edit->apply() : graph,
                                            .rewrite_count = found.edit ? found.rewrite_count : 0,
                                            .declined = std::move(found.declined)};
                       });
}

Pass bypass_pass(std::string name, Bypass bypass) {
  std::string summary = bypass.summary;
  const Fidelity fidelity = bypass.fidelity;
  return sweep_pass(std::move(name), {.summary = std::move(summary),
                                      .fidelity = fidelity,
                                      .sweep = [bypass = std::move(bypass)](const Graph& graph) {
                                        return bypass_all(graph, bypass);
                                      }});
}

}  // namespace edgeopt
