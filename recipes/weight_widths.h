// How many bits the weights of each layer get so that the file fits a size and the damage in sum is least: an
// exact knapsack (recipes/bit_assignment.h) over damages and bytes that were measured.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "calibration/samples/samples.h"
#include "ir/graph.h"
#include "passes/quantization_widths.h"
#include "recipes/quantize.h"
#include "support/progress.h"

namespace edgeopt {

/// One width that a layer's weights can have.
struct WeightWidth {
  int bits = 8;
  double damage = 0;  // OutputLoss::loss when this layer alone is quantized, its weights at these bits
  double bytes = 0;   // how much larger the file is than with the layer at its smallest width
};

/// Layers that read one weight count as one.
struct LayerWidths {
  std::vector<std::string> nodes;  // name, or the name of their output
  std::string op_type;
  std::vector<WeightWidth> widths;  // the widest first
  std::size_t chosen = 0;
};

struct WidthChoice {
  std::vector<LayerWidths> layers;  // those that had a choice, in the order of the nodes
  QuantizationWidths widths;        // what to quantize with: the choice, and what the options say of the rest
  std::string loss;                 // what a damage is
  std::int64_t sample_count = 0;
  double smallest_bytes = 0;  // of the file with the smallest width everywhere
  double expected_bytes = 0;  // with the choice
  bool is_within = false;     // the choice is expected to meet the size; else it is the smallest
};

/// Measures what each width of each layer costs; then chooses for any size.
class WidthStudy {
 public:
  /// ranged   float model with calibrated ranges, at the opset that narrow weights need
  /// samples  rounding learns from them and damage is measured on them
  /// options  layers that they name keep what they say
  /// throws   NothingToQuantize
  WidthStudy(const Graph& ranged, const SampleSource& samples, const QuantizeOptions& options);

  /// The choice of least summed damage with which the file has at most `largest_bytes`; where none has, the
  /// smallest.
  WidthChoice choose(double largest_bytes) const;

 private:
  WidthChoice measured_;  // nothing chosen
  QuantizeOptions options_;
  std::vector<LayerScheme> schemes_;  // of each layer, but for the bits of its weights
};

/// The bits that weights of a scheme can have: its own, and those of the packed form or of the whole byte.
/// The first is the widest.
std::vector<int> possible_weight_bits(const LayerScheme& scheme);

}  // namespace edgeopt
