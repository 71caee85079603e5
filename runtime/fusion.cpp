#include "runtime/fusion.h"

#include <algorithm>
#include <limits>
#include <set>
#include <string_view>

namespace edgeopt {
namespace {

// Their kernels end in a loop over the output where a function of one element costs nothing.
const std::set<std::string_view> takes_activations = {
    "Conv", "ConvTranspose", "Gemm", "MatMul", "Add", "Mul", "Sub", "Div", "BatchNormalization"};
const std::set<std::string_view> takes_addend = {"Conv"};
const std::set<std::string_view> plain_activations = {"Relu", "Sigmoid", "Tanh", "HardSwish"};

std::optional<float> bound(const ShapedGraph& shaped, const Node& node, std::size_t index, float otherwise) {
  if (!node.has_input(index)) return otherwise;
  const auto constant = shaped.constant(node.inputs[index]);
  if (!constant || constant->element_count() != 1 || constant->dtype() != DataType::float32)
    return std::nullopt;
  return constant->data<float>()[0];
}

std::optional<Activation> clip_of(const ShapedGraph& shaped, const Node& node) {
  constexpr float largest = std::numeric_limits<float>::infinity();
  // Since opset 11 the bounds are inputs.
  const auto low = bound(shaped, node, 1, node.attributes.get_float("min", -largest));
  const auto high = bound(shaped, node, 2, node.attributes.get_float("max", largest));
  if (!low || !high || *low > *high) return std::nullopt;
  return Activation{"Clip", *low, *high};
}

int position(const Graph& graph, NodeId id) {
  const auto nodes = graph.nodes();
  return static_cast<int>(std::find(nodes.begin(), nodes.end(), id) - nodes.begin());
}

// Nobody reads the value behind the node `last`, so its memory may be taken over there.
bool dies_at(const ShapedGraph& shaped, ValueId value, NodeId last) {
  const Graph& graph = shaped.graph();
  if (graph.is_output(value) || !graph.producer(value) || shaped.is_constant(value)) return false;
  const int end = position(graph, last);
  const auto uses = graph.uses(value);
  return std::all_of(uses.begin(), uses.end(),
                     [&](const Use& use) { return position(graph, use.node) <= end; });
}

// op(x) + addend, both of the output's dims, the addend free to be overwritten.
std::optional<Task> with_addend(const ShapedGraph& shaped, const Task& task) {
  const Graph& graph = shaped.graph();
  const Node* add = graph.single_user(task.outputs[0]);
  if (!add || !add->is("Add")) return std::nullopt;
  const ValueId other = add->inputs[0] == task.outputs[0] ? add->inputs[1] : add->inputs[0];
  if (other == task.outputs[0] || shaped.form(other) != shaped.form(task.outputs[0])) return std::nullopt;
  if (!shaped.form(other) || !dies_at(shaped, other, add->id)) return std::nullopt;
  Task result = task;
  result.addend = other;
  result.outputs = add->outputs;
  result.nodes.push_back(add->id);
  result.label += "+Add";
  return result;
}

void append_candidates(const ShapedGraph& shaped, const Task& task, std::vector<Task>& candidates) {
  Task activated = task;
  append_activations(shaped, activated);
  if (!activated.activations.empty()) candidates.push_back(activated);
}

}  // namespace

std::optional<Task> with_bias(const ShapedGraph& shaped, const Task& task) {
  const Node* add = shaped.graph().single_user(task.outputs[0]);
  if (!task.node->is("MatMul") || !add || !add->is("Add")) return std::nullopt;
  const ValueId bias = add->inputs[0] == task.outputs[0] ? add->inputs[1] : add->inputs[0];
  const auto output = shaped.form(task.outputs[0]);
  const auto form = shaped.form(bias);
  if (bias == task.outputs[0] || (task.is_quantized() && !shaped.is_constant(bias)) || !output || !form ||
      output->dims.empty() || form->dims.empty())
    return std::nullopt;
  if (element_count(form->dims) != output->dims.back() || form->dims.back() != output->dims.back() ||
      form->dims.size() > output->dims.size())
    return std::nullopt;
  Task result = task;
  result.inputs.push_back(bias);
  if (result.is_quantized()) result.input_quantization.emplace_back();
  result.outputs = add->outputs;
  result.nodes.push_back(add->id);
  result.label += "+Add";
  return result;
}

Task single_task(const Node& node) {
  Task task{.node = &node,
            .inputs = node.inputs,
            .outputs = node.outputs,
            .nodes = {node.id},
            .label = node.op_type};
  for (const Capture& capture : node.captures) task.inputs.push_back(capture.value);
  return task;
}

std::optional<Activation> activation_of(const ShapedGraph& shaped, const Node& node) {
  if (!node.domain.empty()) return std::nullopt;
  const Attributes& attributes = node.attributes;
  if (plain_activations.contains(node.op_type)) return Activation{node.op_type};
  if (node.is("Clip")) return clip_of(shaped, node);
  if (node.is("LeakyRelu")) return Activation{"LeakyRelu", attributes.get_float("alpha", 0.01f)};
  if (node.is("Elu")) return Activation{"Elu", attributes.get_float("alpha", 1.0f)};
  if (node.is("HardSigmoid"))
    return Activation{"HardSigmoid", attributes.get_float("alpha", 0.2f), attributes.get_float("beta", 0.5f)};
  if (node.is("Gelu") && attributes.get_string("approximate", "none") == "none") return Activation{"Gelu"};
  return std::nullopt;
}

void append_activations(const ShapedGraph& shaped, Task& task) {
  // More than two in a row do not occur in trained models; oneDNN takes up to 32.
  constexpr std::size_t longest_chain = 4;
  while (task.activations.size() < longest_chain) {
    const Node* user = shaped.graph().single_user(task.outputs[0]);
    if (!user || user->inputs[0] != task.outputs[0]) return;
    const auto activation = activation_of(shaped, *user);
    if (!activation) return;
    task.activations.push_back(*activation);
    task.outputs = {user->outputs[0]};
    task.nodes.push_back(user->id);
    task.label += "+" + user->op_type;
  }
}

std::vector<Task> propose_tasks(const ShapedGraph& shaped, const Node& node) {
  std::vector<Task> candidates;
  const Task alone = single_task(node);
  if (node.domain.empty()) {
    candidates = propose_quantized_tasks(shaped, node);
    if (takes_addend.contains(node.op_type))
      if (const auto added = with_addend(shaped, alone)) {
        append_candidates(shaped, *added, candidates);
        candidates.push_back(*added);
      }
    if (const auto biased = with_bias(shaped, alone)) {
      append_candidates(shaped, *biased, candidates);
      candidates.push_back(*biased);
    }
    if (takes_activations.contains(node.op_type)) append_candidates(shaped, alone, candidates);
  }
  candidates.push_back(alone);
  return candidates;
}

}  // namespace edgeopt
