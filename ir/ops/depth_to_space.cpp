// [N, C * b * b, H, W] -> [N, C, H * b, W * b]: blocks of channels become blocks of pixels.
#include <fmt/format.h>

#include "ir/gradient/gradient_rules.h"
#include "ir/rules/call_inputs.h"
#include "ir/rules/move_elements.h"
#include "ir/rules/pixel_blocks.h"
#include "support/error.h"

namespace edgeopt {
namespace {

std::vector<Operand> infer(const InferCall& call) {
  const Operand& data = required_input(call, 0);
  if (!data.has_shape()) return {of_unknown_dims(data.type.dtype, 4)};
  require_image_rank(data.shape().size());
  const std::int64_t block = pixel_block_size(call.attributes());
  Shape shape = data.shape();
  shape[1] = shape[1].is_number() ? Dim(shape[1].size / (block * block)) : Dim();
  for (std::size_t i = 2; i < 4; ++i) shape[i] = shape[i].is_number() ? Dim(shape[i].size * block) : Dim();
  return {operand(data.type.dtype, std::move(shape))};
}

Tensors evaluate(const EvaluateCall& call) {
  const Tensor& data = required_input(call, 0);
  require_image_rank(data.rank());
  const std::int64_t b = pixel_block_size(call.attributes());
  const std::int64_t n = data.dims()[0], h = data.dims()[2], w = data.dims()[3];
  const std::int64_t c = data.dims()[1] / (b * b);
  if (c * b * b != data.dims()[1])
    throw UserError(
        fmt::format("{} channels are not a multiple of blocksize squared, {}", data.dims()[1], b * b));
  const bool depth_first = call.attributes().get_string("mode", "DCR") == "DCR";
  const Dims split = depth_first ? Dims{n, b, b, c, h, w} : Dims{n, c, b, b, h, w};
  const Dims order = depth_first ? Dims{0, 3, 4, 1, 5, 2} : Dims{0, 1, 4, 2, 5, 3};
  return {transpose(data.reshaped(split), order).reshaped({n, c, h * b, w * b})};
}

// SpaceToDepth undoes the mode DCR alone.
ValueId gradient(const GradientCall& call, ValueId dy) {
  if (call.attributes().get_string("mode", "DCR") == "DCR")
    return emit(call, "SpaceToDepth", {dy}, {{"blocksize", call.attributes().get_int("blocksize", 0)}});
  return emit_training(call, "DepthToSpaceGradient", {dy, call.node.inputs[0]}, call.attributes());
}

}  // namespace

OpDefinition depth_to_space_op() {
  return {
      .name = "DepthToSpace",
      .versions = {1, 11, 13},
      .infer = infer,
      .evaluate = evaluate,
      .gradient = first_input_gradient(gradient),
      .quantization = {.role = QuantizationRole::keeps_scale},
      .is_homogeneous = true,
      .movement = Movement::moves,
  };
}

}  // namespace edgeopt
