// MatMulNBits with constant weights: they become floats when the plan is made, then y_m = sum over k of a_mk
// * w_k.
#include <algorithm>

#include "ir/quantization/block_weights.h"
#include "runtime/kernel.h"
#include "runtime/simd.h"

namespace edgeopt {
namespace {

struct Sizes {
  std::int64_t m = 0;
  std::int64_t k = 0;
  std::int64_t n = 0;
};

EDGEOPT_VECTORIZED void multiply_row(const float* a, const float* w, float* y, std::int64_t k,
                                     std::int64_t n) {
  for (std::int64_t i = 0; i < k; ++i) {
    const float factor = a[i];
    const float* row = w + i * n;
#pragma omp simd
    for (std::int64_t j = 0; j < n; ++j) y[j] += factor * row[j];
  }
}

std::optional<std::string> decline_blocks(const KernelCall& call) {
  if (call.has_input(4)) return "it reorders its inputs";
  for (const TaskOperand& input : {call.inputs[1], call.inputs[2]})
    if (!input.is_constant()) return "the weights are computed";
  if (call.has_input(3) && !call.inputs[3].is_constant()) return "the zero points are computed";
  if (call.has_input(5) && !call.inputs[5].is_constant()) return "the bias is computed";
  const bool is_float = call.inputs[0].form.dtype == DataType::float32;
  return is_float ? std::nullopt : std::optional<std::string>("it is not float");
}

// [K, N]
std::vector<float> columns_of(const KernelCall& call, const BlockWeightLayout& layout) {
  const auto zeros = call.has_input(3) ? call.inputs[3].constant : std::nullopt;
  const std::vector<float> rows =
      unpacked_blocks(layout, *call.inputs[1].constant, *call.inputs[2].constant, zeros);
  std::vector<float> columns(rows.size());
  for (std::int64_t n = 0; n < layout.rows; ++n)
    for (std::int64_t k = 0; k < layout.columns; ++k)
      columns[static_cast<std::size_t>(k * layout.rows + n)] =
          rows[static_cast<std::size_t>(n * layout.columns + k)];
  return columns;
}

BoundStep bind_blocks(const KernelCall& call) {
  const BlockWeightLayout layout = block_weight_layout(call.node().attributes);
  const Sizes sizes{element_count(call.inputs[0].form.dims) / layout.columns, layout.columns, layout.rows};
  std::vector<float> bias(static_cast<std::size_t>(layout.rows), 0.0f);
  if (call.has_input(5)) std::ranges::copy(call.inputs[5].constant->data<float>(), bias.begin());
  return {.run = [=, weight = columns_of(call, layout), bias = std::move(bias),
                  from = place_of(call.inputs[0]), to = call.outputs[0].slot] {
    const float* a = reinterpret_cast<const float*>(from->data);
    float* y = reinterpret_cast<float*>(to->data);
    for (std::int64_t m = 0; m < sizes.m; ++m) {
      std::ranges::copy(bias, y + m * sizes.n);
      multiply_row(a + m * sizes.k, weight.data(), y + m * sizes.n, sizes.k, sizes.n);
    }
  }};
}

std::vector<KernelCase> block_cases() {
  std::vector<KernelCase> cases;
  for (const std::int64_t columns : {16, 40, 64})
    for (const std::int64_t rows : {1, 17, 32}) {
      const std::int64_t blocks = (columns + 15) / 16;
      cases.push_back({.op_type = "com.microsoft.MatMulNBits",
                       .inputs = {{DataType::float32, {2, 3, columns}},
                                  {DataType::uint8, {rows, blocks, 8}},
                                  {DataType::float32, {rows * blocks}}},
                       .attributes = {{"K", columns}, {"N", rows}, {"bits", 4}, {"block_size", 16}},
                       .constant_inputs = {1, 2}});
    }
  return cases;
}

}  // namespace

Kernel mat_mul_n_bits_kernel() {
  return {.name = "mat_mul_n_bits",
          .op_types = {"com.microsoft.MatMulNBits"},
          .decline = decline_blocks,
          .bind = bind_blocks,
          .cases = block_cases(),
          .tolerance = 4e-6};  // 64 roundings of 2^-24 in a sum
}

}  // namespace edgeopt
