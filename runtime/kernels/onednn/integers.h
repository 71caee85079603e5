// Sums of integer products as oneDNN scales them: y_q = zero_y + round(f((sum + bias) * s_a s_w / unit)).
#pragma once
#include "runtime/kernels/onednn/onednn.h"

namespace edgeopt::onednn {

/// What one unit of the accumulators is worth, per output channel or once for all, divided by `unit`.
std::vector<float> accumulator_scales(const KernelCall& call, float unit = 1);

/// Scales, activations and the output's zero point of a task, in floats or integers. `channel_mask` names
/// the output's channel dim as oneDNN wants it.
void set_output(dnnl::primitive_attr& attributes, dnnl::post_ops& post_ops, const KernelCall& call,
                int channel_mask);

/// The bias (input 2) in accumulator units: the file's int32 where its scale is theirs, floats otherwise.
Tensor accumulator_bias(const KernelCall& call);

}  // namespace edgeopt::onednn
