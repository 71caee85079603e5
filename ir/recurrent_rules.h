// What RNN, GRU and LSTM share: directions, sequence lengths, layouts, activations, initial states.
#pragma once
#include <functional>
#include <span>
#include <vector>

#include "ir/op.h"

namespace edgeopt {

using Activation = std::function<double(double)>;

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
  /// Before an activation: clipped if the node says so.
  double clipped(double value) const;
};

struct RecurrentCell {
  std::size_t gates = 1;
  bool has_cell_state = false;
  std::vector<std::string> default_activations;
  std::function<void(const RecurrentStep&, const Attributes&)> step;
};

/// Y, Y_h and, with a cell state, Y_c
std::vector<Operand> infer_recurrent(const InferCall& call, const RecurrentCell& cell);
Tensors evaluate_recurrent(const EvaluateCall& call, const RecurrentCell& cell);
/// Multiply-adds of W x and R h over all steps, batch entries and directions; symbols count as 1.
Cost recurrent_cost(const InferCall& call);

}  // namespace edgeopt
