// Quantization to a size: 8 bits where they are enough, else the widths of weights that fit it with the least
// damage.
#pragma once
#include <optional>
#include <string>

#include "calibration/samples/samples.h"
#include "ir/graph.h"
#include "recipes/quantize.h"
#include "recipes/weight_widths.h"

namespace edgeopt {

struct SizedModel {
  QuantizedModel model;
  /// If what the options say was too large; nothing: it was not, or there is no choice.
  std::optional<WidthChoice> choice;
  double bytes = 0;             // of the file
  std::string limited_because;  // why it is not smaller; empty if the size is met

  bool is_met() const { return limited_because.empty(); }
};

/// The model as quantize_model() gives it if its file has at most `largest_bytes`; else with weights of fewer
/// bits where that does the least damage in sum. Out of reach: the smallest there is.
///
/// returns  the same bytes as quantize_model() with the options' widths replaced by those of the choice
/// throws   as quantize_model() does
SizedModel quantize_to_size(const Graph& model, const SampleSource& samples, const QuantizeOptions& options,
                            double largest_bytes);

}  // namespace edgeopt
