#include "ir/recurrent_rules.h"

#include <fmt/format.h>

#include <algorithm>

#include "ir/call_inputs.h"
#include "ir/integer_rules.h"
#include "ir/move_elements.h"
#include "ir/op_rules.h"
#include "ir/recurrent_activations.h"
#include "support/error.h"

namespace edgeopt {
namespace {

using Numbers = std::vector<double>;

struct Sizes {
  std::size_t directions, steps, batch, inputs, hidden;
};

// Everything in the layout [steps, batch, ...] and [directions, batch, hidden] of layout 0.
struct Sequence {
  Sizes sizes;
  std::size_t gates;
  Numbers x, w, r, bias, state, cell, peepholes;
  std::vector<std::int64_t> lengths;
  Numbers y;  // [steps, directions, batch, hidden]
};

bool is_batch_first(const Attributes& attributes) { return attributes.get_int("layout", 0) == 1; }

std::size_t direction_count(const Attributes& attributes) {
  return attributes.get_string("direction", "forward") == "bidirectional" ? 2 : 1;
}

Tensor swapped_if(const Tensor& tensor, bool swap) {
  return swap && tensor.rank() == 3 ? transpose(tensor, Dims{1, 0, 2}) : tensor;
}

Numbers numbers_or_zeros(const Tensor& tensor, std::size_t count) {
  if (tensor.dtype() == DataType::undefined) return Numbers(count, 0);
  if (tensor.element_count() != static_cast<std::int64_t>(count))
    throw UserError(
        fmt::format("an input has shape {}, but must have {} elements", to_string(tensor.dims()), count));
  return to_doubles(tensor);
}

Sizes sizes_of(const Tensor& x, const Tensor& w, const Tensor& r, std::int64_t stated_hidden) {
  if (x.rank() != 3 || w.rank() != 3 || r.rank() != 3)
    throw UserError(fmt::format("X, W and R have shapes {}, {} and {}, but must have 3 dims",
                                to_string(x.dims()), to_string(w.dims()), to_string(r.dims())));
  if (stated_hidden != 0 && stated_hidden != r.dims()[2])
    throw UserError(fmt::format("hidden_size is {}, but R has shape {}", stated_hidden, to_string(r.dims())));
  const auto size = [](std::int64_t dim) { return static_cast<std::size_t>(dim); };
  return {.directions = size(w.dims()[0]),
          .steps = size(x.dims()[0]),
          .batch = size(x.dims()[1]),
          .inputs = size(x.dims()[2]),
          .hidden = size(r.dims()[2])};
}

Sequence sequence_of(const EvaluateCall& call, const RecurrentCell& cell) {
  const bool batch_first = is_batch_first(call.attributes());
  const Tensor x = swapped_if(required_input(call, 0), batch_first);
  const Sizes s = sizes_of(x, required_input(call, 1), required_input(call, 2),
                           call.attributes().get_int("hidden_size", 0));
  const std::size_t rows = s.directions * cell.gates * s.hidden;
  const auto state = [&](std::size_t index) {
    const Tensor given = optional_input(call, index);
    return numbers_or_zeros(given.rank() == 3 ? swapped_if(given, batch_first) : given,
                            s.directions * s.batch * s.hidden);
  };
  Sequence sequence{.sizes = s, .gates = cell.gates};
  sequence.x = to_doubles(x);
  sequence.w = numbers_or_zeros(call.inputs[1], rows * s.inputs);
  sequence.r = numbers_or_zeros(call.inputs[2], rows * s.hidden);
  sequence.bias = numbers_or_zeros(optional_input(call, 3), 2 * rows);
  sequence.lengths.assign(s.batch, static_cast<std::int64_t>(s.steps));
  if (call.has_input(4)) sequence.lengths = to_int64s(call.inputs[4]);
  if (sequence.lengths.size() != s.batch)
    throw UserError(
        fmt::format("{} sequence lengths are given for a batch of {}", sequence.lengths.size(), s.batch));
  sequence.state = state(5);
  if (cell.has_cell_state) sequence.cell = state(6);
  if (cell.has_cell_state && call.has_input(7))
    sequence.peepholes = numbers_or_zeros(call.inputs[7], s.directions * 3 * s.hidden);
  sequence.y.assign(s.steps * s.directions * s.batch * s.hidden, 0);
  return sequence;
}

std::span<double> part(Numbers& numbers, std::size_t index, std::size_t size) {
  return numbers.empty() ? std::span<double>() : std::span(numbers).subspan(index * size, size);
}

// W x + Wb
Numbers input_gates(Sequence& sequence, std::size_t direction, std::span<const double> x) {
  const std::size_t rows = sequence.gates * sequence.sizes.hidden;
  const auto w = part(sequence.w, direction, rows * sequence.sizes.inputs);
  const auto bias = part(sequence.bias, direction, 2 * rows);
  Numbers gates(bias.begin(), bias.begin() + static_cast<std::ptrdiff_t>(rows));
  for (std::size_t row = 0; row < rows; ++row)
    for (std::size_t i = 0; i < x.size(); ++i) gates[row] += w[row * x.size() + i] * x[i];
  return gates;
}

struct Lane {
  std::size_t direction, batch;
  bool is_reverse;
  std::span<const Activation> activations;
};

// All steps of one batch entry in one direction.
void run_lane(Sequence& sequence, const Lane& lane, const Attributes& attributes, const RecurrentCell& cell) {
  const Sizes& s = sequence.sizes;
  const std::size_t rows = sequence.gates * s.hidden, entry = lane.direction * s.batch + lane.batch;
  const auto length = static_cast<std::size_t>(
      std::clamp<std::int64_t>(sequence.lengths[lane.batch], 0, static_cast<std::int64_t>(s.steps)));
  RecurrentStep step{.hidden = s.hidden,
                     .recurrence = part(sequence.r, lane.direction, rows * s.hidden),
                     .hidden_bias = part(sequence.bias, 2 * lane.direction + 1, rows),
                     .peepholes = part(sequence.peepholes, lane.direction, 3 * s.hidden),
                     .activations = lane.activations,
                     .clip = attributes.get_float("clip", 0),
                     .state = part(sequence.state, entry, s.hidden),
                     .cell = part(sequence.cell, entry, s.hidden)};
  for (std::size_t i = 0; i < length; ++i) {
    const std::size_t t = lane.is_reverse ? length - 1 - i : i;
    const Numbers gates =
        input_gates(sequence, lane.direction, part(sequence.x, t * s.batch + lane.batch, s.inputs));
    step.x_gates = gates;
    cell.step(step, attributes);
    std::ranges::copy(
        step.state,
        part(sequence.y, (t * s.directions + lane.direction) * s.batch + lane.batch, s.hidden).begin());
  }
}

Tensors outputs_of(const Sequence& sequence, DataType dtype, bool batch_first) {
  const auto size = [](std::size_t count) { return static_cast<std::int64_t>(count); };
  const Sizes& s = sequence.sizes;
  Tensor y =
      from_doubles(dtype, {size(s.steps), size(s.directions), size(s.batch), size(s.hidden)}, sequence.y);
  const Dims state_dims{size(s.directions), size(s.batch), size(s.hidden)};
  Tensor state = from_doubles(dtype, state_dims, sequence.state);
  if (batch_first) y = transpose(y, Dims{2, 0, 1, 3});
  Tensors outputs{y, swapped_if(state, batch_first)};
  if (!sequence.cell.empty())
    outputs.push_back(swapped_if(from_doubles(dtype, state_dims, sequence.cell), batch_first));
  return outputs;
}

}  // namespace

double RecurrentStep::recur(std::size_t row, std::span<const double> h) const {
  double sum = 0;
  for (std::size_t i = 0; i < hidden; ++i) sum += recurrence[row * hidden + i] * h[i];
  return sum;
}

double RecurrentStep::clipped(double value) const {
  return clip > 0 ? std::clamp(value, -clip, clip) : value;
}

std::vector<Operand> infer_recurrent(const InferCall& call, const RecurrentCell& cell) {
  const Operand& x = required_input(call, 0);
  const Operand& r = required_input(call, 2);
  Dim steps, batch, hidden;
  if (x.has_shape() && x.shape().size() == 3) {
    const bool batch_first = is_batch_first(call.attributes());
    steps = x.shape()[batch_first ? 1 : 0];
    batch = x.shape()[batch_first ? 0 : 1];
  }
  if (const std::int64_t size = call.attributes().get_int("hidden_size", 0); size > 0)
    hidden = size;
  else if (r.has_shape() && r.shape().size() == 3)
    hidden = r.shape()[2];
  const auto directions = static_cast<std::int64_t>(direction_count(call.attributes()));
  const bool batch_first = is_batch_first(call.attributes());
  const Shape y =
      batch_first ? Shape{batch, steps, directions, hidden} : Shape{steps, directions, batch, hidden};
  const Shape state = batch_first ? Shape{batch, directions, hidden} : Shape{directions, batch, hidden};
  std::vector<Operand> outputs{operand(x.type.dtype, y), operand(x.type.dtype, state)};
  if (cell.has_cell_state) outputs.push_back(operand(x.type.dtype, state));
  return outputs;
}

Tensors evaluate_recurrent(const EvaluateCall& call, const RecurrentCell& cell) {
  Sequence sequence = sequence_of(call, cell);
  const std::size_t directions = direction_count(call.attributes());
  if (directions != sequence.sizes.directions)
    throw UserError(fmt::format("W has {} directions, but direction '{}' needs {}", sequence.sizes.directions,
                                call.attributes().get_string("direction", "forward"), directions));
  const std::vector<Activation> activations =
      activations_of(call.attributes(), cell.default_activations, directions);
  const std::size_t per_direction = activations.size() / directions;
  const bool reverse = call.attributes().get_string("direction", "forward") == "reverse";
  for (std::size_t d = 0; d < directions; ++d)
    for (std::size_t b = 0; b < sequence.sizes.batch; ++b)
      run_lane(sequence,
               {.direction = d,
                .batch = b,
                .is_reverse = reverse || d == 1,
                .activations = std::span(activations).subspan(d * per_direction, per_direction)},
               call.attributes(), cell);
  return outputs_of(sequence, call.inputs[0].dtype(), is_batch_first(call.attributes()));
}

Cost recurrent_cost(const InferCall& call) {
  const Operand& x = required_input(call, 0);
  if (!x.has_shape() || x.shape().size() != 3) return {};
  const auto counted = [](const Dim& dim) { return dim.is_number() ? dim.size : 1; };
  const std::int64_t positions = counted(x.shape()[0]) * counted(x.shape()[1]);
  return {.multiply_adds = positions * (known_element_count(required_input(call, 1)) +
                                        known_element_count(required_input(call, 2)))};
}

}  // namespace edgeopt
