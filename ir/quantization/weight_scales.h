// Which scale a channel of weights gets when it becomes symmetric integers.
#pragma once
#include <cstdint>
#include <vector>

#include "ir/quantization/quantization_scheme.h"
#include "ir/tensor.h"

namespace edgeopt {

/// Element i of a tensor belongs to channel (i / inner) % channels.
struct ChannelLayout {
  std::int64_t channels = 1;
  std::int64_t inner = 1;
  std::size_t channel_of(std::int64_t i) const { return static_cast<std::size_t>((i / inner) % channels); }
};

/// The channels along `axis`; one for all if axis < 0.
ChannelLayout channel_layout(const Dims& dims, int axis);

/// One scale per channel, 0 for a channel of zeros.
///
/// Above 4 bits the largest magnitude becomes the largest integer. With 4 bits and less that wastes half of
/// the few integers on outliers, and the scale is the one of least squared error instead: the best of a grid
/// below the largest magnitude, then the least-squares scale of the integers that it gives.
///
/// source  Banner, Nahshan, Soudry, "Post training 4-bit quantization of convolutional networks for rapid
///         deployment", NeurIPS 2019 (clipping by squared error); Zhang et al., "LQ-Nets", ECCV 2018,
///         equation 7 (the scale that is best for given integers)
std::vector<float> weight_scales(const Tensor& weight, int axis, const QuantizationScheme& scheme);

}  // namespace edgeopt
