// The two ways to get at the damage of layers, and what they share; used by recipes/sensitivity.cpp alone.
#pragma once
#include <vector>

#include "passes/quantization_layers.h"
#include "recipes/output_loss.h"
#include "recipes/sensitivity.h"

namespace edgeopt {

/// The model with one layer alone in integers. It shares the ids of all other values with the float model.
struct LayerVariant {
  Layer layer;
  std::string name;
  std::string op_type;
  Graph graph;
  ValueId output = ValueId::none;  // of the layer, back in float, in `graph`
  int channel_axis = -1;           // of the output
  std::int64_t multiply_adds = 0;
  Range range;  // what rounds to the output's integers; infinite if it stays in float
};

/// One per layer with weights, in the order of the nodes; `rounded` as in SensitivityOptions.
std::vector<LayerVariant> layer_variants(const Graph& teacher, const QuantizeOptions& options,
                                         const Graph* rounded = nullptr);

struct SensitivityStudy {
  const Graph& teacher;
  const std::vector<LayerVariant>& variants;
  const SampleSource& samples;
  std::int64_t sample_count;
  const OutputLoss& loss;
  const SensitivityOptions& options;
};

/// What one layer did to each sample.
struct LayerSamples {
  std::vector<double> damages;
  std::vector<LayerSums> outputs;
};

std::vector<LayerSamples> measure_layers(const SensitivityStudy& study);
std::vector<LayerSamples> estimate_layers(const SensitivityStudy& study);

}  // namespace edgeopt
