// Resampling along axes, one after the other: what Resize and Upsample share.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "ir/tensor.h"

namespace edgeopt {

struct ResizeAxis {
  std::int64_t input = 0;
  std::int64_t output = 0;
  double scale = 1;  // output / input before rounding
  double roi_begin = 0, roi_end = 1;

  bool is_kept() const { return input == output && scale == 1; }
};

/// The attributes of Resize, by their names in the ONNX spec.
struct Interpolation {
  std::string mode = "nearest";  // nearest, linear, cubic
  std::string coordinates = "half_pixel";
  std::string nearest_mode = "round_prefer_floor";
  double cubic_coefficient = -0.75;
  bool excludes_outside = false;
  bool is_antialiased = false;
  double extrapolation_value = 0;
};

/// The tensor with axis i resized from axes[i].input to axes[i].output elements.
/// throws  UserError for a mode that ONNX does not define
Tensor resize(const Tensor& tensor, std::span<const ResizeAxis> axes, const Interpolation& how);
/// Its transpose: the gradient of the resized tensor becomes that of the tensor, axis i of axes[i].input
/// elements.
Tensor resize_back(const Tensor& gradient, std::span<const ResizeAxis> axes, const Interpolation& how);

}  // namespace edgeopt
