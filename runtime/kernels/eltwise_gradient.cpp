// dx[i] = dy[i] * f'(x[i]) with oneDNN's vector code, in any layout, in place where the memory allows.
#include <map>

#include "runtime/kernels/onednn/onednn.h"

namespace edgeopt {
namespace {

using Algorithm = dnnl::algorithm;

struct Function {
  Algorithm algorithm;
  float alpha = 0;
};

std::optional<Function> function_of(const KernelCall& call) {
  static const std::map<std::string, Function> plain = {
      {"SigmoidGradient", {Algorithm::eltwise_logistic}},
      {"TanhGradient", {Algorithm::eltwise_tanh}},
      {"HardSwishGradient", {Algorithm::eltwise_hardswish}}};
  const Attributes& attributes = call.node().attributes;
  const std::string& op = call.node().op_type;
  if (const auto found = plain.find(op); found != plain.end()) return found->second;
  if (op == "LeakyReluGradient")
    return Function{Algorithm::eltwise_relu, attributes.get_float("alpha", 0.01f)};
  if (op == "EluGradient") return Function{Algorithm::eltwise_elu, attributes.get_float("alpha", 1.0f)};
  if (op == "SwishGradient") return Function{Algorithm::eltwise_swish, attributes.get_float("alpha", 1.0f)};
  if (op == "GeluGradient" && attributes.get_string("approximate", "none") == "none")
    return Function{Algorithm::eltwise_gelu_erf};
  return std::nullopt;
}

std::optional<std::string> decline_gradient(const KernelCall& call) {
  for (const TaskOperand& input : call.inputs)
    if (input.form.dtype != DataType::float32) return "it is not float";
  if (!onednn::has_usable_operands(call) || call.inputs[0].form.dims != call.inputs[1].form.dims)
    return "there are no elements, or they do not match";
  if (!function_of(call)) return "oneDNN has no such gradient";
  return std::nullopt;
}

// Both operands in the layout of x, which is what the layer before it computed.
Layouts choose_layouts(const KernelCall& call) {
  Layouts layouts = plain_layouts(call);
  const std::size_t decisive = call.inputs[1].is_constant() ? 0 : 1;
  layouts.inputs[0] = layouts.inputs[1] = layouts.outputs[0] = call.inputs[decisive].form.layout;
  return layouts;
}

BoundStep bind_gradient(const KernelCall& call) {
  const Function function = function_of(call).value();
  // The order of the elements does not matter: a flat row.
  const auto row = onednn::desc_of({DataType::float32, {element_count(call.outputs[0].form.dims)}});
  const dnnl::eltwise_forward::primitive_desc forward(
      {dnnl::prop_kind::forward_training, function.algorithm, row, function.alpha, 0}, onednn::cpu_engine());
  const dnnl::eltwise_backward::primitive_desc description({function.algorithm, row, row, function.alpha, 0},
                                                           onednn::new_attributes(), onednn::cpu_engine(),
                                                           forward);
  auto step = std::make_shared<onednn::PrimitiveStep>(dnnl::eltwise_backward(description));
  step->bind(DNNL_ARG_DIFF_DST, row, place_of(call.inputs[0]));
  step->bind(DNNL_ARG_SRC, row, place_of(call.inputs[1]));
  step->bind(DNNL_ARG_DIFF_SRC, row, place_of(call.outputs[0]));
  const auto scratch = description.scratchpad_desc();
  step->bind(DNNL_ARG_SCRATCHPAD, scratch, place_of({.slot = call.scratch, .is_present = true}));
  return onednn::PrimitiveStep::finish(std::move(step), scratch.get_size());
}

}  // namespace

Kernel eltwise_gradient_kernel() {
  Kernel kernel{.name = "eltwise_gradient",
                .decline = decline_gradient,
                .choose_layouts = choose_layouts,
                .bind = bind_gradient,
                .in_place_inputs = {0},
                // oneDNN's polynomials for exp, tanh and erf are good to a few units of 2^-23.
                .tolerance = 2e-6};
  for (const char* op : {"Sigmoid", "Tanh", "HardSwish", "LeakyRelu", "Elu", "Swish", "Gelu"}) {
    const std::string name = "edgeopt." + std::string(op) + "Gradient";
    kernel.op_types.push_back(name);
    for (const std::int64_t count : {1, 15, 16, 17, 53, 1000})
      kernel.cases.push_back(
          {.op_type = name, .inputs = {{DataType::float32, {count}}, {DataType::float32, {count}}}});
  }
  return kernel;
}

}  // namespace edgeopt
