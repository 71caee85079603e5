// ReduceMean and ReduceSum over neighbouring dims at the end (or all of them), in plain layout.
#include <algorithm>

#include "runtime/kernel.h"
#include "runtime/simd.h"

namespace edgeopt {
namespace {

// Sixteen running sums whatever the instruction set, so that every machine adds in the same order.
constexpr std::int64_t lanes = 16;

EDGEOPT_VECTORIZED float sum_of(const float* x, std::int64_t width) {
  float sums[lanes] = {};
  const std::int64_t whole = width / lanes * lanes;
  for (std::int64_t i = 0; i < whole; i += lanes)
    for (std::int64_t lane = 0; lane < lanes; ++lane) sums[lane] += x[i + lane];
  for (std::int64_t i = whole; i < width; ++i) sums[i - whole] += x[i];
  float result = 0;
  for (const float sum : sums) result += sum;
  return result;
}

// The column sums of a [height, width] block.
EDGEOPT_VECTORIZED void add_rows(const float* x, float* y, std::int64_t height, std::int64_t width) {
  std::fill(y, y + width, 0.0f);
  for (std::int64_t row = 0; row < height; ++row)
#pragma omp simd
    for (std::int64_t i = 0; i < width; ++i) y[i] += x[row * width + i];
}

// [before, reduced, behind]
struct Blocks {
  std::int64_t before = 1, reduced = 1, behind = 1;
};

std::optional<Dims> axes_of(const KernelCall& call) {
  if (!call.has_input(1)) return call.node().attributes.get_ints("axes");
  if (!call.inputs[1].is_constant()) return std::nullopt;
  return to_int64s(*call.inputs[1].constant);
}

std::optional<Blocks> blocks_of(const KernelCall& call) {
  const Dims& dims = call.inputs[0].form.dims;
  auto axes = axes_of(call);
  if (!axes) return std::nullopt;
  if (axes->empty())
    for (std::size_t i = 0; i < dims.size(); ++i) axes->push_back(static_cast<std::int64_t>(i));
  for (std::int64_t& axis : *axes) axis = normalize_axis(axis, dims.size());
  std::sort(axes->begin(), axes->end());
  for (std::size_t i = 1; i < axes->size(); ++i)
    if ((*axes)[i] != (*axes)[i - 1] + 1) return std::nullopt;
  Blocks blocks;
  for (std::size_t i = 0; i < dims.size(); ++i) {
    const auto at = static_cast<std::int64_t>(i);
    (at < axes->front() ? blocks.before : at > axes->back() ? blocks.behind : blocks.reduced) *= dims[i];
  }
  return blocks;
}

std::optional<std::string> decline_reduce(const KernelCall& call) {
  if (call.inputs[0].form.dtype != DataType::float32 || call.inputs[0].form.dims.empty())
    return "it is not float";
  if (element_count(call.inputs[0].form.dims) == 0) return "there are no elements";
  const auto axes = axes_of(call);
  if (axes && axes->empty() && call.node().attributes.get_int("noop_with_empty_axes", 0) != 0)
    return "no axes";
  if (!blocks_of(call)) return "the axes are computed or apart";
  return std::nullopt;
}

void reduce(const Blocks& blocks, float divisor, const float* x, float* y) {
  for (std::int64_t i = 0; i < blocks.before; ++i, x += blocks.reduced * blocks.behind, y += blocks.behind) {
    if (blocks.behind == 1)
      *y = sum_of(x, blocks.reduced);
    else
      add_rows(x, y, blocks.reduced, blocks.behind);
    for (std::int64_t k = 0; k < blocks.behind; ++k) y[k] /= divisor;
  }
}

BoundStep bind_reduce(const KernelCall& call) {
  const Blocks blocks = blocks_of(call).value();
  const float divisor = call.node().op_type == "ReduceMean" ? static_cast<float>(blocks.reduced) : 1;
  return {.run = [blocks, divisor, from = place_of(call.inputs[0]), to = call.outputs[0].slot] {
    reduce(blocks, divisor, reinterpret_cast<const float*>(from->data), reinterpret_cast<float*>(to->data));
  }};
}

}  // namespace

Kernel reduce_kernel() {
  Kernel kernel{.name = "reduce",
                .op_types = {"ReduceMean", "ReduceSum"},
                .decline = decline_reduce,
                .bind = bind_reduce,
                // Float sums of up to some hundred elements against double ones.
                .tolerance = 2e-6};
  for (const char* op : {"ReduceMean", "ReduceSum"}) {
    for (const std::int64_t width : {1, 15, 16, 17, 53})
      kernel.cases.push_back({.op_type = op,
                              .inputs = {{DataType::float32, {2, 3, width}}, {}},
                              .constants = {{1, int64_tensor(Dims{-1})}}});
    kernel.cases.push_back({.op_type = op,
                            .inputs = {{DataType::float32, {2, 3, 5, 17}}, {}},
                            .attributes = {{"keepdims", 0}},
                            .constants = {{1, int64_tensor(Dims{2, 1})}}});
    kernel.cases.push_back({.op_type = op, .inputs = {{DataType::float32, {3, 17}}}});
  }
  return kernel;
}

}  // namespace edgeopt
