// Operators on small random inputs, for the comparison of their gradient rules with finite differences.
#pragma once
#include <string>
#include <vector>

#include "ir/attributes.h"
#include "ir/tensor.h"

namespace edgeopt {

/// An input of the operator. One that is learned is an input of the graph, with elements uniform in [low,
/// high) if none are given; any other is a constant.
struct GradientInput {
  bool is_learned = true;
  Dims dims = {};
  double low = -1;
  double high = 1;
  Tensor constant = {};  // undefined: the elements are random, or the input is left out
};

GradientInput learned(Dims dims, double low = -1, double high = 1);
/// With these elements.
GradientInput learned(Dims dims, const std::vector<double>& elements);
GradientInput fixed(Tensor constant);
GradientInput fixed_ints(const std::vector<std::int64_t>& elements);
GradientInput left_out();

struct GradientCase {
  std::string op_type;
  std::vector<GradientInput> inputs;
  Attributes attributes = {};
  std::vector<int> opsets = {13, 21};
  int output_count = 1;
  std::vector<int> used_outputs = {0};
  bool needs_dims = false;  // the rule asks for dims that are numbers
  std::string domain = {};
};

// By subject; each in a file of its own.
std::vector<GradientCase> elementwise_gradient_cases();
std::vector<GradientCase> reduction_gradient_cases();
std::vector<GradientCase> layer_gradient_cases();
std::vector<GradientCase> movement_gradient_cases();
std::vector<GradientCase> recurrent_gradient_cases();
std::vector<GradientCase> sampling_gradient_cases();

/// All of them.
std::vector<GradientCase> gradient_cases();

}  // namespace edgeopt
