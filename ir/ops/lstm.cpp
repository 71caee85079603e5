// Gates i, o, f, c of W x + R h + b (peepholes P add to i, o, f):
//   C = f . C + i . c    h = o . activation(C)
#include "ir/rules/recurrent_rules.h"

namespace edgeopt {
namespace {

enum Gate : std::size_t { input, output, forget, candidate };

// One element of the state on its way through a step: sums before the activations, gates behind them.
struct Way {
  double input_sum, forget_sum, candidate_sum, output_sum;
  double input, forget, candidate, output, cell;
};

bool couples(const Attributes& attributes) { return attributes.get_int("input_forget", 0) != 0; }

double peephole(const RecurrentStep& s, Gate gate, std::size_t k) {
  return s.peepholes.empty() ? 0 : s.peepholes[gate * s.hidden + k];
}

Way way_of(const RecurrentStep& s, std::span<const double> h, std::size_t k, bool is_coupled) {
  const auto sum = [&](Gate gate) { return s.gate_sum(gate * s.hidden + k, h); };
  const double old = s.cell[k];
  Way way{};
  way.input_sum = sum(input) + peephole(s, input, k) * old;
  way.forget_sum = sum(forget) + peephole(s, forget, k) * old;
  way.candidate_sum = sum(candidate);
  way.input = s.activate(0, way.input_sum);
  way.forget = is_coupled ? 1 - way.input : s.activate(0, way.forget_sum);
  way.candidate = s.activate(1, way.candidate_sum);
  way.cell = way.forget * old + way.input * way.candidate;
  way.output_sum = sum(output) + peephole(s, output, k) * way.cell;
  way.output = s.activate(0, way.output_sum);
  return way;
}

void step(const RecurrentStep& s, const Attributes& attributes) {
  const std::vector<double> h(s.state.begin(), s.state.end());
  for (std::size_t k = 0; k < s.hidden; ++k) {
    const Way way = way_of(s, h, k, couples(attributes));
    s.cell[k] = way.cell;
    s.state[k] = way.output * s.activations[2](way.cell);
  }
}

void step_gradient(RecurrentStepGradient& g, const Attributes& attributes) {
  const RecurrentStep& s = g.step;
  for (std::size_t k = 0; k < s.hidden; ++k) {
    const Way way = way_of(s, s.state, k, couples(attributes));
    const double old = s.cell[k], dh = g.state[k];
    const auto set = [&](Gate gate, double value) {
      g.x_gates[gate * s.hidden + k] = g.recurrent[gate * s.hidden + k] = value;
    };
    const double d_output = dh * s.activations[2](way.cell) * s.slope(0, way.output_sum);
    const double d_cell =
        g.cell[k] + dh * way.output * s.activations[2].slope(way.cell) + d_output * peephole(s, output, k);
    const bool is_coupled = couples(attributes);
    const double d_input = d_cell * (way.candidate - (is_coupled ? old : 0)) * s.slope(0, way.input_sum);
    const double d_forget = is_coupled ? 0 : d_cell * old * s.slope(0, way.forget_sum);
    set(input, d_input);
    set(output, d_output);
    set(forget, d_forget);
    set(candidate, d_cell * way.input * s.slope(1, way.candidate_sum));
    g.state[k] = 0;
    g.cell[k] = d_cell * way.forget + d_input * peephole(s, input, k) + d_forget * peephole(s, forget, k);
    if (g.peepholes.empty()) continue;
    g.peepholes[input * s.hidden + k] += d_input * old;
    g.peepholes[output * s.hidden + k] += d_output * way.cell;
    g.peepholes[forget * s.hidden + k] += d_forget * old;
  }
}

}  // namespace

const RecurrentCell& lstm_cell() {
  static const RecurrentCell cell{.gates = 4,
                                  .has_cell_state = true,
                                  .default_activations = {"Sigmoid", "Tanh", "Tanh"},
                                  .step = step,
                                  .step_gradient = step_gradient};
  return cell;
}

OpDefinition lstm_op() { return recurrent_op("LSTM", {1, 7, 14, 22}, lstm_cell()); }

}  // namespace edgeopt
