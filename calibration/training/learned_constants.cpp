#include "calibration/training/learned_constants.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "calibration/layers/weight_matrix.h"
#include "ir/gradient/scan_gradient.h"
#include "ir/label.h"
#include "ir/op.h"
#include "ir/rules/subgraph_rules.h"
#include "support/error.h"

namespace edgeopt {
namespace {

bool is_normalization(const Node& node) {
  constexpr std::array names = {"BatchNormalization", "LayerNormalization", "InstanceNormalization",
                                "GroupNormalization"};
  return std::ranges::any_of(names, [&](const char* name) { return node.is(name); });
}

std::optional<ParameterRole> role_at(const Node& node, std::size_t input, const Tensor& constant) {
  if (constant.dtype() != DataType::float32 || constant.element_count() < 2) return std::nullopt;
  if (const OpDefinition* op = find_op(node)) {
    if (op->quantization.weight_input == static_cast<int>(input)) return ParameterRole::weight;
    if (op->quantization.bias_input == static_cast<int>(input)) return ParameterRole::bias;
  }
  if (is_normalization(node) && (input == 1 || input == 2)) return ParameterRole::bias;
  if (node.is("LSTM") || node.is("GRU") || node.is("RNN")) {  // (X, W, R, B, lengths, h, c, P)
    if (input == 1 || input == 2) return ParameterRole::weight;
    if (input == 3 || input == 7) return ParameterRole::bias;
  }
  if (node.is("Add") || node.is("Mul")) return ParameterRole::bias;
  return std::nullopt;
}

/// A graph and what is around it.
struct Scope {
  const Graph& graph;
  SubgraphPath path = {};
  const Scope* outer = nullptr;
  const Node* owner = nullptr;  // in the outer graph
};

struct ValueInScope {
  const Scope* scope = nullptr;
  ValueId value = ValueId::none;
};

// Where a value that may come from around the graph is computed.
ValueInScope origin_of(const Scope& scope, ValueId id) {
  ValueInScope found{&scope, id};
  while (found.scope->graph.value(found.value).is_captured) {
    const Node* owner = found.scope->owner;
    if (!owner) throw InternalError("a subgraph is looked at without the graph around it");
    const std::string& name = found.scope->graph.name_of(found.value);
    const auto& captures = owner->captures;
    const auto capture = std::ranges::find(captures, name, &Capture::name);
    if (capture == captures.end()) throw InternalError("a subgraph reads what its node does not capture");
    found = {found.scope->outer, capture->value};
  }
  return found;
}

// The constants whose elements a value holds; none if it has others too.
std::vector<ValueInScope> sources_of(const Scope& scope, ValueId id) {
  if (id == ValueId::none) return {};
  const ValueInScope origin = origin_of(scope, id);
  if (origin.scope->graph.constant(origin.value)) return {origin};
  const Node* node = origin.scope->graph.producer(origin.value);
  if (!node || !moves_elements(*node)) return {};
  std::vector<ValueInScope> sources;
  const std::size_t count = node->is("Concat") ? node->inputs.size() : 1;
  for (std::size_t i = 0; i < count; ++i) {
    const std::vector<ValueInScope> found = sources_of(*origin.scope, node->inputs[i]);
    if (found.empty()) return {};
    sources.insert(sources.end(), found.begin(), found.end());
  }
  return sources;
}

int channel_axis_of(const Node& node, const Dims& weight) {
  const auto matrix = weight_matrix(node, weight);
  return matrix ? matrix->output_axis : -1;
}

void add_constants_of_layer(const Scope& scope, const Node& node, std::vector<LearnedConstant>& found) {
  for (std::size_t i = 0; i < node.inputs.size(); ++i)
    for (const ValueInScope& source : sources_of(scope, node.inputs[i])) {
      const Graph& graph = source.scope->graph;
      const Tensor constant = *graph.constant(source.value);
      const std::optional<ParameterRole> role = role_at(node, i, constant);
      if (!role) continue;
      const bool is_direct_weight =
          role == ParameterRole::weight && origin_of(scope, node.inputs[i]).value == source.value;
      found.push_back({.path = source.scope->path,
                       .constant = source.value,
                       .name = graph.name_of(source.value),
                       .layer = label_of(scope.graph, node),
                       .role = *role,
                       .value = constant,
                       .channel_axis = is_direct_weight ? channel_axis_of(node, constant.dims()) : -1,
                       .normalizes = is_normalization(node)});
    }
}

bool has_gradient(const Graph& graph, const Node& node) {
  const OpDefinition* op = find_op(node);
  return op && op->gradient && !(node.is("Loop") && loop_gradient_obstacle(graph, node));
}

void add_constants(const Scope& scope, const Node& node, std::vector<LearnedConstant>& found) {
  add_constants_of_layer(scope, node, found);
  if (!has_subgraph(node) || !has_gradient(scope.graph, node)) return;
  for (const auto& [name, attribute] : node.attributes) {
    const auto* subgraph = std::get_if<GraphPtr>(&attribute.data);
    if (!subgraph) continue;
    Scope inner{.graph = **subgraph, .path = scope.path, .outer = &scope, .owner = &node};
    inner.path.push_back({.node = node.id, .attribute = name});
    for (const NodeId id : inner.graph.nodes()) add_constants(inner, inner.graph.node(id), found);
  }
}

}  // namespace

std::vector<LearnedConstant> learned_constants(const Graph& graph, const Node& node) {
  std::vector<LearnedConstant> found;
  add_constants(Scope{.graph = graph}, node, found);
  return found;
}

}  // namespace edgeopt
