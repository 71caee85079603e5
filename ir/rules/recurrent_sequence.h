// The operands of RNN, GRU and LSTM as numbers, and the order of their steps.
#pragma once
#include <span>
#include <vector>

#include "ir/rules/recurrent_rules.h"

namespace edgeopt {

/// Everything in the layout [steps, batch, ...] and [directions, batch, hidden] of layout 0. What is left out
/// is zeros, or empty: cell of RNN and GRU, peepholes.
struct RecurrentSequence {
  std::size_t directions = 0, steps = 0, batch = 0, inputs = 0, hidden = 0, gates = 0;
  std::vector<double> x, w, r, bias, state, cell, peepholes;
  std::vector<std::int64_t> lengths;  // one per batch entry
  std::vector<Activation> activations;
  double clip = 0;
  bool is_reverse = false;

  std::size_t rows() const { return gates * hidden; }
};

/// Of a node, or of its gradient's node, which has the same inputs in front.
RecurrentSequence recurrent_sequence_of(const EvaluateCall& call, const RecurrentCell& cell);

/// Piece `index` of pieces of `size`; empty if there are none.
inline std::span<double> piece_of(std::vector<double>& numbers, std::size_t index, std::size_t size) {
  return numbers.empty() ? std::span<double>() : std::span(numbers).subspan(index * size, size);
}

/// One direction of one batch entry.
class RecurrentLane {
 public:
  RecurrentLane(RecurrentSequence& sequence, std::size_t direction, std::size_t entry);

  std::size_t length() const { return length_; }
  std::size_t direction() const { return direction_; }
  /// Where in the sequence the i-th step is.
  std::size_t time_of(std::size_t i) const;
  /// Which piece of [steps, batch, inputs], of [directions, batch, hidden] and of
  /// [steps, directions, batch, hidden] belongs to it.
  std::size_t input_place(std::size_t i) const { return time_of(i) * sequence_.batch + entry_; }
  std::size_t state_place() const { return direction_ * sequence_.batch + entry_; }
  std::size_t output_place(std::size_t i) const;
  /// The i-th step, on the sequence's state; valid until the next call.
  RecurrentStep step(std::size_t i);

 private:
  void compute_input_gates(std::size_t i);

  RecurrentSequence& sequence_;
  std::size_t direction_, entry_, length_;
  std::vector<double> gates_;
};

/// Between layout 0 and the layout of the node: batch first.
Tensor in_layout_of(const Attributes& attributes, const Tensor& tensor);

/// Calls f(lane) for every direction and batch entry, in this order.
template <typename Function>
void for_lanes(RecurrentSequence& sequence, Function f) {
  for (std::size_t d = 0; d < sequence.directions; ++d)
    for (std::size_t b = 0; b < sequence.batch; ++b) {
      RecurrentLane lane(sequence, d, b);
      f(lane);
    }
}

}  // namespace edgeopt
