// The largest element of each window, and (optional second output) where in the whole input it stands
#include <limits>

#include "ir/gradient/gradient_rules.h"
#include "ir/rules/call_inputs.h"
#include "ir/rules/move_elements.h"
#include "ir/rules/pool_rules.h"
#include "ir/tied_dims.h"

namespace edgeopt {
namespace {

std::vector<Operand> infer(const InferCall& call) {
  const Operand& input = required_input(call, 0);
  const std::optional<Shape> shape = pooled_shape(call.attributes(), input);
  return {operand(input.type.dtype, shape), operand(DataType::int64, shape)};
}

// The position of the first largest element of every window; -1 for a window of padding alone.
std::vector<std::int64_t> largest_positions(const Tensor& input, const Window& window) {
  const std::vector<double> elements = to_doubles(input);
  const std::int64_t plane = element_count(input_dims(window));
  const Dims windows = output_dims(window);
  std::vector<std::int64_t> positions;
  for (std::int64_t p = 0; p < input.dims()[0] * input.dims()[1]; ++p)
    for_each_index(windows, [&](std::span<const std::int64_t> index) {
      std::int64_t best = -1;
      for_each_tap(window, index, [&](std::int64_t offset) {
        const std::int64_t position = p * plane + offset;
        if (best < 0 ||
            elements[static_cast<std::size_t>(position)] > elements[static_cast<std::size_t>(best)])
          best = position;
      });
      positions.push_back(best);
    });
  return positions;
}

// The same position with the spatial axes counted first axis fastest (storage_order 1).
std::int64_t column_major(std::int64_t position, const Dims& spatial) {
  const std::int64_t plane = element_count(spatial);
  std::int64_t rest = position % plane, weight = plane, result = position - rest;
  for (std::size_t axis = spatial.size(); axis-- > 0; rest /= spatial[axis]) {
    weight /= spatial[axis];
    result += rest % spatial[axis] * weight;
  }
  return result;
}

Tensors evaluate(const EvaluateCall& call) {
  const Tensor& input = required_input(call, 0);
  const Window window = pool_window(call.attributes(), input);
  Dims dims{input.dims()[0], input.dims()[1]};
  for (const WindowAxis& axis : window) dims.push_back(axis.output);
  std::vector<std::int64_t> positions = largest_positions(input, window);
  const double lowest = is_floating_point(input.dtype()) ? -std::numeric_limits<double>::infinity() : 0;
  Tensors results{take_elements(input, dims, positions, from_doubles(input.dtype(), {}, {lowest}))};
  if (call.output_count() < 2) return results;
  if (call.attributes().get_int("storage_order", 0) != 0)
    for (std::int64_t& position : positions) position = column_major(position, input_dims(window));
  results.push_back(int64_tensor(positions).reshaped(dims));
  return results;
}

// Windows lie behind the batch and the channels. Indices count channels, too.
std::vector<TiedDims> tied_dims(const InferCall& call) {
  if (call.node.has_output(1)) return {};
  return passing_ties(call, [](std::size_t axis) { return axis < 2; });
}

}  // namespace

OpDefinition max_pool_op() {
  return {
      .name = "MaxPool",
      .versions = {1, 8, 10, 11, 12, 22},
      .infer = infer,
      .evaluate = evaluate,
      .count_cost = pool_cost,
      .gradient = own_gradient_operator(),
      .tied_dims = tied_dims,
      .quantization = {.role = QuantizationRole::keeps_scale},
      .is_homogeneous = true,
  };
}

}  // namespace edgeopt
