// RNN, GRU and LSTM: directions, layouts, optional inputs, lengths, activations, variants.
#include "tests/ir/gradient/gradient_cases.h"

namespace edgeopt {
namespace {

using Names = std::vector<std::string>;
using Floats = std::vector<float>;

constexpr std::int64_t steps = 3, batch = 2, inputs = 2, hidden = 2;

struct Cell {
  std::string op_type;
  std::int64_t gates = 1;
  int output_count = 2;
};

const Cell rnn{.op_type = "RNN"};
const Cell gru{.op_type = "GRU", .gates = 3};
const Cell lstm{.op_type = "LSTM", .gates = 4, .output_count = 3};

std::vector<int> all_outputs(const Cell& cell) {
  return cell.output_count == 3 ? std::vector{0, 1, 2} : std::vector{0, 1};
}

// X, W and R learned, and all outputs used.
GradientCase plain(const Cell& cell, std::int64_t directions, Attributes attributes = {}) {
  attributes.set("hidden_size", hidden);
  return {.op_type = cell.op_type,
          .inputs = {learned({steps, batch, inputs}), learned({directions, cell.gates * hidden, inputs}),
                     learned({directions, cell.gates * hidden, hidden})},
          .attributes = std::move(attributes),
          .opsets = {14, 22},
          .output_count = cell.output_count,
          .used_outputs = all_outputs(cell)};
}

// The same with biases, lengths that differ, initial states and, where there are some, peepholes.
GradientCase full(const Cell& cell, std::int64_t directions, Attributes attributes = {}) {
  GradientCase result = plain(cell, directions, std::move(attributes));
  result.inputs.push_back(learned({directions, 2 * cell.gates * hidden}));
  result.inputs.push_back(fixed(Tensor::of<std::int32_t>({batch}, std::vector<std::int32_t>{3, 2})));
  result.inputs.push_back(learned({directions, batch, hidden}));
  if (cell.output_count < 3) return result;
  result.inputs.push_back(learned({directions, batch, hidden}));
  result.inputs.push_back(learned({directions, 3 * hidden}));
  return result;
}

GradientCase batch_first(const Cell& cell) {
  GradientCase result = full(cell, 2, {{"direction", "bidirectional"}, {"layout", 1}});
  result.inputs[0] = learned({batch, steps, inputs});
  for (std::size_t i = 5; i < result.inputs.size() && i < 7; ++i)
    result.inputs[i] = learned({batch, 2, hidden});
  return result;
}

std::vector<GradientCase> of_every_cell() {
  std::vector<GradientCase> cases;
  for (const Cell& cell : {rnn, gru, lstm}) {
    cases.push_back(plain(cell, 1));
    cases.push_back(full(cell, 1));
    cases.push_back(full(cell, 1, {{"direction", "reverse"}}));
    cases.push_back(full(cell, 2, {{"direction", "bidirectional"}}));
    cases.push_back(batch_first(cell));
    // About half of the sums reach so far.
    cases.push_back(full(cell, 1, {{"clip", 0.5F}}));
    GradientCase last = full(cell, 1);
    last.inputs[4] = left_out();
    last.used_outputs = {1};
    cases.push_back(last);
  }
  return cases;
}

std::vector<GradientCase> of_variants() {
  GradientCase without_bias = full(lstm, 1);
  without_bias.inputs[3] = left_out();
  GradientCase empty_sequence = full(gru, 1);
  empty_sequence.inputs[4] = fixed(Tensor::of<std::int32_t>({batch}, std::vector<std::int32_t>{0, 3}));
  return {
      full(gru, 1, {{"linear_before_reset", 1}}),
      full(gru, 2, {{"linear_before_reset", 1}, {"direction", "bidirectional"}}),
      full(lstm, 1, {{"input_forget", 1}}),
      without_bias,
      empty_sequence,
  };
}

std::vector<GradientCase> of_activations() {
  std::vector<GradientCase> cases;
  for (const char* name : {"Relu", "Tanh", "Sigmoid", "Softsign", "Softplus"})
    cases.push_back(full(rnn, 1, {{"activations", Names{name}}}));
  for (const char* name : {"LeakyRelu", "ThresholdedRelu", "Elu"})
    cases.push_back(full(rnn, 1, {{"activations", Names{name}}, {"activation_alpha", Floats{0.3F}}}));
  for (const char* name : {"Affine", "ScaledTanh", "HardSigmoid"})
    cases.push_back(full(rnn, 1,
                         {{"activations", Names{name}},
                          {"activation_alpha", Floats{0.4F}},
                          {"activation_beta", Floats{0.6F}}}));
  cases.push_back(full(lstm, 1, {{"activations", Names{"HardSigmoid", "Softsign", "Elu"}}}));
  cases.push_back(full(gru, 2,
                       {{"direction", "bidirectional"},
                        {"activations", Names{"Sigmoid", "Tanh", "HardSigmoid", "Softsign"}}}));
  return cases;
}

}  // namespace

std::vector<GradientCase> recurrent_gradient_cases() {
  std::vector<GradientCase> cases;
  for (auto* more : {of_every_cell, of_variants, of_activations})
    for (GradientCase& each : more()) cases.push_back(std::move(each));
  return cases;
}

}  // namespace edgeopt
