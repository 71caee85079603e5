// Which layer costs how much accuracy: the damage that each does when it alone is quantized, measured or
// estimated from gradients, with what can be seen at the layer itself.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "calibration/samples/samples.h"
#include "ir/graph.h"
#include "recipes/layer_evidence.h"
#include "recipes/quantize.h"
#include "support/progress.h"

namespace edgeopt {

enum class SensitivityMethod {
  measured,  // runs what follows each layer: exact; cost: layers times half a run of the model
  gradient,  // second order from a few backward runs: cost independent of the number of layers
};

struct SensitivityOptions {
  SensitivityMethod method = SensitivityMethod::measured;
  /// Of the samples given; the damage of layers differs by orders of magnitude, so few are enough to rank
  /// them.
  std::int64_t largest_sample_count = 64;
  /// What `measured` keeps of the samples between two layers, about.
  std::int64_t largest_memory_bytes = 256 << 20;
  /// Backward runs per sample with `gradient`; 4 rank as measurements do with Spearman 0.95 to 0.98, 16 with
  /// 0.98 to 0.99 (docs/sensitivity.md).
  int direction_count = 8;
  std::uint64_t seed = 1;
  /// The same nodes with weights that were rounded before (calibration/rounding/second_order_rounding.h): a
  /// quantized layer takes its own from here. Null: rounded to nearest.
  const Graph* rounded = nullptr;
  Progress progress = {};
};

struct LayerDamage {
  std::string node;  // name, or the name of its output
  std::string op_type;
  double damage = 0;  // mean over the samples of OutputLoss::loss when this layer alone is quantized
  LayerEvidence evidence;
  std::int64_t multiply_adds = 0;  // of one run, symbolic dims counted as 1
};

struct Sensitivity {
  SensitivityMethod method = SensitivityMethod::measured;
  std::string loss;  // what a damage is, with its unit
  std::int64_t sample_count = 0;
  std::string samples;
  std::vector<LayerDamage> layers;  // the most harmful first
};

/// The damage of every layer that `quantize` would put into integers: its weights and the activations that it
/// reads and writes are quantized, everything else stays in float.
///
/// ranged    the prepared float model with calibrated ranges (QuantizedModel::prepared)
/// samples   such that calibration has not seen
/// returns   the same at any thread count
/// throws    NothingToQuantize; UserError naming an operator without a gradient, with `gradient`
/// source    measured: one layer at a time, as in Wu et al., "Integer quantization for deep learning
/// inference", 2020,
///           section 5.2.1. gradient: E[(g . dx)^2] with the layer's measured error dx, the empirical Fisher
///           form of Theis et al., "Faster gaze prediction with dense networks and Fisher pruning", 2018
Sensitivity layer_sensitivity(const Graph& ranged, const SampleSource& samples,
                              const QuantizeOptions& quantize, const SensitivityOptions& options);

}  // namespace edgeopt
