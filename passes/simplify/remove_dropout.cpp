// Dropout(x) == x unless it trains.
#include "passes/framework/match.h"
#include "passes/framework/rewrite.h"

namespace edgeopt {
namespace {

constexpr int first_opset_without_is_test = 7;
constexpr std::size_t training_mode_input = 2;  // since opset 12

SameValue input_of_dropout(const Graph& graph, const Node& dropout) {
  if (graph.opset() < first_opset_without_is_test && dropout.attributes.get_int("is_test", 0) == 0)
    return Declined{"the Dropout is in training mode"};
  if (dropout.has_input(training_mode_input)) {
    const auto training = constant_number(graph, dropout.inputs[training_mode_input]);
    if (!training) return Declined{"the training mode is computed, not constant"};
    if (*training != 0) return Declined{"the Dropout is in training mode"};
  }
  if (dropout.has_output(1) &&
      (!graph.uses(dropout.outputs[1]).empty() || graph.is_output(dropout.outputs[1])))
    return Declined{"the mask is used"};
  return dropout.inputs[0];
}

}  // namespace

Pass remove_dropout_pass() {
  return bypass_pass("remove_dropout", {.roots = {"Dropout"},
                                        .summary = "Remove Dropout, which does nothing in inference.",
                                        .same_value = input_of_dropout});
}

}  // namespace edgeopt
