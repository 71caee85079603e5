// Gradients of RNN, GRU and LSTM by their inputs X, W, R, B, h, c and P, from (these and the lengths, the
// gradients of Y, Y_h and Y_c): back through time, the states of each lane computed once more.
// source  Werbos, "Backpropagation Through Time: What It Does and How to Do It", Proc. IEEE, 1990
#include <fmt/format.h>

#include <algorithm>

#include "ir/gradient/gradient_rules.h"
#include "ir/rules/call_inputs.h"
#include "ir/rules/integer_rules.h"
#include "ir/rules/move_elements.h"
#include "ir/rules/op_rules.h"
#include "ir/rules/recurrent_sequence.h"
#include "support/error.h"

namespace edgeopt {
namespace {

constexpr std::size_t first_gradient_input = 8;

using Numbers = std::vector<double>;

void add_scaled(std::span<double> target, double factor, std::span<const double> x) {
  for (std::size_t i = 0; i < x.size(); ++i) target[i] += factor * x[i];
}

class Backpropagation {
 public:
  Backpropagation(const EvaluateCall& call, const RecurrentCell& cell)
      : call_(call), cell_(cell), forward_(recurrent_sequence_of(call, cell)), gradient_(forward_) {
    for (Numbers* numbers : {&gradient_.x, &gradient_.w, &gradient_.r, &gradient_.bias, &gradient_.peepholes})
      std::ranges::fill(*numbers, 0.0);
    const std::size_t states = forward_.directions * forward_.batch * forward_.hidden;
    dy_ = arriving(0, states * forward_.steps);
    gradient_.state = arriving(1, states);
    if (cell.has_cell_state) gradient_.cell = arriving(2, states);
  }

  Tensors run() {
    for_lanes(forward_, [&](RecurrentLane& lane) { go_back(lane); });
    // The lengths have none.
    const std::vector<const Numbers*> results = {
        &gradient_.x, &gradient_.w,     &gradient_.r,    &gradient_.bias,
        nullptr,      &gradient_.state, &gradient_.cell, &gradient_.peepholes};
    Tensors tensors;
    for (std::size_t i = 0; i < results.size(); ++i)
      tensors.push_back(call_.has_input(i) && results[i] ? as_input(i, *results[i]) : Tensor());
    return tensors;
  }

 private:
  Numbers arriving(std::size_t output, std::size_t count) const {
    const Tensor given = optional_input(call_, first_gradient_input + output);
    if (given.dtype() == DataType::undefined) return Numbers(count, 0);
    if (given.element_count() != static_cast<std::int64_t>(count))
      throw UserError(fmt::format("the gradient of output {} has shape {}, but must have {} elements", output,
                                  to_string(given.dims()), count));
    return to_doubles(from_layout(given));
  }

  // The permutations of batch and steps, and of batch and directions, are their own inverses.
  Tensor from_layout(const Tensor& tensor) const {
    if (call_.attributes().get_int("layout", 0) == 1 && tensor.rank() == 4)
      return transpose(tensor, Dims{1, 2, 0, 3});
    return in_layout_of(call_.attributes(), tensor);
  }

  Tensor as_input(std::size_t index, const Numbers& numbers) const {
    const Tensor& like = call_.inputs[index];
    const bool has_layout = index == 0 || index == 5 || index == 6;
    if (!has_layout) return from_doubles(like.dtype(), like.dims(), numbers);
    const Dims dims = in_layout_of(call_.attributes(), like).dims();
    return in_layout_of(call_.attributes(), from_doubles(like.dtype(), dims, numbers));
  }

  void go_back(RecurrentLane& lane) {
    std::vector<Numbers> states, cells;
    const auto state = piece_of(forward_.state, lane.state_place(), forward_.hidden);
    const auto cell = piece_of(forward_.cell, lane.state_place(), forward_.hidden);
    for (std::size_t i = 0; i < lane.length(); ++i) {
      states.emplace_back(state.begin(), state.end());
      cells.emplace_back(cell.begin(), cell.end());
      if (i + 1 < lane.length()) cell_.step(lane.step(i), call_.attributes());
    }
    for (std::size_t i = lane.length(); i-- > 0;) {
      std::ranges::copy(states[i], state.begin());
      std::ranges::copy(cells[i], cell.begin());
      step_back(lane, i);
    }
  }

