// y = activations(a op b) in floats with broadcasting, in any layout.
#include <algorithm>
#include <map>

#include "runtime/kernels/onednn/onednn.h"

namespace edgeopt {
namespace {

const std::map<std::string, dnnl::algorithm>& algorithms() {
  static const std::map<std::string, dnnl::algorithm> by_op = {
      {"Add", dnnl::algorithm::binary_add}, {"Sub", dnnl::algorithm::binary_sub},
      {"Mul", dnnl::algorithm::binary_mul}, {"Div", dnnl::algorithm::binary_div},
      {"Min", dnnl::algorithm::binary_min}, {"Max", dnnl::algorithm::binary_max}};
  return by_op;
}

bool is_commutative(const KernelCall& call) {
  return call.node().op_type != "Sub" && call.node().op_type != "Div";
}

// oneDNN broadcasts its second operand alone, so the first must have the output's dims.
std::optional<std::size_t> first_operand(const KernelCall& call) {
  const Dims& output = call.outputs[0].form.dims;
  if (call.inputs[0].form.dims == output && !call.inputs[0].is_constant()) return 0;
  if (call.inputs[1].form.dims == output && !call.inputs[1].is_constant() && is_commutative(call)) return 1;
  return std::nullopt;
}

std::optional<std::string> decline_binary(const KernelCall& call) {
  if (call.is_quantized()) return "the operands are integers";
  if (call.inputs.size() != 2 || !onednn::has_usable_operands(call)) return "it does not have two operands";
  if (call.inputs[0].form.dtype != DataType::float32 || call.inputs[1].form.dtype != DataType::float32)
    return "it is not float";
  // oneDNN's binary primitive knows up to five dims with its fast code.
  if (call.outputs[0].form.dims.size() > 5) return "it has more than five dims";
  if (!first_operand(call)) return "the first operand is broadcast";
  return std::nullopt;
}

Dims padded_dims(const Dims& dims, std::size_t rank) {
  Dims result(rank - dims.size(), 1);
  result.insert(result.end(), dims.begin(), dims.end());
  return result;
}

// The operand with as many dims as the output.
TaskOperand padded(TaskOperand operand, const TensorForm& output) {
  operand.form = {operand.form.dtype, padded_dims(operand.form.dims, output.dims.size()), output.layout};
  if (operand.constant) operand.constant = operand.constant->reshaped(operand.form.dims);
  return operand;
}

// Channels last if the larger operand lies so and the other can follow: a constant or of the same rank.
Layouts choose_binary_layouts(const KernelCall& call) {
  Layouts layouts = plain_layouts(call);
  const std::size_t first = first_operand(call).value();
  const TaskOperand& second = call.inputs[1 - first];
  const bool is_last = std::any_of(call.inputs.begin(), call.inputs.end(), [](const TaskOperand& x) {
    return !x.is_constant() && x.form.layout == Layout::channels_last;
  });
  if (!is_last || !can_be_channels_last(call.outputs[0].form.dims)) return layouts;
  if (!second.is_constant() && second.form.dims.size() != call.outputs[0].form.dims.size()) return layouts;
  return {.inputs = {Layout::channels_last, Layout::channels_last}, .outputs = {Layout::channels_last}};
}

BoundStep bind_binary(const KernelCall& call) {
  const std::size_t index = first_operand(call).value();
  const TensorForm& output = call.outputs[0].form;
  const TaskOperand first = call.inputs[index];
  const TaskOperand second = padded(call.inputs[1 - index], output);
  dnnl::primitive_attr attributes = onednn::new_attributes();
  dnnl::post_ops post_ops;
  onednn::append_activations(post_ops, call.task.activations);
  attributes.set_post_ops(post_ops);
  const dnnl::binary::primitive_desc description(
      {algorithms().at(call.node().op_type), onednn::desc_of(first.form), onednn::desc_of(second.form),
       onednn::desc_of(output)},
      attributes, onednn::cpu_engine());
  auto step = std::make_shared<onednn::PrimitiveStep>(dnnl::binary(description));
  step->bind(DNNL_ARG_SRC_0, description.src0_desc(), place_of(first));
  step->bind(DNNL_ARG_SRC_1, description.src1_desc(), place_of(second));
  step->bind(DNNL_ARG_DST, description.dst_desc(), place_of(call.outputs[0]));
  return onednn::PrimitiveStep::finish(std::move(step), 0);
}

std::vector<KernelCase> binary_cases() {
  std::vector<KernelCase> cases;
  const auto add = [&](const char* op, Dims a, Dims b) {
    cases.push_back({.op_type = op, .inputs = {{DataType::float32, a}, {DataType::float32, b}}});
  };
  for (const auto& [op, algorithm] : algorithms())
    for (const std::int64_t count : {1, 15, 16, 17, 53}) add(op.c_str(), {count}, {count});
  for (const char* op : {"Add", "Mul"}) {
    add(op, {2, 17, 3, 4}, {17, 1, 1});
    add(op, {2, 17, 3, 4}, {1});
    add(op, {4}, {3, 5, 4});
  }
  add("Sub", {3, 5, 4}, {5, 1});
  add("Div", {2, 3, 4}, {});
  return cases;
}

}  // namespace

Kernel binary_kernel() {
  return {.name = "binary",
          .op_types = {"Add", "Sub", "Mul", "Div", "Min", "Max"},
          .decline = decline_binary,
          .choose_layouts = choose_binary_layouts,
          .bind = bind_binary,
          .in_place_inputs = {0},
          .cases = binary_cases(),
          // One rounding; Div may take the reciprocal first.
          .tolerance = 1e-6};
}

}  // namespace edgeopt
