// Gates i, o, f, c of W x + R h + b (peepholes P add to i, o, f):
//   C = f . C + i . c    h = o . activation(C)
#include "ir/recurrent_rules.h"

namespace edgeopt {
namespace {

enum Gate : std::size_t { input, output, forget, candidate };

double gate_sum(const RecurrentStep& s, std::size_t row, std::span<const double> h) {
  return s.x_gates[row] + s.recur(row, h) + s.hidden_bias[row];
}

double peephole(const RecurrentStep& s, std::size_t row, double cell) {
  return s.peepholes.empty() ? 0 : s.peepholes[row] * cell;
}

void step(const RecurrentStep& s, const Attributes& attributes) {
  const bool couples = attributes.get_int("input_forget", 0) != 0;
  const std::vector<double> h(s.state.begin(), s.state.end());
  const auto activate = [&](std::size_t which, double sum) { return s.activations[which](s.clipped(sum)); };
  for (std::size_t k = 0; k < s.hidden; ++k) {
    const auto row = [&](Gate gate) { return gate * s.hidden + k; };
    const double i = activate(0, gate_sum(s, row(input), h) + peephole(s, row(input), s.cell[k]));
    const double f =
        couples ? 1 - i : activate(0, gate_sum(s, row(forget), h) + peephole(s, row(forget), s.cell[k]));
    const double c = activate(1, gate_sum(s, row(candidate), h));
    s.cell[k] = f * s.cell[k] + i * c;
    const double o = activate(0, gate_sum(s, row(output), h) + peephole(s, row(output), s.cell[k]));
    s.state[k] = o * s.activations[2](s.cell[k]);
  }
}

const RecurrentCell cell{
    .gates = 4, .has_cell_state = true, .default_activations = {"Sigmoid", "Tanh", "Tanh"}, .step = step};

}  // namespace

OpDefinition lstm_op() {
  return {
      .name = "LSTM",
      .versions = {1, 7, 14, 22},
      .required_inputs = 3,
      .infer = [](const InferCall& call) { return infer_recurrent(call, cell); },
      .evaluate = [](const EvaluateCall& call) { return evaluate_recurrent(call, cell); },
      .count_cost = [](const InferCall& call, std::span<const Operand>) { return recurrent_cost(call); },
  };
}

}  // namespace edgeopt
