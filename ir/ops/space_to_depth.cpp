// [N, C, H, W] -> [N, C * b * b, H / b, W / b]: blocks of pixels become blocks of channels.
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
  shape[1] = shape[1].is_number() ? Dim(shape[1].size * block * block) : Dim();
  for (std::size_t i = 2; i < 4; ++i) shape[i] = shape[i].is_number() ? Dim(shape[i].size / block) : Dim();
  return {operand(data.type.dtype, std::move(shape))};
}

Tensors evaluate(const EvaluateCall& call) {
  const Tensor& data = required_input(call, 0);
  require_image_rank(data.rank());
  const std::int64_t b = pixel_block_size(call.attributes());
  const std::int64_t n = data.dims()[0], c = data.dims()[1], h = data.dims()[2] / b, w = data.dims()[3] / b;
  if (h * b != data.dims()[2] || w * b != data.dims()[3])
    throw UserError(
        fmt::format("an image of shape {} does not divide into blocks of {}", to_string(data.dims()), b));
  const Dims order{0, 3, 5, 1, 2, 4};
  return {transpose(data.reshaped({n, c, h, b, w, b}), order).reshaped({n, c * b * b, h, w})};
}

ValueId gradient(const GradientCall& call, ValueId dy) {
  return emit(call, "DepthToSpace", {dy}, call.attributes());
}

}  // namespace

OpDefinition space_to_depth_op() {
  return {
      .name = "SpaceToDepth",
      .versions = {1, 13},
      .infer = infer,
      .evaluate = evaluate,
      .gradient = first_input_gradient(gradient),
      .quantization = {.role = QuantizationRole::keeps_scale},
      .is_homogeneous = true,
      .movement = Movement::moves,
  };
}

}  // namespace edgeopt
