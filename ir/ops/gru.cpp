// z = f(Wz x + Rz h + b)   r = f(Wr x + Rr h + b)   c = g(Wh x + Rh (r . h) + b)   h = (1 - z) . c + z . h
// With linear_before_reset: c = g(Wh x + Wbh + r . (Rh h + Rbh))
#include "ir/rules/recurrent_rules.h"

namespace edgeopt {
namespace {

enum Gate : std::size_t { update, reset, candidate };

bool resets_late(const Attributes& attributes) { return attributes.get_int("linear_before_reset", 0) != 0; }

// What a step computes on the way, for all elements of the state.
struct Way {
  std::vector<double> update_sum, reset_sum, reset, reset_state, recurrent, candidate_sum;
};

Way way_of(const RecurrentStep& s, std::span<const double> h, bool is_late) {
  Way way;
  for (std::size_t i = 0; i < s.hidden; ++i) {
    way.update_sum.push_back(s.gate_sum(update * s.hidden + i, h));
    way.reset_sum.push_back(s.gate_sum(reset * s.hidden + i, h));
    way.reset.push_back(s.activate(0, way.reset_sum[i]));
    way.reset_state.push_back(way.reset[i] * h[i]);
  }
  for (std::size_t i = 0; i < s.hidden; ++i) {
    const std::size_t row = candidate * s.hidden + i;
    way.recurrent.push_back(s.recur(row, is_late ? h : way.reset_state) + s.hidden_bias[row]);
    way.candidate_sum.push_back(s.x_gates[row] + (is_late ? way.reset[i] : 1) * way.recurrent[i]);
  }
  return way;
}

void step(const RecurrentStep& s, const Attributes& attributes) {
  const Way way = way_of(s, s.state, resets_late(attributes));
  for (std::size_t i = 0; i < s.hidden; ++i) {
    const double share = s.activate(0, way.update_sum[i]);
    s.state[i] = (1 - share) * s.activate(1, way.candidate_sum[i]) + share * s.state[i];
  }
}

void step_gradient(RecurrentStepGradient& g, const Attributes& attributes) {
  const RecurrentStep& s = g.step;
  const bool is_late = resets_late(attributes);
  const Way way = way_of(s, s.state, is_late);
  std::vector<double> reset_gradient(s.hidden), reset_state_gradient(s.hidden, 0);
  for (std::size_t i = 0; i < s.hidden; ++i) {
    const std::size_t row = candidate * s.hidden + i;
    const double share = s.activate(0, way.update_sum[i]), dh = g.state[i];
    g.x_gates[i] = dh * (s.state[i] - s.activate(1, way.candidate_sum[i])) * s.slope(0, way.update_sum[i]);
    g.x_gates[row] = dh * (1 - share) * s.slope(1, way.candidate_sum[i]);
    g.recurrent[row] = g.x_gates[row] * (is_late ? way.reset[i] : 1);
    g.state[i] = dh * share;
    reset_gradient[i] = g.x_gates[row] * way.recurrent[i];
    if (!is_late) s.add_recurrence(row, g.recurrent[row], reset_state_gradient);
  }
  for (std::size_t i = 0; i < s.hidden; ++i) {
    if (!is_late) {
      reset_gradient[i] = reset_state_gradient[i] * s.state[i];
      g.state[i] += reset_state_gradient[i] * way.reset[i];
    }
    const std::size_t row = reset * s.hidden + i;
    g.x_gates[row] = reset_gradient[i] * s.slope(0, way.reset_sum[i]);
    g.recurrent[i] = g.x_gates[i];
    g.recurrent[row] = g.x_gates[row];
  }
  if (!is_late) g.reset_state = way.reset_state;
}

}  // namespace

const RecurrentCell& gru_cell() {
  static const RecurrentCell cell{
      .gates = 3, .default_activations = {"Sigmoid", "Tanh"}, .step = step, .step_gradient = step_gradient};
  return cell;
}

OpDefinition gru_op() { return recurrent_op("GRU", {1, 3, 7, 14, 22}, gru_cell()); }

}  // namespace edgeopt
