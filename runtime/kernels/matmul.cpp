// y = activations(a b + bias): MatMul, and Gemm with alpha = beta = 1, in floats or integers:
//   y_q = zero_y + round(activations((sum a_q b_q - zero_a sum_k b_q + bias_q) * s_a s_b / s_y))
#include <algorithm>

#include "runtime/kernels/onednn/integers.h"

namespace edgeopt {
namespace {

using Desc = dnnl::memory::desc;

bool is_gemm(const KernelCall& call) { return call.node().op_type == "Gemm"; }
bool is_transposed(const KernelCall& call, const char* attribute) {
  return is_gemm(call) && call.node().attributes.get_int(attribute, 0) != 0;
}
bool is_row(const Dims& dims, std::int64_t columns) {
  return !dims.empty() && dims.back() == columns && element_count(dims) == columns;
}

std::optional<std::string> decline_integers(const KernelCall& call) {
  const auto& quantization = call.task.input_quantization;
  if (!quantization[0] || !quantization[1] || quantization[0]->is_per_channel()) return "an input's scale";
  if (!call.inputs[1].is_constant() || call.inputs[1].form.dims.size() != 2)
    return "the weights are computed";
  if (call.inputs[1].form.dtype != DataType::int8 || !quantization[1]->is_symmetric())
    return "the weights are not int8 with zero point 0";
  if (quantization[1]->is_per_channel() && quantization[1]->axis != (is_transposed(call, "transB") ? 0 : 1))
    return "the weights have scales along another axis than the columns";
  if (call.has_input(2) && !call.inputs[2].is_constant()) return "the bias is computed";
  if (bit_count(call.inputs[0].form.dtype) != 8 || is_transposed(call, "transA"))
    return "the input is not of 8 bits";
  if (call.task.output_quantization && call.task.output_quantization->is_per_channel())
    return "the output's scales";
  return std::nullopt;
}

std::optional<std::string> decline_operands(const KernelCall& call) {
  if (!onednn::has_usable_operands(call)) return "an operand is of a type that oneDNN does not compute with";
  const Dims& a = call.inputs[0].form.dims;
  const Dims& b = call.inputs[1].form.dims;
  if (a.size() < 2 || b.size() < 2 || (b.size() > 2 && a.size() != b.size()))
    return "a vector or unequal batches";
  const Attributes& attributes = call.node().attributes;
  if (attributes.get_float("alpha", 1) != 1 || attributes.get_float("beta", 1) != 1)
    return "alpha or beta is not 1";
  if (call.has_input(2) && !is_row(call.inputs[2].form.dims, call.outputs[0].form.dims.back()))
    return "the bias is no row";
  if (call.is_quantized()) return decline_integers(call);
  for (const TaskOperand& input : call.inputs)
    if (input.is_present && input.form.dtype != DataType::float32) return "an input is not float";
  return std::nullopt;
}

struct Descriptors {
  Desc a, b, y;
};

Desc matrix(const TensorForm& form, bool is_transposed) {
  const Desc desc = onednn::desc_of({form.dtype, form.dims});
  return is_transposed ? desc.permute_axes({1, 0}) : desc;
}

// A weight matrix multiplies all rows of all batches as one matrix.
Descriptors descriptors_of(const KernelCall& call) {
  TensorForm a = call.inputs[0].form;
  TensorForm y = call.outputs[0].form;
  const TensorForm& b = call.inputs[1].form;
  if (b.dims.size() == 2 && a.dims.size() > 2) {
    a.dims = {element_count(a.dims) / a.dims.back(), a.dims.back()};
    y.dims = {element_count(y.dims) / y.dims.back(), y.dims.back()};
  }
  return {matrix(a, is_transposed(call, "transA")), matrix(b, is_transposed(call, "transB")),
          matrix(y, false)};
}

dnnl::primitive_attr attributes_of(const KernelCall& call) {
  dnnl::primitive_attr attributes = onednn::new_attributes();
  dnnl::post_ops post_ops;
  onednn::set_output(attributes, post_ops, call, 1 << 1);
  return attributes;
}

// -zero_a sum_k b[k][column]
std::vector<std::int32_t> zero_point_bias(const KernelCall& call) {
  const Dims& dims = call.inputs[1].form.dims;
  const bool is_turned = is_transposed(call, "transB");
  const std::size_t rows = static_cast<std::size_t>(dims[is_turned ? 1 : 0]);
  const std::size_t columns = static_cast<std::size_t>(dims[is_turned ? 0 : 1]);
  const auto weights = call.inputs[1].constant->data<std::int8_t>();
  std::vector<std::int32_t> bias(columns, 0);
  for (std::size_t row = 0; row < rows; ++row)
    for (std::size_t column = 0; column < columns; ++column)
      bias[column] += weights[is_turned ? column * rows + row : row * columns + column];
  for (std::int32_t& sum : bias) sum *= -call.task.input_quantization[0]->zero_point();
  return bias;
}

// The bias in accumulator units with what the zero point of the input adds.
std::optional<Tensor> integer_bias(const KernelCall& call) {
  std::vector<std::int32_t> bias = zero_point_bias(call);
  const auto columns = static_cast<std::int64_t>(bias.size());
  if (!call.has_input(2)) return Tensor::of<std::int32_t>({1, columns}, bias);
  const Tensor given = onednn::accumulator_bias(call);
  if (given.dtype() == DataType::int32) {
    for (std::size_t i = 0; i < bias.size(); ++i) bias[i] += given.data<std::int32_t>()[i];
    return Tensor::of<std::int32_t>({1, columns}, bias);
  }
  std::vector<float> sums(bias.size());
  for (std::size_t i = 0; i < bias.size(); ++i)
    sums[i] = static_cast<float>(bias[i]) + given.data<float>()[i];
  return Tensor::of<float>({1, columns}, sums);
}

// [columns] or [1, columns] as [1, ..., columns]
Dims row_dims(const Dims& dims, std::size_t rank) {
  Dims row(rank, 1);
  row.back() = element_count(dims);
  return row;
}

// The bias with as many dims as the output; a computed one stays where it is.
std::optional<TaskOperand> bias_of(const KernelCall& call, std::size_t rank) {
  TaskOperand bias = call.has_input(2) ? call.inputs[2] : TaskOperand{.is_present = true};
  if (call.is_quantized())
    bias.constant = integer_bias(call);
  else if (!call.has_input(2))
    return std::nullopt;
  else if (bias.constant)
    bias.constant = bias.constant->reshaped(row_dims(bias.form.dims, rank));
  if (bias.constant)
    bias.form = {bias.constant->dtype(), bias.constant->dims()};
  else
    bias.form.dims = row_dims(bias.form.dims, rank);
  return bias;
}

// Constant weights lie as the primitive likes best.
dnnl::matmul::primitive_desc describe(const KernelCall& call, const Descriptors& descs,
                                      const std::optional<TaskOperand>& bias) {
  const Desc weights = call.inputs[1].is_constant()
                           ? Desc(descs.b.dims(), descs.b.data_type(), dnnl::memory::format_tag::any)
                           : descs.b;
  return {{descs.a, weights, bias ? onednn::desc_of(bias->form) : Desc(), descs.y},
          attributes_of(call),
          onednn::cpu_engine()};
}

std::optional<std::string> decline_matmul(const KernelCall& call) {
  if (auto reason = decline_operands(call)) return reason;
  const auto describe_it = [&] {
    const Descriptors descs = descriptors_of(call);
    describe(call, descs, bias_of(call, descs.y.dims().size()));
  };
  if (!onednn::is_available(describe_it)) return "oneDNN has no such product";
  return std::nullopt;
}

BoundStep bind_matmul(const KernelCall& call) {
  const Descriptors descs = descriptors_of(call);
  const std::optional<TaskOperand> bias = bias_of(call, descs.y.dims().size());
  const bool is_packed = call.inputs[1].is_constant();
  const dnnl::matmul::primitive_desc description = describe(call, descs, bias);
  auto step = std::make_shared<onednn::PrimitiveStep>(dnnl::matmul(description));
  step->bind(DNNL_ARG_SRC, descs.a, place_of(call.inputs[0]));
  if (is_packed)
    step->bind(DNNL_ARG_WEIGHTS, description.weights_desc(),
               onednn::pack(*call.inputs[1].constant, descs.b, description.weights_desc()));
  else
    step->bind(DNNL_ARG_WEIGHTS, descs.b, place_of(call.inputs[1]));
  if (bias) step->bind(DNNL_ARG_BIAS, onednn::desc_of(bias->form), place_of(*bias));
  step->bind(DNNL_ARG_DST, descs.y, place_of(call.outputs[0]));
  const Desc scratch = description.scratchpad_desc();
  step->bind(DNNL_ARG_SCRATCHPAD, scratch, place_of({.slot = call.scratch, .is_present = true}));
  return onednn::PrimitiveStep::finish(std::move(step), scratch.get_size());
}

std::vector<KernelCase> matmul_cases() {
  std::vector<KernelCase> cases;
  const auto add = [&](const char* op, std::vector<Dims> dims, Attributes attributes,
                       std::vector<std::size_t> fixed) {
    KernelCase wanted{
        .op_type = op, .attributes = std::move(attributes), .constant_inputs = std::move(fixed)};
    for (Dims& each : dims) wanted.inputs.push_back({DataType::float32, std::move(each)});
    cases.push_back(std::move(wanted));
  };
  for (const std::int64_t columns : {1, 15, 16, 17, 53}) add("MatMul", {{3, 17}, {17, columns}}, {}, {1});
  add("MatMul", {{2, 3, 5, 17}, {2, 3, 17, 4}}, {}, {});
  add("MatMul", {{2, 3, 17}, {17, 5}}, {}, {1});
  add("Gemm", {{3, 17}, {53, 17}, {53}}, {{"transB", 1}}, {1, 2});
  add("Gemm", {{3, 17}, {53, 17}, {53}}, {{"transB", 1}}, {});
  add("Gemm", {{17, 3}, {17, 5}}, {{"transA", 1}}, {});
  const Quantization x{DataType::uint8, {0.03f}, {9}};
  const Quantization w{DataType::int8, std::vector<float>(53, 0.02f), std::vector<std::int32_t>(53, 0)};
  const Quantization y{DataType::uint8, {0.2f}, {100}};
  KernelCase integers{
      .op_type = "Gemm",
      .inputs = {{DataType::uint8, {3, 17}}, {DataType::int8, {53, 17}}, {DataType::float32, {53}}},
      .attributes = {{"transB", 1}},
      .constant_inputs = {1, 2},
      .input_quantization = {x, w, std::nullopt},
      .output_quantization = y};
  cases.push_back(integers);
  // A bias whose scale is not the accumulators'.
  integers.inputs[2].dtype = DataType::int32;
  integers.input_quantization[2] = Quantization{DataType::int32, {0.01f}, {3}};
  cases.push_back(integers);
  integers.op_type = "MatMul";
  integers.attributes = {};
  integers.inputs = {{DataType::uint8, {2, 5, 17}}, {DataType::int8, {17, 16}}};
  integers.constant_inputs = {1};
  integers.input_quantization = {x, Quantization{DataType::int8, {0.02f}, {0}}};
  cases.push_back(integers);
  return cases;
}

}  // namespace

Kernel matmul_kernel() {
  return {.name = "matmul",
          .op_types = {"MatMul", "Gemm"},
          .decline = decline_matmul,
          .bind = bind_matmul,
          .cases = matmul_cases(),
          // Sums of some dozens of products in another order.
          .tolerance = 1e-5};
}

}  // namespace edgeopt
