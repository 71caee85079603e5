// The convolution itself, in double precision: what Conv, ConvInteger and QLinearConv share.
//   y[n][m][o] = bias[m] + sum over c, k of w[m][c][k] * x[n][group * C / groups + c][o * stride + k *
//   dilation - pad]
#pragma once
#include <span>
#include <vector>

#include "ir/op.h"
#include "ir/rules/window_rules.h"

namespace edgeopt {

struct Convolution {
  std::int64_t batch = 0;
  std::int64_t input_channels = 0;
  std::int64_t output_channels = 0;
  std::int64_t groups = 1;
  Window window;

  std::int64_t channels_per_group() const { return input_channels / groups; }
  Dims output_shape() const;
};

/// The convolution of an input and a weight of these shapes. throws UserError if they do not fit
Convolution convolution_of(const Attributes& attributes, const Dims& input, const Dims& weight);

/// throws UserError if the attribute kernel_shape is there and differs from the weight's spatial dims
void require_kernel(const Attributes& attributes, std::span<const std::int64_t> weight);

/// x [N,C,...], w [M,C/groups,...], bias [M] or empty; returns [N,M,...]. Same result at any thread count.
std::vector<double> convolve(const Convolution& convolution, std::span<const double> x,
                             std::span<const double> w, std::span<const double> bias);

/// The shape rule of Conv and its integer forms: [N, M, ...].
std::optional<Shape> convolved_shape(const Attributes& attributes, const Operand& input,
                                     const Operand& weight);

/// Multiply-adds: elements of the output times elements of one output channel's weight. Symbols count as 1.
Cost convolution_cost(const Operand& weight, const Operand& output);

}  // namespace edgeopt
