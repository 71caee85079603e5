#include "runtime/kernels/onednn/integers.h"

#include <cmath>

namespace edgeopt::onednn {
namespace {

// Scales that a file stores are products rounded to float once or twice.
constexpr float scale_tolerance = 1e-6f;

float of_channel(const std::vector<float>& scales, std::size_t channel) {
  return scales[scales.size() > 1 ? channel : 0];
}

bool has_accumulator_scale(const Quantization& bias, const std::vector<float>& scales,
                           std::size_t channel_count) {
  for (std::size_t i = 0; i < channel_count; ++i) {
    const float expected = of_channel(scales, i);
    if (std::abs(of_channel(bias.scales, i) - expected) > scale_tolerance * expected) return false;
  }
  return bias.is_symmetric();
}

// The unit in which activations see values: that of the output's integers where they allow it.
float activation_unit(const KernelCall& call) {
  const auto& output = call.task.output_quantization;
  return output && keeps_unit(call.task.activations) ? output->scale() : 1;
}

}  // namespace

std::vector<float> accumulator_scales(const KernelCall& call, float unit) {
  std::vector<float> scales = call.task.input_quantization[1]->scales;
  for (float& scale : scales) scale = call.task.input_quantization[0]->scale() * scale / unit;
  return scales;
}

void set_output(dnnl::primitive_attr& attributes, dnnl::post_ops& post_ops, const KernelCall& call,
                int channel_mask) {
  const float unit = activation_unit(call);
  append_activations(post_ops, call.task.activations, unit);
  if (call.is_quantized()) {
    const std::vector<float> scales = accumulator_scales(call, unit);
    attributes.set_output_scales(scales.size() > 1 ? channel_mask : 0, scales);
  }
  if (const auto& output = call.task.output_quantization) {
    if (!keeps_unit(call.task.activations))
      post_ops.append_eltwise(1, dnnl::algorithm::eltwise_linear, 1 / output->scale(), 0);
    if (output->zero_point() != 0) attributes.set_zero_points(DNNL_ARG_DST, 0, {output->zero_point()});
  }
  attributes.set_post_ops(post_ops);
}

Tensor accumulator_bias(const KernelCall& call) {
  const Tensor& bias = *call.inputs[2].constant;
  const auto count = static_cast<std::size_t>(bias.element_count());
  const std::vector<float> scales = accumulator_scales(call);
  const auto& stored = call.task.input_quantization[2];
  if (stored && bias.dtype() == DataType::int32 && has_accumulator_scale(*stored, scales, count)) return bias;
  const std::vector<double> elements = to_doubles(bias);
  Tensor result(DataType::float32, bias.dims());
  for (std::size_t i = 0; i < count; ++i) {
    const double zero = stored ? stored->zero_points[stored->is_per_channel() ? i : 0] : 0;
    const double real = stored ? (elements[i] - zero) * of_channel(stored->scales, i) : elements[i];
    result.mutable_data<float>()[i] = static_cast<float>(real / of_channel(scales, i));
  }
  return result;
}

}  // namespace edgeopt::onednn
