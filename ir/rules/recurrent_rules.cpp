#include "ir/rules/recurrent_rules.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "ir/gradient/gradient_rules.h"
#include "ir/rules/call_inputs.h"
#include "ir/rules/integer_rules.h"
#include "ir/rules/op_rules.h"
#include "ir/rules/recurrent_sequence.h"
#include "ir/saturated_counts.h"

namespace edgeopt {
namespace {

std::int64_t direction_count(const Attributes& attributes) {
  return attributes.get_string("direction", "forward") == "bidirectional" ? 2 : 1;
}

std::vector<Operand> infer_recurrent(const InferCall& call, const RecurrentCell& cell) {
  const Operand& x = required_input(call, 0);
  const Operand& r = required_input(call, 2);
  Dim steps, batch, hidden;
  if (x.has_shape() && x.shape().size() == 3) {
    const bool batch_first = call.attributes().get_int("layout", 0) == 1;
    steps = x.shape()[batch_first ? 1 : 0];
    batch = x.shape()[batch_first ? 0 : 1];
  }
  if (const std::int64_t size = call.attributes().get_int("hidden_size", 0); size > 0)
    hidden = size;
  else if (r.has_shape() && r.shape().size() == 3)
    hidden = r.shape()[2];
  const auto directions = direction_count(call.attributes());
  const bool batch_first = call.attributes().get_int("layout", 0) == 1;
  const Shape y =
      batch_first ? Shape{batch, steps, directions, hidden} : Shape{steps, directions, batch, hidden};
  const Shape state = batch_first ? Shape{batch, directions, hidden} : Shape{directions, batch, hidden};
  std::vector<Operand> outputs{operand(x.type.dtype, y), operand(x.type.dtype, state)};
  if (cell.has_cell_state) outputs.push_back(operand(x.type.dtype, state));
  return outputs;
}

Tensors evaluate_recurrent(const EvaluateCall& call, const RecurrentCell& cell) {
  RecurrentSequence sequence = recurrent_sequence_of(call, cell);
  std::vector<double> y(sequence.steps * sequence.directions * sequence.batch * sequence.hidden, 0);
  for_lanes(sequence, [&](RecurrentLane& lane) {
    for (std::size_t i = 0; i < lane.length(); ++i) {
      const RecurrentStep step = lane.step(i);
      cell.step(step, call.attributes());
      std::ranges::copy(step.state, piece_of(y, lane.output_place(i), sequence.hidden).begin());
    }
  });
  const auto size = [](std::size_t count) { return static_cast<std::int64_t>(count); };
  const Dims state_dims{size(sequence.directions), size(sequence.batch), size(sequence.hidden)};
  Dims y_dims = state_dims;
  y_dims.insert(y_dims.begin(), size(sequence.steps));
  const auto output = [&](const Dims& dims, const std::vector<double>& numbers) {
    return in_layout_of(call.attributes(), from_doubles(call.inputs[0].dtype(), dims, numbers));
  };
  Tensors outputs{output(y_dims, y), output(state_dims, sequence.state)};
  if (cell.has_cell_state) outputs.push_back(output(state_dims, sequence.cell));
  return outputs;
}

// Behind the node's own eight inputs (X, W, R, B, lengths, h, c, P) those of its outputs' gradients.
std::vector<ValueId> recurrent_gradient(const GradientCall& call) {
  constexpr std::size_t own_input_count = 8;
  std::vector<ValueId> inputs = call.node.inputs;
  inputs.resize(own_input_count, ValueId::none);
  inputs.insert(inputs.end(), call.output_gradients.begin(), call.output_gradients.end());
  std::vector<bool> wanted;
  for (std::size_t i = 0; i < own_input_count; ++i) wanted.push_back(call.wants(i));
  return emit_training(
      call, {.op_type = call.node.op_type + "Gradient", .inputs = inputs, .attributes = call.attributes()},
      wanted);
}

}  // namespace

double RecurrentStep::recur(std::size_t row, std::span<const double> h) const {
  double sum = 0;
  for (std::size_t i = 0; i < hidden; ++i) sum += recurrence[row * hidden + i] * h[i];
  return sum;
}

double RecurrentStep::gate_sum(std::size_t row, std::span<const double> h) const {
  return x_gates[row] + recur(row, h) + hidden_bias[row];
}

void RecurrentStep::add_recurrence(std::size_t row, double factor, std::span<double> target) const {
  for (std::size_t i = 0; i < hidden; ++i) target[i] += factor * recurrence[row * hidden + i];
}

double RecurrentStep::activate(std::size_t which, double sum) const {
  return activations[which](clip > 0 ? std::clamp(sum, -clip, clip) : sum);
}

double RecurrentStep::slope(std::size_t which, double sum) const {
  return clip > 0 && std::abs(sum) > clip ? 0 : activations[which].slope(sum);
}

Cost recurrent_cost(const InferCall& call) {
  const Operand& x = required_input(call, 0);
  if (!x.has_shape() || x.shape().size() != 3) return {};
  const std::int64_t positions = known_element_count(Shape(x.shape().begin(), x.shape().begin() + 2));
  return {.multiply_adds = saturated_product(positions, known_element_count(required_input(call, 1)) +
                                                            known_element_count(required_input(call, 2)))};
}

OpDefinition recurrent_op(std::string name, std::vector<int> versions, const RecurrentCell& cell) {
  return {
      .name = std::move(name),
      .versions = std::move(versions),
      .required_inputs = 3,
      .infer = [&cell](const InferCall& call) { return infer_recurrent(call, cell); },
      .evaluate = [&cell](const EvaluateCall& call) { return evaluate_recurrent(call, cell); },
      .count_cost = [](const InferCall& call, std::span<const Operand>) { return recurrent_cost(call); },
      .gradient = recurrent_gradient,
  };
}

}  // namespace edgeopt
