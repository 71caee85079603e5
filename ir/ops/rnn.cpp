// h = f(W x + Wb + R h + Rb)
#include "ir/rules/recurrent_rules.h"

namespace edgeopt {
namespace {

void step(const RecurrentStep& s, const Attributes&) {
  const std::vector<double> h(s.state.begin(), s.state.end());
  for (std::size_t i = 0; i < s.hidden; ++i) s.state[i] = s.activate(0, s.gate_sum(i, h));
}

void step_gradient(RecurrentStepGradient& g, const Attributes&) {
  const RecurrentStep& s = g.step;
  for (std::size_t i = 0; i < s.hidden; ++i) {
    g.x_gates[i] = g.recurrent[i] = g.state[i] * s.slope(0, s.gate_sum(i, s.state));
    g.state[i] = 0;
  }
}

}  // namespace

const RecurrentCell& rnn_cell() {
  static const RecurrentCell cell{
      .gates = 1, .default_activations = {"Tanh"}, .step = step, .step_gradient = step_gradient};
  return cell;
}

OpDefinition rnn_op() { return recurrent_op("RNN", {1, 7, 14, 22}, rnn_cell()); }

}  // namespace edgeopt
