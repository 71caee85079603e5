// A model of opset 7 to 20 becomes one of opset 21, the first in which integers have 4 or 16 bits.
#include "passes/opsets/opset_rise.h"

namespace edgeopt {

Pass raise_opset_to_21_pass() {
  return {.name = "raise_opset_to_21",
          .summary = "Write a model of opset 7 to 20 at opset 21, where integers of 4 and 16 bits begin.",
          .fidelity = Fidelity::exact,
          .run = [](const Graph& graph, const PassContext&) { return raise_opset_to(21, graph); }};
}

}  // namespace edgeopt
