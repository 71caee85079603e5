// A convolution and its gradients as oneDNN wants them described.
#pragma once
#include "runtime/kernels/onednn/onednn.h"
#include "runtime/kernels/onednn/window.h"

namespace edgeopt::onednn {

/// [out, in / groups, kernel...] as [groups, out / groups, in / groups, kernel...] where there are groups.
Dims grouped_dims(const Node& node, Dims weight);

/// What all directions of one convolution share.
struct ConvolutionShape {
  dnnl::memory::desc x, y;           // as they lie
  dnnl::memory::desc weights;        // in whatever format oneDNN likes best
  dnnl::memory::desc plain_weights;  // as the file has them
  Window window;
  Dims gaps;  // dilations as oneDNN counts them: from 0
};
struct ConvolutionForms {
  TensorForm x, w, y;
};
ConvolutionShape convolution_shape(const Node& node, const ConvolutionForms& forms);

}  // namespace edgeopt::onednn
