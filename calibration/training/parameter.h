// What training changes: tensors that are inputs of the training graph, and their places in the model.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "calibration/training/held_zeros.h"
#include "ir/tensor.h"

namespace edgeopt {

enum class ParameterRole {
  weight,            // of Conv, Gemm, MatMul
  bias,              // added per channel; factors of normalizations too
  weight_scale,      // of quantized weights
  activation_scale,  // of a Q/DQ pair
  rounding,          // of a quantized weight's elements: below 0 down, above 0 up
};
std::string_view name_of(ParameterRole role);

/// True for scales, which must stay positive and are learned by their logarithm.
inline bool is_scale(ParameterRole role) {
  return role == ParameterRole::weight_scale || role == ParameterRole::activation_scale;
}

struct Parameter {
  std::string name;  // of the training graph's input
  ParameterRole role = ParameterRole::weight;
  Tensor value;            // float
  HeldElements held = {};  // elements that do not move
  int channel_axis = -1;   // of a weight: the axis of its output channels; -1: not known
};

}  // namespace edgeopt
