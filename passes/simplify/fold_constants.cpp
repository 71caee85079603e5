// f(constant, constant) -> constant, by the operator's own definition.
#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "ir/evaluate.h"
#include "ir/op.h"
#include "ir/rules/subgraph_rules.h"
#include "passes/framework/fold_values.h"
#include "passes/framework/rewrite.h"
#include "support/error.h"

namespace edgeopt {
namespace {

// A result may be this much larger than what it is computed from; beyond, the file grows more than the saved
// work is worth (ConstantOfShape, Expand, Tile). 1 MiB is ours: below the size of any of the sample models.
constexpr std::int64_t largest_growth_bytes = std::int64_t{1} << 20;
// Above this the slow definition would take more than about a second.
constexpr std::int64_t most_multiply_adds = 500'000'000;

using Known = std::unordered_map<std::int32_t, Tensor>;

std::optional<Tensor> constant_of(const Graph& graph, const Known& known, ValueId id) {
  if (const auto found = known.find(static_cast<std::int32_t>(id)); found != known.end())
    return found->second;
  return graph.constant(id);
}

// The node's inputs if all of them are constant.
std::optional<Tensors> constant_inputs(const Graph& graph, const Known& known, const Node& node) {
  Tensors inputs;
  for (const ValueId input : node.inputs) {
    if (input == ValueId::none) {
      inputs.emplace_back();
      continue;
    }
    std::optional<Tensor> tensor = constant_of(graph, known, input);
    if (!tensor) return std::nullopt;
    inputs.push_back(std::move(*tensor));
  }
  return inputs;
}

std::int64_t bytes_of(const Tensor& tensor) { return static_cast<std::int64_t>(tensor.bytes().size()); }

// The bytes of the outputs as far as their types tell; an unknown shape counts as nothing.
std::int64_t inferred_bytes(const Graph& graph, const Node& node) {
  std::int64_t total = 0;
  for (const ValueId output : node.outputs) {
    if (output == ValueId::none) continue;
    const ValueType& type = graph.type_of(output);
    const std::optional<Dims> dims = type.shape ? static_dims(*type.shape) : std::nullopt;
    if (dims) total += static_cast<std::int64_t>(byte_count(type.dtype, element_count(*dims)));
  }
  return total;
}

bool is_too_much_work(const Graph& graph, const Node& node, const OpDefinition& op) {
  if (!op.count_cost) return false;
  const std::vector<Operand> inputs = operands_of(graph, node);
  std::vector<Operand> outputs;
  for (const ValueId output : node.outputs)
    outputs.push_back(output == ValueId::none ? Operand{.is_present = false}
                                              : Operand{.type = graph.type_of(output)});
  const InferCall call{.node = node, .opset = graph.opset(node.domain), .inputs = inputs};
  const auto is_open = [](const Operand& operand) { return operand.is_present && !operand.has_shape(); };
  if (std::ranges::any_of(inputs, is_open) || std::ranges::any_of(outputs, is_open)) return false;
  return op.count_cost(call, outputs).multiply_adds > most_multiply_adds;
}

// Why a node of constant inputs is not folded; empty if it is.
std::string obstacle(const Graph& graph, const Node& node, const OpDefinition* op, const Tensors& inputs) {
  if (op && !op->is_deterministic) return fmt::format("{} is random", node.op_type);
  if (!op || !op->evaluate) return fmt::format("edgeopt cannot compute {}", node.op_type);
  if (node.is("DequantizeLinear")) return "the constant is quantized on purpose";
  if (has_subgraph(node)) return "the node has subgraphs";
  std::int64_t input_bytes = 0;
  for (const Tensor& input : inputs) input_bytes += input.dtype() == DataType::string ? 0 : bytes_of(input);
  if (inferred_bytes(graph, node) > input_bytes + largest_growth_bytes)
    return "the result would be much larger than what it is computed from";
  if (is_too_much_work(graph, node, *op)) return "computing it here would take too long";
  return "";
}

Sweep fold_constants(const Graph& graph) {
  DeclineCounts declined;
  FoldedValues folded;
  Known known;
  for (const NodeId id : graph.nodes()) {
    const Node& node = graph.node(id);
    if (node.is("Constant") || is_constant_output(graph, node)) continue;
    const std::optional<Tensors> inputs = constant_inputs(graph, known, node);
    if (!inputs) continue;
    if (const std::string why = obstacle(graph, node, find_op(node), *inputs); !why.empty()) {
      count_decline(declined, why);
      continue;
    }
    const Tensors results = while_doing(fmt::format("node '{}' ({})", node.name, node.op_type),
                                        [&] { return evaluate_node(graph, node, *inputs); });
    for (std::size_t i = 0; i < std::min(results.size(), node.outputs.size()); ++i) {
      if (node.outputs[i] == ValueId::none) continue;
      known[static_cast<std::int32_t>(node.outputs[i])] = results[i];
      folded.emplace_back(node.outputs[i], results[i]);
    }
  }
  Sweep sweep = fold_values(graph, folded);
  sweep.declined = std::move(declined);
  return sweep;
}

}  // namespace

Pass fold_constants_pass() {
  return sweep_pass("fold_constants",
                    {.summary = "Compute now what depends on constants alone.", .sweep = fold_constants});
}

}  // namespace edgeopt
