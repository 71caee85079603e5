// concat(x) == x, sum(x) == x, mean(x) == x, max(x) == x, min(x) == x
#include "passes/framework/rewrite.h"

namespace edgeopt {

Pass remove_single_operand_pass() {
  return bypass_pass("remove_single_operand",
                     {.roots = {"Concat", "Sum", "Mean", "Max", "Min"},
                      .summary = "Remove Concat, Sum, Mean, Max and Min of one input.",
                      .same_value = [](const Graph&, const Node& node) -> SameValue {
                        if (node.inputs.size() != 1) return Declined{"there are several inputs"};
                        return node.inputs[0];
                      }});
}

}  // namespace edgeopt
