#include "ir/rules/recurrent_sequence.h"

#include <fmt/format.h>

#include <algorithm>

#include "ir/rules/call_inputs.h"
#include "ir/rules/integer_rules.h"
#include "ir/rules/move_elements.h"
#include "ir/rules/op_rules.h"
#include "ir/rules/recurrent_activations.h"
#include "support/error.h"

namespace edgeopt {
namespace {

std::vector<double> numbers_or_zeros(const Tensor& tensor, std::size_t count) {
  if (tensor.dtype() == DataType::undefined) return std::vector<double>(count, 0);
  if (tensor.element_count() != static_cast<std::int64_t>(count))
    throw UserError(
        fmt::format("an input has shape {}, but must have {} elements", to_string(tensor.dims()), count));
  return to_doubles(tensor);
}

void set_sizes(RecurrentSequence& sequence, const Tensor& x, const Tensor& w, const Tensor& r) {
  if (x.rank() != 3 || w.rank() != 3 || r.rank() != 3)
    throw UserError(fmt::format("X, W and R have shapes {}, {} and {}, but must have 3 dims",
                                to_string(x.dims()), to_string(w.dims()), to_string(r.dims())));
  const auto size = [](std::int64_t dim) { return static_cast<std::size_t>(dim); };
  sequence.directions = size(w.dims()[0]);
  sequence.steps = size(x.dims()[0]);
  sequence.batch = size(x.dims()[1]);
  sequence.inputs = size(x.dims()[2]);
  sequence.hidden = size(r.dims()[2]);
}

void require_sizes(const RecurrentSequence& sequence, const Attributes& attributes, const Tensor& r) {
  const std::int64_t stated = attributes.get_int("hidden_size", 0);
  if (stated != 0 && stated != static_cast<std::int64_t>(sequence.hidden))
    throw UserError(fmt::format("hidden_size is {}, but R has shape {}", stated, to_string(r.dims())));
  const std::string direction = attributes.get_string("direction", "forward");
  const std::size_t wanted = direction == "bidirectional" ? 2 : 1;
  if (wanted != sequence.directions)
    throw UserError(fmt::format("W has {} directions, but direction '{}' needs {}", sequence.directions,
                                direction, wanted));
}

void set_lengths(RecurrentSequence& sequence, const EvaluateCall& call) {
  sequence.lengths.assign(sequence.batch, static_cast<std::int64_t>(sequence.steps));
  if (call.has_input(4)) sequence.lengths = to_int64s(call.inputs[4]);
  if (sequence.lengths.size() != sequence.batch)
    throw UserError(fmt::format("{} sequence lengths are given for a batch of {}", sequence.lengths.size(),
                                sequence.batch));
}

}  // namespace

Tensor in_layout_of(const Attributes& attributes, const Tensor& tensor) {
  if (attributes.get_int("layout", 0) != 1) return tensor;
  if (tensor.rank() == 4) return transpose(tensor, Dims{2, 0, 1, 3});
  return tensor.rank() == 3 ? transpose(tensor, Dims{1, 0, 2}) : tensor;
}

RecurrentSequence recurrent_sequence_of(const EvaluateCall& call, const RecurrentCell& cell) {
  const Attributes& attributes = call.attributes();
  const Tensor x = in_layout_of(attributes, required_input(call, 0));
  RecurrentSequence sequence{.gates = cell.gates};
  set_sizes(sequence, x, required_input(call, 1), required_input(call, 2));
  require_sizes(sequence, attributes, call.inputs[2]);
  const std::size_t rows = sequence.directions * sequence.rows();
  const auto state = [&](std::size_t index) {
    return numbers_or_zeros(in_layout_of(attributes, optional_input(call, index)),
                            sequence.directions * sequence.batch * sequence.hidden);
  };
  sequence.x = to_doubles(x);
  sequence.w = numbers_or_zeros(call.inputs[1], rows * sequence.inputs);
  sequence.r = numbers_or_zeros(call.inputs[2], rows * sequence.hidden);
  sequence.bias = numbers_or_zeros(optional_input(call, 3), 2 * rows);
  set_lengths(sequence, call);
  sequence.state = state(5);
  if (cell.has_cell_state) sequence.cell = state(6);
  if (cell.has_cell_state && call.has_input(7))
    sequence.peepholes = numbers_or_zeros(call.inputs[7], sequence.directions * 3 * sequence.hidden);
  sequence.activations = activations_of(attributes, cell.default_activations, sequence.directions);
  sequence.clip = attributes.get_float("clip", 0);
  sequence.is_reverse = attributes.get_string("direction", "forward") == "reverse";
  return sequence;
}

RecurrentLane::RecurrentLane(RecurrentSequence& sequence, std::size_t direction, std::size_t entry)
    : sequence_(sequence),
      direction_(direction),
      entry_(entry),
      length_(static_cast<std::size_t>(
          std::clamp<std::int64_t>(sequence.lengths[entry], 0, static_cast<std::int64_t>(sequence.steps)))),
      gates_(sequence.rows()) {}

std::size_t RecurrentLane::time_of(std::size_t i) const {
  return sequence_.is_reverse || direction_ == 1 ? length_ - 1 - i : i;
}

std::size_t RecurrentLane::output_place(std::size_t i) const {
  return (time_of(i) * sequence_.directions + direction_) * sequence_.batch + entry_;
}

// W x + Wb
void RecurrentLane::compute_input_gates(std::size_t i) {
  const auto x = piece_of(sequence_.x, input_place(i), sequence_.inputs);
  const auto w = piece_of(sequence_.w, direction_, gates_.size() * x.size());
  const auto bias = piece_of(sequence_.bias, 2 * direction_, gates_.size());
  for (std::size_t row = 0; row < gates_.size(); ++row) {
    gates_[row] = bias[row];
    for (std::size_t k = 0; k < x.size(); ++k) gates_[row] += w[row * x.size() + k] * x[k];
  }
}

RecurrentStep RecurrentLane::step(std::size_t i) {
  const std::size_t per_direction = sequence_.activations.size() / sequence_.directions;
  const std::size_t hidden = sequence_.hidden, rows = sequence_.rows();
  compute_input_gates(i);
  return {.hidden = hidden,
          .x_gates = gates_,
          .recurrence = piece_of(sequence_.r, direction_, rows * hidden),
          .hidden_bias = piece_of(sequence_.bias, 2 * direction_ + 1, rows),
          .peepholes = piece_of(sequence_.peepholes, direction_, 3 * hidden),
          .activations = std::span(sequence_.activations).subspan(direction_ * per_direction, per_direction),
          .clip = sequence_.clip,
          .state = piece_of(sequence_.state, state_place(), hidden),
          .cell = piece_of(sequence_.cell, state_place(), hidden)};
}

}  // namespace edgeopt
