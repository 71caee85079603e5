// Identity(x) == x
#include "passes/framework/rewrite.h"

namespace edgeopt {

Pass remove_identity_pass() {
  return bypass_pass("remove_identity", {.roots = {"Identity"},
                                         .summary = "Let the users of an Identity read its input.",
                                         .same_value = [](const Graph&, const Node& node) -> SameValue {
                                           return node.inputs[0];
                                         }});
}

}  // namespace edgeopt
