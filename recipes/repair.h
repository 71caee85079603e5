// What can be done when quantization cost too much accuracy, cheapest first.
#pragma once
#include <string>
#include <vector>

#include "recipes/quantize.h"
#include "recipes/sensitivity.h"

namespace edgeopt {

/// One way to quantize the model again.
struct Repair {
  std::string what;  // "ranges by percentile", "3 layers at 8 bits: a, b, c", "1 layer in float: a"
  QuantizeOptions options;
  std::vector<std::string> arguments = {};  // that say the same on the command line
};

/// Repairs in order of what they cost in latency.
///
/// First another observer, which costs nothing. Then ever more layers of fewer than 8 bits at 8: those with
/// the fewest bytes that take the summed damage to a half, a quarter, ... of what it is (an exact knapsack,
/// recipes/bit_assignment.h). Then, with all of them at 8 bits, ever more layers in float: those with the
/// fewest multiply-adds, likewise.
///
/// quantized    what shall be repaired
/// sensitivity  of its layers
/// options      that it was quantized with
std::vector<Repair> possible_repairs(const QuantizedModel& quantized, const Sensitivity& sensitivity,
                                     const QuantizeOptions& options);

}  // namespace edgeopt
