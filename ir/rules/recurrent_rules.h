// What RNN, GRU and LSTM share: their shapes, their cells and the walk over directions, batch and steps.
#pragma once
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "ir/op.h"

namespace edgeopt {

struct Activation {
  std::function<double(double)> value, slope;
  double operator()(double x) const { return value(x); }
};

/// One direction's parameters and one batch entry's state, for one time step. Gates lie one behind the other,
/// `hidden` elements each.
struct RecurrentStep {
  std::size_t hidden = 0;
  std::span<const double> x_gates;      // W x + Wb, [gates * hidden]
  std::span<const double> recurrence;   // R, [gates * hidden, hidden]
  std::span<const double> hidden_bias;  // Rb, [gates * hidden]
  std::span<const double> peepholes;    // P of LSTM, [3 * hidden] or empty
  std::span<const Activation> activations;
  double clip = 0;                // 0: none
  std::span<double> state, cell;  // read and replaced

  /// (R h)[row] for a state h
  double recur(std::size_t row, std::span<const double> h) const;
  /// W x + Wb + R h + Rb at a row
  double gate_sum(std::size_t row, std::span<const double> h) const;
  /// target += factor * R[row]
  void add_recurrence(std::size_t row, double factor, std::span<double> target) const;
  /// Activation `which`, of what is clipped before if the node says so.
  double activate(std::size_t which, double sum) const;
  /// Its derivative by `sum`.
  double slope(std::size_t which, double sum) const;
};

/// One step backwards.
struct RecurrentStepGradient {
  const RecurrentStep& step;  // state and cell as they were before it
  std::span<double> state,
      cell;                   // of the new ones; becomes those of the old ones, without what goes through R h
  std::span<double> x_gates;  // of W x + Wb
  std::span<double> recurrent;           // of R h + Rb
  std::span<double> peepholes;           // grows
  std::vector<double> reset_state = {};  // of GRU: what the last gate's rows of R multiply instead of h
};

struct RecurrentCell {
  std::size_t gates = 1;
  bool has_cell_state = false;
  std::vector<std::string> default_activations;
  std::function<void(const RecurrentStep&, const Attributes&)> step;
  std::function<void(RecurrentStepGradient&, const Attributes&)> step_gradient;
};

/// In ir/ops/rnn.cpp, gru.cpp, lstm.cpp.
const RecurrentCell& rnn_cell();
const RecurrentCell& gru_cell();
const RecurrentCell& lstm_cell();

/// The operator that repeats a cell, which must live as long as the program. Y, Y_h and, with a cell state,
/// Y_c. Its gradient emits <name>Gradient (ir/ops/recurrent_gradient_table.cpp).
OpDefinition recurrent_op(std::string name, std::vector<int> versions, const RecurrentCell& cell);

/// Multiply-adds of W x and R h over all steps, batch entries and directions; symbols count as 1.
Cost recurrent_cost(const InferCall& call);

}  // namespace edgeopt
