// From what was counted to the range that quantization uses.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "calibration/ranges/histogram.h"
#include "ir/graph.h"

namespace edgeopt {

enum class ObserverMethod { minmax, percentile, entropy, mse };

struct ObserverOptions {
  ObserverMethod method = ObserverMethod::minmax;
  /// Percent of the elements that a percentile range covers. 99.99: Wu et al., "Integer Quantization for Deep
  /// Learning Inference", 2020, table 5 (best or near best of all networks tried).
  double percentile = 99.99;
  /// Steps between the ends of the range: scale = (max - min) / levels. 255 for uint8, 254 for symmetric
  /// int8.
  int levels = 255;
  /// The range is [-t, t].
  bool is_symmetric = false;
};

std::string_view name_of(ObserverMethod method);
/// The inverse of name_of. throws UserError naming the methods
ObserverMethod observer_named(std::string_view name);

/// The range of a value by the chosen method; always includes 0, and never exceeds what was observed (made
/// symmetric where asked).
/// returns  nothing if there is nothing to quantize: no elements, or some that are NaN or infinite
std::optional<Range> choose_range(const RangeHistogram& histogram, const ObserverOptions& options);

}  // namespace edgeopt
