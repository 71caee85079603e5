// Conv, Gemm and MatMul with constant weights as matrix products: every window of the input is a row x, and
// y = W' x + b for each of the node's groups.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "ir/channels.h"
#include "ir/graph.h"

namespace edgeopt {

/// A layer of float32 weights. All groups of a Conv have the same sizes.
struct WeightedLayer {
  NodeId node = NodeId::none;
  ValueId input = ValueId::none;
  ValueId weight = ValueId::none;
  ValueId output = ValueId::none;  // of the node
  std::int64_t groups = 1;
  std::int64_t features = 0;  // elements of a row, in one group
  std::int64_t outputs = 0;   // in one group
  std::int64_t taps = 1;      // features of one input channel
  ValueDim input_channels;    // the axis of the weight that counts them (of one group)
  bool is_conv = false;
  bool weight_is_transposed = false;  // [outputs, features] instead of [features, outputs]
};

/// The layer at a node, or nothing: not one of these operators, weights that are computed, another element
/// type, factors (Gemm's alpha and beta).
std::optional<WeightedLayer> weighted_layer_at(const Graph& graph, const Node& node);

/// Where the layer's bias is: an input of the layer itself, or of an Add behind it.
struct BiasPlace {
  NodeId node = NodeId::none;
  std::size_t input = 0;
  ValueId constant = ValueId::none;  // none: the input is left out
};
/// Nothing if there is no place for a bias of one element per output.
std::optional<BiasPlace> bias_place_of(const Graph& graph, const WeightedLayer& layer);

/// The weights of one group, [features][outputs].
std::vector<double> weights_of(const WeightedLayer& layer, const Tensor& weight, std::int64_t group);
void set_weights(const WeightedLayer& layer, std::span<const double> weights, std::int64_t group,
                 Tensor& weight);

/// Reads rows from tensors of one size. Position p is a place of the output: (sample in the batch, window).
class RowReader {
 public:
  RowReader(const Graph& graph, const WeightedLayer& layer, const Dims& input_dims);

  std::int64_t position_count() const { return position_count_; }
  /// Writes the features of one position and group, `stride` floats apart from the next position's.
  void read_features(const Tensor& input, std::int64_t position, std::int64_t group,
                     std::span<float> row) const;
  /// The outputs of one position and group, from the layer's result (or one of the same size).
  void read_outputs(const Tensor& output, std::int64_t position, std::int64_t group,
                    std::span<float> row) const;

 private:
  const WeightedLayer layer_;
  Dims input_dims_;
  std::int64_t position_count_ = 0;
  std::int64_t window_count_ = 1;          // Conv: positions of one sample
  std::int64_t plane_ = 1;                 // Conv: elements of one input channel
  std::vector<std::int32_t> tap_offsets_;  // Conv: [window][tap], -1 outside
};

/// At most `count` positions, evenly spread, shifted by the sample's number.
std::vector<std::int64_t> spread_positions(std::int64_t position_count, std::int64_t count,
                                           std::int64_t sample);

}  // namespace edgeopt
