// y[i] = f(x[i]) with oneDNN's vector code, in any layout, in place where the memory allows.
#include <map>
#include <string_view>

#include "runtime/fusion.h"
#include "runtime/kernels/onednn/onednn.h"

namespace edgeopt {
namespace {

struct Function {
  dnnl::algorithm algorithm;
  float alpha = 0;
  float beta = 0;
};

// x^2 and x^0.5, which are what normalizations written out by hand ask for.
std::optional<Function> power_of(const KernelCall& call) {
  const auto& exponent = call.inputs[1].constant;
  if (!exponent || exponent->element_count() != 1 || exponent->rank() > call.inputs[0].form.dims.size())
    return std::nullopt;
  if (to_double(*exponent) == 2) return Function{dnnl::algorithm::eltwise_square};
  if (to_double(*exponent) == 0.5) return Function{dnnl::algorithm::eltwise_sqrt};
  return std::nullopt;
}

std::optional<Function> function_of(const KernelCall& call) {
  using Algorithm = dnnl::algorithm;
  static const std::map<std::string_view, Function> plain = {{"Sigmoid", {Algorithm::eltwise_logistic}},
                                                             {"Tanh", {Algorithm::eltwise_tanh}},
                                                             {"HardSwish", {Algorithm::eltwise_hardswish}},
                                                             {"Sqrt", {Algorithm::eltwise_sqrt}},
                                                             {"Abs", {Algorithm::eltwise_abs}},
                                                             {"Neg", {Algorithm::eltwise_linear, -1}},
                                                             {"Log", {Algorithm::eltwise_log}}};
  const Attributes& attributes = call.node().attributes;
  const std::string& op = call.node().op_type;
  if (const auto found = plain.find(op); found != plain.end()) return found->second;
  if (op == "Pow") return power_of(call);
  if (op == "LeakyRelu") return Function{Algorithm::eltwise_relu, attributes.get_float("alpha", 0.01f)};
  if (op == "Elu") return Function{Algorithm::eltwise_elu, attributes.get_float("alpha", 1.0f)};
  if (op == "Gelu" && attributes.get_string("approximate", "none") == "none")
    return Function{Algorithm::eltwise_gelu_erf};
  return std::nullopt;
}

std::optional<std::string> decline_eltwise(const KernelCall& call) {
  if (call.is_quantized()) return "the operands are integers";
  if (call.inputs[0].form.dtype != DataType::float32 || !onednn::has_usable_operands(call))
    return "it is not float";
  if (!function_of(call)) return "a parameter is computed";
  return std::nullopt;
}

Layouts layouts_of_first(const KernelCall& call) {
  Layouts layouts = plain_layouts(call);
  layouts.inputs[0] = layouts.outputs[0] = call.inputs[0].form.layout;
  return layouts;
}

BoundStep bind_eltwise(const KernelCall& call) {
  const Function function = function_of(call).value();
  // The order of the elements does not matter: a flat row.
  const auto row = onednn::desc_of({DataType::float32, {element_count(call.outputs[0].form.dims)}});
  const dnnl::eltwise_forward::primitive_desc description(
      {dnnl::prop_kind::forward_inference, function.algorithm, row, function.alpha, function.beta},
      onednn::new_attributes(), onednn::cpu_engine());
  auto step = std::make_shared<onednn::PrimitiveStep>(dnnl::eltwise_forward(description));
  step->bind(DNNL_ARG_SRC, row, place_of(call.inputs[0]));
  step->bind(DNNL_ARG_DST, row, place_of(call.outputs[0]));
  return onednn::PrimitiveStep::finish(std::move(step), 0);
}

std::vector<KernelCase> eltwise_cases() {
  std::vector<KernelCase> cases;
  for (const char* op : {"LeakyRelu", "Elu", "Sigmoid", "Tanh", "HardSwish", "Sqrt", "Abs", "Neg", "Gelu"})
    for (const std::int64_t count : {1, 15, 16, 17, 53})
      cases.push_back({.op_type = op, .inputs = {{DataType::float32, {count}}}, .is_special = true});
  for (const float exponent : {2.0f, 0.5f})
    cases.push_back({.op_type = "Pow",
                     .inputs = {{DataType::float32, {53}}, {}},
                     .constants = {{1, Tensor::scalar(exponent)}}});
  return cases;
}

}  // namespace

Kernel eltwise_kernel() {
  return {.name = "eltwise",
          .op_types = {"LeakyRelu", "Elu", "Sigmoid", "Tanh", "HardSwish", "Gelu", "Log", "Sqrt", "Abs",
                       "Neg", "Pow"},
          .decline = decline_eltwise,
          .choose_layouts = layouts_of_first,
          .bind = bind_eltwise,
          .in_place_inputs = {0},
          .cases = eltwise_cases(),
          // oneDNN's polynomials for exp, tanh and erf are good to a few units of 2^-23.
          .tolerance = 2e-6};
}

}  // namespace edgeopt