  void step_back(RecurrentLane& lane, std::size_t i) {
    const RecurrentStep step = lane.step(i);
    const std::size_t rows = forward_.rows(), hidden = forward_.hidden, d = lane.direction();
    Numbers x_gates(rows, 0), recurrent(rows, 0);
    RecurrentStepGradient g{.step = step,
                            .state = piece_of(gradient_.state, lane.state_place(), hidden),
                            .cell = piece_of(gradient_.cell, lane.state_place(), hidden),
                            .x_gates = x_gates,
                            .recurrent = recurrent,
                            .peepholes = piece_of(gradient_.peepholes, d, 3 * hidden)};
    add_scaled(g.state, 1, piece_of(dy_, lane.output_place(i), hidden));
    cell_.step_gradient(g, call_.attributes());
    add_scaled(piece_of(gradient_.bias, 2 * d, rows), 1, x_gates);
    add_scaled(piece_of(gradient_.bias, 2 * d + 1, rows), 1, recurrent);
    for (std::size_t row = 0; row < rows; ++row) {
      const bool is_reset = !g.reset_state.empty() && row >= rows - hidden;
      if (!is_reset) step.add_recurrence(row, recurrent[row], g.state);
      if (wants(2))
        add_scaled(piece_of(gradient_.r, d * rows + row, hidden), recurrent[row],
                   is_reset ? std::span<const double>(g.reset_state) : step.state);
    }
    add_inputs(lane, i, x_gates);
  }

  // Of W x.
  void add_inputs(const RecurrentLane& lane, std::size_t i, const Numbers& x_gates) {
    const auto x = piece_of(forward_.x, lane.input_place(i), forward_.inputs);
    const auto dx = piece_of(gradient_.x, lane.input_place(i), forward_.inputs);
    for (std::size_t row = 0; row < x_gates.size(); ++row) {
      const std::size_t place = lane.direction() * x_gates.size() + row;
      if (wants(0)) add_scaled(dx, x_gates[row], piece_of(forward_.w, place, forward_.inputs));
      if (wants(1)) add_scaled(piece_of(gradient_.w, place, forward_.inputs), x_gates[row], x);
    }
  }

  bool wants(std::size_t input) const { return call_.node.has_output(input); }

  const EvaluateCall& call_;
  const RecurrentCell& cell_;
  RecurrentSequence forward_;
  RecurrentSequence gradient_;  // of the same operands
  Numbers dy_;
};

// One output per input in front, of its type.
std::vector<Operand> infer(const InferCall& call) {
  std::vector<Operand> outputs;
  for (std::size_t i = 0; i < first_gradient_input; ++i) {
    const ValueType type = call.has_input(i) ? call.inputs[i].type : ValueType{};
    outputs.push_back(operand(type.dtype, type.shape));
  }
  return outputs;
}

// The forward run once more, and twice as much backwards.
Cost cost(const InferCall& call, std::span<const Operand>) {
  return {.multiply_adds = 3 * recurrent_cost(call).multiply_adds};
}

OpDefinition gradient_of(const char* op_type, const RecurrentCell& (*cell)()) {
  return {
      .name = std::string(op_type) + "Gradient",
      .domain = training_domain,
      .required_inputs = 3,
      .infer = infer,
      .evaluate = [cell](const EvaluateCall& call) { return Backpropagation(call, cell()).run(); },
      .count_cost = cost,
  };
}

}  // namespace

std::vector<OpDefinition> recurrent_gradient_table() {
  return {gradient_of("RNN", rnn_cell), gradient_of("GRU", gru_cell), gradient_of("LSTM", lstm_cell)};
}

}  // namespace edgeopt
