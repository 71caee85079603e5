// From a stored array to the tensor that the model's input wants: type, (raw * scale - mean) / std, shape,
// finite.
#pragma once
#include <string>

#include "calibration/samples/samples.h"

namespace edgeopt {

/// True if the options change numbers (mean, std or scale are set).
bool is_normalizing(const Preprocessing& preprocessing);

/// The options that differ from the default, for reports: "scale 0.0039, mean 0.5, std 0.5"; "" if none.
std::string describe(const Preprocessing& preprocessing);

/// Where a sample comes from and goes to, for messages and checks.
struct SamplePlace {
  std::string file;
  std::string array;
  std::int64_t index = 0;
  std::string input;  // the model's
  ValueType type;     // of the model's input
};

/// "'d.npz', array 'x', sample 7"
std::string describe(const SamplePlace& place);

/// The sample as the model's input wants it. Integers become floats only for a floating-point input; floats
/// never become integers; integers widen only. raw      [batch of 1, ...] throws   UserError naming the
/// place: types that do not fit, mean or std of another count than the channels,
///          NaN or infinity, a shape that contradicts the input's
Tensor prepare_sample(const Tensor& raw, const SamplePlace& place, const Preprocessing& preprocessing);

/// throws  UserError if `dims` contradicts the numbers in the input's shape
void check_sample_shape(const Dims& dims, const SamplePlace& place);

/// throws  UserError if the options contradict themselves: std of 0, an unknown layout or color, a bad size
void check_preprocessing(const Preprocessing& preprocessing);

/// `overriding` where it differs from the default, else `base`.
Preprocessing merge_preprocessing(const Preprocessing& base, const Preprocessing& overriding);

}  // namespace edgeopt
