// z = f(Wz x + Rz h + b)   r = f(Wr x + Rr h + b)   c = g(Wh x + Rh (r . h) + b)   h = (1 - z) . c + z . h
// With linear_before_reset: c = g(Wh x + Wbh + r . (Rh h + Rbh))
#include "ir/recurrent_rules.h"

namespace edgeopt {
namespace {

double gate(const RecurrentStep& s, std::size_t row, std::span<const double> h) {
  return s.activations[0](s.clipped(s.x_gates[row] + s.recur(row, h) + s.hidden_bias[row]));
}

void step(const RecurrentStep& s, const Attributes& attributes) {
  const bool linear_before_reset = attributes.get_int("linear_before_reset", 0) != 0;
  const std::vector<double> h(s.state.begin(), s.state.end());
  std::vector<double> reset(s.hidden), reset_state(s.hidden);
  for (std::size_t i = 0; i < s.hidden; ++i) {
    reset[i] = gate(s, s.hidden + i, h);
    reset_state[i] = reset[i] * h[i];
  }
  for (std::size_t i = 0; i < s.hidden; ++i) {
    const std::size_t row = 2 * s.hidden + i;
    const double recurrent = linear_before_reset ? reset[i] * (s.recur(row, h) + s.hidden_bias[row])
                                                 : s.recur(row, reset_state) + s.hidden_bias[row];
    const double candidate = s.activations[1](s.clipped(s.x_gates[row] + recurrent));
    const double update = gate(s, i, h);
    s.state[i] = (1 - update) * candidate + update * h[i];
  }
}

const RecurrentCell cell{.gates = 3, .default_activations = {"Sigmoid", "Tanh"}, .step = step};

}  // namespace

OpDefinition gru_op() {
  return {
      .name = "GRU",
      .versions = {1, 3, 7, 14, 22},
      .required_inputs = 3,
      .infer = [](const InferCall& call) { return infer_recurrent(call, cell); },
      .evaluate = [](const EvaluateCall& call) { return evaluate_recurrent(call, cell); },
      .count_cost = [](const InferCall& call, std::span<const Operand>) { return recurrent_cost(call); },
  };
}

}  // namespace edgeopt
