// Conv, ConvTranspose, Gemm and MatMul seen as one thing: y[c] = (W x)[c] + bias[c] for every output channel
// c. Whatever scales and shifts the channels of y can move into W and bias.
#pragma once
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "passes/framework/pass.h"

namespace edgeopt {

struct LinearLayer {
  const Node* node = nullptr;
  Tensor weight;               // as the model has it, float32 or float64
  std::optional<Tensor> bias;  // [channel_count]; absent: zero
  std::int64_t channel_count = 0;

  /// The axis of the result that counts channels: 1, for Gemm and two-dimensional MatMul too.
  static constexpr std::size_t channel_axis = 1;
  std::size_t result_rank() const { return weight.rank(); }
};

/// The layer that computes the value, with everything constant that must be, or the reason why it is none:
/// also when somebody else reads the value.
std::variant<Declined, LinearLayer> linear_layer_of(const Graph& graph, ValueId result);

/// How each channel of the layer's result changes: gain * y + shift; float64 vectors [channel_count].
struct ChannelAffine {
  std::optional<Tensor> gain;  // absent: one
  Tensor shift;
};

/// The edit that puts a new layer with the change inside in the place of `replaced` (a value that equals
/// gain * y + shift).
Edit absorb(const Graph& graph, const LinearLayer& layer, const ChannelAffine& change, ValueId replaced);

/// The elements of a constant as one per channel of a result [N, C, ...] of that rank: from a scalar, or a
/// tensor that broadcasts along the channel axis alone; float64 [channel_count]. Nothing if it is anything
/// else, or would enlarge the result.
std::optional<Tensor> per_channel(const Tensor& constant, std::size_t result_rank,
                                  std::int64_t channel_count);

}  // namespace edgeopt
