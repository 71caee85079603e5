// Samples varied at random before the teacher sees them: whatever comes out, the teacher says what is right.
#pragma once
#include <cstdint>

#include "ir/tensor.h"
#include "support/random.h"

namespace edgeopt {

struct AugmentationOptions {
  bool flips = false;     // left to right, every second time
  double shift = 0;       // largest move along each spatial axis, as a share of its length; edges repeat
  double least_zoom = 1;  // smallest share of each spatial axis that is cut out and stretched; 1: none
  double mixing = 0;      // how often a sample is blended with another one
  bool is_active() const { return flips || shift > 0 || least_zoom < 1 || mixing > 0; }
};

/// What suits images [1,C,H,W] with one or three channels; blending alone for everything else.
AugmentationOptions augmentation_for(const Dims& input);

/// One image [1,C,H,W], varied. Other tensors, and images without spatial options, come back as they are.
Tensor augmented(const Tensor& sample, const AugmentationOptions& options, RandomStream& random);

/// share * a + (1 - share) * b, floats of the same dims.
/// source  Zhang et al., "mixup: Beyond Empirical Risk Minimization", ICLR 2018; without labels, as a way to
///         ask the teacher more: Beyer et al., "Knowledge distillation: A good teacher is patient and
///         consistent", CVPR 2022
Tensor blended(const Tensor& a, const Tensor& b, double share);

}  // namespace edgeopt
