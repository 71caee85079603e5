// Which layers run in float because integers are slower there: small layers, and those between which values
// would have to be quantized and back. The fewest milliseconds in sum, exactly, as a minimum cut.
#pragma once
#include <cstddef>
#include <string>
#include <vector>

namespace edgeopt {

/// One layer, measured in both forms.
struct LayerTimes {
  std::string node;
  std::string op_type;
  double integer_ms = 0;
  double float_ms = 0;
};

/// What it costs when two layers that exchange a value run in different forms.
struct Border {
  /// Stands for everything that runs in float whatever is chosen: inputs, outputs, other operators.
  static constexpr std::size_t outside = static_cast<std::size_t>(-1);
  std::size_t from = outside;  // index of the layer that computes the value
  std::size_t to = outside;    // of a layer that reads it
  double dequantize_ms = 0;    // if `from` runs in integers and `to` in float
  double quantize_ms = 0;      // the other way round
};

/// True for the layers that run in float, so that the sum of times and borders is least; of equal sums more
/// layers in integers.
///
/// source  a cost that is paid where two neighbours choose differently is a cut between them: Picard,
/// Ratliff,
///         "Minimum cuts and related problems", Networks 1975; augmenting shortest paths: Edmonds, Karp, 1972
std::vector<bool> fastest_in_float(const std::vector<LayerTimes>& layers, const std::vector<Border>& borders);

/// What a choice takes in sum.
double time_of(const std::vector<LayerTimes>& layers, const std::vector<Border>& borders,
               const std::vector<bool>& is_float);

}  // namespace edgeopt
