// ReduceMean, ReduceSum and SumTo over any axes. Neighbouring axes that are both summed or both kept count as
// one: a bias gradient over N, H, W is [summed, kept] where channels lie last and [summed, kept, summed]
// where not.
#include <algorithm>
#include <array>

#include "runtime/kernel.h"
#include "runtime/simd.h"

namespace edgeopt {
namespace {

// Running sums whatever the instruction set, so that every machine adds in the same order; in blocks, so that
// long sums lose no more than short ones.
constexpr std::int64_t lanes = 16;
constexpr std::int64_t block = 256;

EDGEOPT_VECTORIZED float sum_of(const float* x, std::int64_t width) {
  float result = 0;
  for (std::int64_t begin = 0; begin < width; begin += lanes * block) {
    float sums[lanes] = {};
    const std::int64_t end = std::min(width, begin + lanes * block);
    const std::int64_t whole = begin + (end - begin) / lanes * lanes;
    for (std::int64_t i = begin; i < whole; i += lanes)
      for (std::int64_t lane = 0; lane < lanes; ++lane) sums[lane] += x[i + lane];
    for (std::int64_t i = whole; i < end; ++i) sums[i - whole] += x[i];
    for (const float sum : sums) result += sum;
  }
  return result;
}

struct Rows {
  const float* x;
  std::int64_t count, distance;
};

// sums[i] += the column sums, for up to `block` columns.
[[gnu::always_inline]] inline void add_columns(Rows rows, float* sums, std::int64_t width) {
  std::int64_t row = 0;
  for (; row + 4 <= rows.count; row += 4) {
    const float* const first = rows.x + row * rows.distance;
    const float* const second = first + rows.distance;
    const float* const third = second + rows.distance;
    const float* const fourth = third + rows.distance;
#pragma omp simd
    for (std::int64_t i = 0; i < width; ++i) sums[i] += (first[i] + second[i]) + (third[i] + fourth[i]);
  }
  for (; row < rows.count; ++row)
#pragma omp simd
    for (std::int64_t i = 0; i < width; ++i) sums[i] += rows.x[row * rows.distance + i];
}

// y[i] += the column sums of a [height, width] block.
EDGEOPT_VECTORIZED void add_rows(const float* x, float* y, std::int64_t height, std::int64_t width) {
  for (std::int64_t column = 0; column < width; column += block) {
    const std::int64_t columns = std::min(block, width - column);
    for (std::int64_t row = 0; row < height; row += block) {
      float sums[block] = {};
      add_columns({x + row * width + column, std::min(block, height - row), width}, sums, columns);
      for (std::int64_t i = 0; i < columns; ++i) y[column + i] += sums[i];
    }
  }
}

/// One axis, or several neighbours that are treated alike.
struct Level {
  std::int64_t size = 1;
  bool is_kept = false;
  std::int64_t distance = 1;         // in the operand
  std::int64_t result_distance = 1;  // in the result; 0 if summed
};
using Levels = std::vector<Level>;

void add_levels(std::span<const Level> levels, const float* x, float* y) {
  const Level& level = levels.front();
  if (levels.size() == 1) {
    level.is_kept ? add_rows(x, y, 1, level.size) : void(*y += sum_of(x, level.size));
  } else if (levels.size() == 2 && !level.is_kept) {
    add_rows(x, y, level.size, levels[1].size);
  } else {
    for (std::int64_t i = 0; i < level.size; ++i)
      add_levels(levels.subspan(1), x + i * level.distance, y + i * level.result_distance);
  }
}

std::optional<Dims> given_axes(const KernelCall& call) {
  if (!call.has_input(1)) return call.node().attributes.get_ints("axes");
  if (!call.inputs[1].is_constant()) return std::nullopt;
  return to_int64s(*call.inputs[1].constant);
}

bool is_sum_to(const KernelCall& call) { return call.node().op_type == "SumTo"; }

// Which axes of the operand remain.
std::optional<std::vector<bool>> kept_axes(const KernelCall& call) {
  const Dims& dims = call.inputs[0].form.dims;
  std::vector<bool> is_kept(dims.size(), true);
  if (is_sum_to(call)) {
    const Dims& like = call.inputs[1].form.dims;
    const std::size_t missing = dims.size() - like.size();
    for (std::size_t i = 0; i < dims.size(); ++i) is_kept[i] = i >= missing && like[i - missing] == dims[i];
    return is_kept;
  }
  const auto axes = given_axes(call);
  if (!axes) return std::nullopt;
  const bool is_noop = axes->empty() && call.node().attributes.get_int("noop_with_empty_axes", 0) != 0;
  if (axes->empty() && !is_noop) is_kept.assign(dims.size(), false);
  for (const std::int64_t axis : *axes)
    is_kept[static_cast<std::size_t>(normalize_axis(axis, dims.size()))] = false;
  return is_kept;
}

// The axes in the order in which they lie, neighbours of one kind merged.
Levels levels_of(const KernelCall& call) {
  const TensorForm& form = call.inputs[0].form;
  const std::vector<bool> is_kept = kept_axes(call).value();
  std::vector<std::size_t> order(form.dims.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  if (form.layout == Layout::channels_last) std::rotate(order.begin() + 1, order.begin() + 2, order.end());
  Levels levels;
  for (const std::size_t axis : order) {
    if (form.dims[axis] == 1) continue;
    if (levels.empty() || levels.back().is_kept != is_kept[axis])
      levels.push_back({.is_kept = is_kept[axis]});
    levels.back().size *= form.dims[axis];
  }
  if (levels.empty()) levels.push_back({.is_kept = true});
  std::int64_t distance = 1, result_distance = 1;
  for (auto level = levels.rbegin(); level != levels.rend(); ++level) {
    level->distance = distance;
    level->result_distance = level->is_kept ? result_distance : 0;
    distance *= level->size;
    if (level->is_kept) result_distance *= level->size;
  }
  return levels;
}

std::optional<std::string> decline_reduce(const KernelCall& call) {
  if (call.is_quantized() || call.inputs[0].form.dtype != DataType::float32) return "it is not float";
  if (element_count(call.inputs[0].form.dims) == 0 || element_count(call.outputs[0].form.dims) == 0)
    return "there are no elements";
  if (!kept_axes(call)) return "the axes are computed";
  return std::nullopt;
}

// The operand as it lies, unless the result would not lie plainly then: when space remains beside channels.
Layouts choose_layouts(const KernelCall& call) {
  Layouts layouts = plain_layouts(call);
  const TensorForm& form = call.inputs[0].form;
  if (form.layout == Layout::plain || !can_be_channels_last(form.dims)) return layouts;
  const std::vector<bool> is_kept = kept_axes(call).value();
  const bool keeps_space = std::count(is_kept.begin() + 2, is_kept.end(), true) > 0;
  if (!keeps_space || !is_kept[1]) layouts.inputs[0] = Layout::channels_last;
  return layouts;
}

BoundStep bind_reduce(const KernelCall& call) {
  const std::int64_t results = element_count(call.outputs[0].form.dims);
  const std::int64_t summed = element_count(call.inputs[0].form.dims) / results;
  const float divisor = call.node().op_type == "ReduceMean" ? static_cast<float>(summed) : 1;
  return {.run = [levels = levels_of(call), results, divisor, from = place_of(call.inputs[0]),
                  to = call.outputs[0].slot] {
    float* const y = reinterpret_cast<float*>(to->data);
    std::fill(y, y + results, 0.0F);
    add_levels(levels, reinterpret_cast<const float*>(from->data), y);
    if (divisor != 1)
      for (std::int64_t i = 0; i < results; ++i) y[i] /= divisor;
  }};
}

void add_sum_to_cases(std::vector<KernelCase>& cases) {
  const auto add = [&](Dims x, Dims like) {
    cases.push_back({.op_type = "edgeopt.SumTo",
                     .inputs = {{DataType::float32, std::move(x)}, {DataType::float32, std::move(like)}}});
  };
  for (const std::int64_t width : {1, 15, 16, 17, 53}) {
    add({600, width}, {width});
    add({3, width, 2, 5}, {width, 1, 1});
    add({3, width, 2, 5}, {1, width, 1, 5});
    add({width, 300}, {width, 1});
  }
  add({5000}, {});
  add({3, 4}, {3, 4});
  add({3, 1, 4}, {1, 1, 1});
}

}  // namespace

Kernel reduce_kernel() {
  Kernel kernel{.name = "reduce",
                .op_types = {"ReduceMean", "ReduceSum", "edgeopt.SumTo"},
                .decline = decline_reduce,
                .choose_layouts = choose_layouts,
                .bind = bind_reduce,
                // Float sums of up to some thousand elements against double ones.
                .tolerance = 2e-6};
  for (const char* op : {"ReduceMean", "ReduceSum"}) {
    for (const std::int64_t width : {1, 15, 16, 17, 53})
      kernel.cases.push_back({.op_type = op,
                              .inputs = {{DataType::float32, {2, 3, width}}, {}},
                              .constants = {{1, int64_tensor(Dims{-1})}}});
    for (const Dims& axes : {Dims{2, 1}, Dims{0, 2, 3}, Dims{1, 3}, Dims{0, -1}})
      kernel.cases.push_back({.op_type = op,
                              .inputs = {{DataType::float32, {2, 3, 5, 17}}, {}},
                              .attributes = {{"keepdims", 0}},
                              .constants = {{1, int64_tensor(axes)}}});
    kernel.cases.push_back({.op_type = op, .inputs = {{DataType::float32, {3, 17}}}});
  }
  add_sum_to_cases(kernel.cases);
  return kernel;
}

}  // namespace edgeopt
