// One layer's weights rounded for the inputs that it gets, so that its outputs are those of the float model.
#pragma once
#include <cstdint>
#include <vector>

#include "calibration/layers/weight_matrix.h"
#include "calibration/rounding/input_products.h"
#include "ir/quantization/quantization_scheme.h"

namespace edgeopt {

struct RoundingTask {
  WeightMatrix matrix;
  QuantizationScheme scheme;
  Tensor weight;              // float
  std::vector<float> scales;  // one per output, or one
  /// The bias is moved by RoundedLayer::shifts at once: what means do does not matter.
  bool is_bias_corrected = true;
};

struct RoundedLayer {
  std::vector<std::int32_t> integers;  // in the order of the weight's elements
  std::vector<float> scales;
  std::vector<double> shifts;  // by output, in units of the student's rows: how much its mean fell
};

/// Inputs of the layer at the same places in both models.
struct InputPair {
  const InputRows& student;
  const InputRows& teacher;
  double teacher_unit = 1;  // in units of the student's
};

/// First the weights take up what the layers before did to the inputs (InputMoments::drift), then each is
/// rounded making up for those before it (HessianRoot); of 4 bits and less with the scale that leaves the
/// smallest error.
RoundedLayer rounded_layer(const RoundingTask& task, const InputPair& inputs);

}  // namespace edgeopt
