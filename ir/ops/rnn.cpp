// h = f(W x + Wb + R h + Rb)
#include "ir/recurrent_rules.h"

namespace edgeopt {
namespace {

void step(const RecurrentStep& s, const Attributes&) {
  const std::vector<double> h(s.state.begin(), s.state.end());
  for (std::size_t i = 0; i < s.hidden; ++i)
    s.state[i] = s.activations[0](s.clipped(s.x_gates[i] + s.recur(i, h) + s.hidden_bias[i]));
}

const RecurrentCell cell{.gates = 1, .default_activations = {"Tanh"}, .step = step};

}  // namespace

OpDefinition rnn_op() {
  return {
      .name = "RNN",
      .versions = {1, 7, 14, 22},
      .required_inputs = 3,
      .infer = [](const InferCall& call) { return infer_recurrent(call, cell); },
      .evaluate = [](const EvaluateCall& call) { return evaluate_recurrent(call, cell); },
      .count_cost = [](const InferCall& call, std::span<const Operand>) { return recurrent_cost(call); },
  };
}

}  // namespace edgeopt
