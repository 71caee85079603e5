// A model of opset 7 to 12 becomes one of opset 13, the first in which Q/DQ pairs know an axis.
#include "passes/opsets/opset_rise.h"

namespace edgeopt {

Pass raise_opset_pass() {
  return {.name = "raise_opset",
          .summary = "Write a model of opset 7 to 12 at opset 13, where quantization per channel begins.",
          .fidelity = Fidelity::exact,
          .run = [](const Graph& graph, const PassContext&) { return raise_opset_to(13, graph); }};
}

}  // namespace edgeopt
