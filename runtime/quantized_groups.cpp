// DequantizeLinear -> operator [-> activations] -> QuantizeLinear, read as one task on integers.
#include <set>
#include <string_view>

#include "runtime/fusion.h"
#include "runtime/quantization_nodes.h"

namespace edgeopt {
namespace {

// Operators with a bias as input 2, which may be int32 or float.
const std::set<std::string_view> has_bias = {"Conv", "Gemm"};
// Operators whose integer form may end in floats.
const std::set<std::string_view> may_end_in_float = {"Conv", "Gemm", "MatMul"};
// The first input alone carries elements; the others say where they go.
const std::set<std::string_view> one_operand = {"MaxPool",      "AveragePool", "GlobalAveragePool",
                                                "Reshape",      "Flatten",     "Squeeze",
                                                "Unsqueeze",    "Transpose",   "Slice",
                                                "Gather",       "Split",       "Identity",
                                                "Relu",         "Clip",        "Resize",
                                                "DepthToSpace", "Sigmoid",     "HardSwish",
                                                "HardSigmoid",  "Tanh",        "LeakyRelu",
                                                "Pad"};
const std::set<std::string_view> all_operands = {"Conv", "Gemm", "MatMul", "Add", "Mul", "Sub", "Concat"};

std::size_t operand_count(const Node& node) {
  return one_operand.contains(node.op_type) ? 1 : node.inputs.size();
}

// Reads the operand behind its DequantizeLinear. A float bias stays as it is.
bool read_operand(const ShapedGraph& shaped, Task& task, std::size_t index) {
  const Node& node = *task.node;
  const Node* dequantize = shaped.graph().producer(node.inputs[index], "DequantizeLinear");
  const auto quantization = dequantize ? quantization_of(shaped, *dequantize) : std::nullopt;
  if (quantization) {
    task.inputs[index] = dequantize->inputs[0];
    task.input_quantization[index] = quantization;
    return true;
  }
  return index == 2 && has_bias.contains(node.op_type) && shaped.is_constant(node.inputs[index]);
}

std::optional<Task> with_integer_inputs(const ShapedGraph& shaped, const Node& node) {
  Task task = single_task(node);
  task.input_quantization.resize(task.inputs.size());
  for (std::size_t i = 0; i < operand_count(node); ++i)
    if (!node.has_input(i) || !read_operand(shaped, task, i)) return std::nullopt;
  return task;
}

// True if every output ends in a QuantizeLinear of its own.
bool end_in_quantize(const ShapedGraph& shaped, Task& task) {
  std::optional<Quantization> common;
  for (ValueId& output : task.outputs) {
    const Node* quantize = output == ValueId::none ? nullptr : shaped.graph().single_user(output);
    if (!quantize || !quantize->is("QuantizeLinear") || quantize->inputs[0] != output) return false;
    const auto quantization = quantization_of(shaped, *quantize);
    if (!quantization || (common && *common != *quantization)) return false;
    common = quantization;
    task.nodes.push_back(quantize->id);
    output = quantize->outputs[0];
  }
  task.output_quantization = common;
  task.label += "+Quantize";
  return true;
}

// The task with the activations and the QuantizeLinear that follow, and what is left where there are none.
void append_endings(const ShapedGraph& shaped, const Task& task, std::vector<Task>& candidates) {
  Task activated = task;
  if (activated.outputs.size() == 1) append_activations(shaped, activated);
  Task whole = activated;
  if (end_in_quantize(shaped, whole)) candidates.push_back(whole);
  if (!may_end_in_float.contains(task.node->op_type)) return;
  if (!activated.activations.empty()) candidates.push_back(activated);
  candidates.push_back(task);
}

}  // namespace

std::vector<Task> propose_quantized_tasks(const ShapedGraph& shaped, const Node& node) {
  if (!one_operand.contains(node.op_type) && !all_operands.contains(node.op_type)) return {};
  const auto alone = with_integer_inputs(shaped, node);
  if (!alone) return {};
  std::vector<Task> candidates;
  if (const auto biased = with_bias(shaped, *alone)) append_endings(shaped, *biased, candidates);
  append_endings(shaped, *alone, candidates);
  return candidates;
}

}  // namespace edgeopt
