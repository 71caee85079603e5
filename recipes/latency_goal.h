// Layers that run in float because this machine is faster so: node times of both forms, measured with the
// native engine in the same run, then the fewest milliseconds in sum (recipes/float_choice.h), then measured
// again as a whole.
#pragma once
#include <string>
#include <vector>

#include "ir/graph.h"
#include "recipes/float_choice.h"
#include "recipes/latency.h"
#include "recipes/quantize.h"

namespace edgeopt {

struct FloatChoice {
  std::vector<LayerTimes> layers;  // all that could run in integers, in the order of the nodes
  std::vector<bool> is_float;      // what takes the least time by the figures of single layers
  double integer_ms = 0;           // median of the model with all of them in integers
  double chosen_ms = 0;            // and with the choice
  /// The layers with weights that were chosen for float, as --keep-float takes them; those without follow
  /// their neighbours. Empty if nothing is gained.
  std::vector<std::string> keep_float;
  std::string left_alone_because;  // empty if the choice is to be taken
};

/// Which layers of a quantized model to leave in float. Depends on the machine and on its mood: for whoever
/// asks for latency. The outcome names options that give the same bytes anywhere.
///
/// quantized  by `options`; its model is not changed
/// inputs     of one run
/// throws     UserError if the model cannot be run
FloatChoice choose_floats(const QuantizedModel& quantized, const Tensors& inputs,
                          const QuantizeOptions& options, const LatencyOptions& latency);

}  // namespace edgeopt
