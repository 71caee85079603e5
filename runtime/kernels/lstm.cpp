// LSTM in floats with ONNX's default activations; per step, with gates in the order i,
// o, f, c:
//   g = b + W x + R h;  C = sigmoid(f) C + sigmoid(i) tanh(c);  h = sigmoid(o) tanh(C)
#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <functional>

#include "runtime/kernel.h"
#include "runtime/simd.h"

namespace edgeopt {
namespace {

// sums[j] += x[i] * columns[i][j]: the weights lie transposed, so that neighbours add side by side.
EDGEOPT_VECTORIZED void add_product(const float* x, std::int64_t count, const float* columns, float* sums,
                                    std::int64_t width) {
  for (std::int64_t i = 0; i < count; ++i) {
    const float factor = x[i];
    const float* column = columns + i * width;
#pragma omp simd
    for (std::int64_t j = 0; j < width; ++j) sums[j] += factor * column[j];
  }
}

float sigmoid(float x) { return 1 / (1 + std::exp(-x)); }

void advance(const float* gates, float* hidden, float* cell, std::int64_t size) {
  for (std::int64_t j = 0; j < size; ++j) {
    const float input = sigmoid(gates[j]);
    const float output = sigmoid(gates[size + j]);
    const float forget = sigmoid(gates[2 * size + j]);
    cell[j] = forget * cell[j] + input * std::tanh(gates[3 * size + j]);
    hidden[j] = output * std::tanh(cell[j]);
  }
}

struct Direction {
  std::vector<float> weights, recurrence, bias;  // transposed: [input][4 hidden], [hidden][4 hidden]
  bool is_reverse = false;
};

struct Network {
  std::vector<Direction> directions;
  std::int64_t steps = 0, batch = 0, inputs = 0, hidden = 0;
};

struct Places {
  std::shared_ptr<const Slot> x, initial_hidden, initial_cell;
  Slot* y = nullptr;
  Slot* last_hidden = nullptr;
  Slot* last_cell = nullptr;
  Slot* scratch = nullptr;
};

template <typename Place>
float* floats_at(const Place& place, std::int64_t offset) {
  return place ? reinterpret_cast<float*>(place->data) + offset : nullptr;
}

void load_state(float* state, const float* initial, std::int64_t count) {
  if (initial)
    std::copy(initial, initial + count, state);
  else
    std::fill(state, state + count, 0.0f);
}

// One direction of one sequence of the batch.
void run_sequence(const Network& network, const Places& places, std::size_t direction, std::int64_t sample) {
  const Direction& by = network.directions[direction];
  const std::int64_t size = network.hidden;
  const auto direction_count = static_cast<std::int64_t>(network.directions.size());
  const std::int64_t state = (static_cast<std::int64_t>(direction) * network.batch + sample) * size;
  float* gates = floats_at(places.scratch, 0);
  float* hidden = gates + 4 * size;
  float* cell = hidden + size;
  load_state(hidden, floats_at(places.initial_hidden, state), size);
  load_state(cell, floats_at(places.initial_cell, state), size);
  for (std::int64_t i = 0; i < network.steps; ++i) {
    const std::int64_t step = by.is_reverse ? network.steps - 1 - i : i;
    std::copy(by.bias.begin(), by.bias.end(), gates);
    add_product(floats_at(places.x, (step * network.batch + sample) * network.inputs), network.inputs,
                by.weights.data(), gates, 4 * size);
    add_product(hidden, size, by.recurrence.data(), gates, 4 * size);
    advance(gates, hidden, cell, size);
    if (places.y)
      std::copy(hidden, hidden + size,
                floats_at(places.y, step * direction_count * network.batch * size + state));
  }
  if (places.last_hidden) std::copy(hidden, hidden + size, floats_at(places.last_hidden, state));
  if (places.last_cell) std::copy(cell, cell + size, floats_at(places.last_cell, state));
}

// Some exporters write the defaults out, with names in any case.
bool has_default_activations(const Attributes& attributes) {
  if (attributes.find("activation_alpha") || attributes.find("activation_beta") || attributes.find("clip"))
    return false;
  const auto* names = attributes.get<std::vector<std::string>>("activations");
  for (std::size_t i = 0; names && i < names->size(); ++i) {
    std::string name = (*names)[i];
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    if (name != (i % 3 == 0 ? "sigmoid" : "tanh")) return false;
  }
  return true;
}

// X [steps,batch,inputs], W [directions,4*hidden,inputs], R [directions,4*hidden,hidden], B
// [directions,8*hidden], h and c [directions,batch,hidden]; the definition says what is wrong.
bool has_dims_of_lstm(const KernelCall& call) {
  const auto dims = [&](std::size_t i) { return call.inputs[i].form.dims; };
  if (dims(0).size() != 3 || dims(1).size() != 3 || dims(2).size() != 3) return false;
  const std::string kind = call.node().attributes.get_string("direction", "forward");
  const std::int64_t directions = kind == "bidirectional" ? 2 : 1, hidden = dims(2)[2];
  const auto is_left_out_or = [&](std::size_t i, const Dims& wanted) {
    return !call.has_input(i) || dims(i) == wanted;
  };
  const Dims state{directions, dims(0)[1], hidden};
  return dims(1) == Dims{directions, 4 * hidden, dims(0)[2]} &&
         dims(2) == Dims{directions, 4 * hidden, hidden} &&
         call.node().attributes.get_int("hidden_size", hidden) == hidden &&
         is_left_out_or(3, {directions, 8 * hidden}) && is_left_out_or(5, state) && is_left_out_or(6, state);
}

std::optional<std::string> decline_lstm(const KernelCall& call) {
  const Attributes& attributes = call.node().attributes;
  if (!has_default_activations(attributes)) return "its activations are not the default";
  if (attributes.get_int("input_forget", 0) != 0 || attributes.get_int("layout", 0) != 0)
    return "another variant";
  if (call.has_input(4) || call.has_input(7)) return "lengths per sequence, or peepholes";
  for (const TaskOperand& input : call.inputs)
    if (input.is_present && input.form.dtype != DataType::float32) return "an input is not float";
  if (!has_dims_of_lstm(call)) return "its operands do not fit together";
  return std::nullopt;
}

// [rows][columns] -> [columns][rows]
std::vector<float> transposed(const float* x, std::int64_t rows, std::int64_t columns) {
  std::vector<float> result(static_cast<std::size_t>(rows * columns));
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < columns; ++j)
      result[static_cast<std::size_t>(j * rows + i)] = x[i * columns + j];
  return result;
}

// The weights in ONNX's layout; bias may be null.
struct Weights {
  const float* input = nullptr;
  const float* recurrence = nullptr;
  const float* bias = nullptr;
};

void load_weights(Network& network, const Weights& weights) {
  const std::int64_t gates = 4 * network.hidden;
  for (std::size_t d = 0; d < network.directions.size(); ++d) {
    Direction& direction = network.directions[d];
    const auto skip = static_cast<std::int64_t>(d) * gates;
    direction.weights = transposed(weights.input + skip * network.inputs, gates, network.inputs);
    direction.recurrence = transposed(weights.recurrence + skip * network.hidden, gates, network.hidden);
    direction.bias.assign(static_cast<std::size_t>(gates), 0.0f);
    const float* bias = weights.bias ? weights.bias + 2 * skip : nullptr;
    for (std::int64_t j = 0; bias && j < gates; ++j)
      direction.bias[static_cast<std::size_t>(j)] = bias[j] + bias[gates + j];
  }
}

Network network_of(const KernelCall& call) {
  const Dims& x = call.inputs[0].form.dims;
  const Dims& recurrence = call.inputs[2].form.dims;
  Network network{.steps = x[0], .batch = x[1], .inputs = x[2], .hidden = recurrence[2]};
  const std::string kind = call.node().attributes.get_string("direction", "forward");
  for (std::int64_t d = 0; d < recurrence[0]; ++d)
    network.directions.push_back({.is_reverse = kind == "reverse" || d == 1});
  return network;
}

Slot* output_at(const KernelCall& call, std::size_t index) {
  return index < call.outputs.size() && call.outputs[index].is_present ? call.outputs[index].slot : nullptr;
}

bool has_constant_weights(const KernelCall& call) {
  constexpr std::array<std::size_t, 3> weights = {1, 2, 3};
  return std::all_of(weights.begin(), weights.end(), [&](std::size_t index) {
    return !call.has_input(index) || call.inputs[index].is_constant();
  });
}

void run_network(const Network& network, const Places& places) {
  for (std::size_t direction = 0; direction < network.directions.size(); ++direction)
    for (std::int64_t sample = 0; sample < network.batch; ++sample)
      run_sequence(network, places, direction, sample);
}

BoundStep bind_lstm(const KernelCall& call) {
  const auto network = std::make_shared<Network>(network_of(call));
  const auto place = [&](std::size_t index) {
    return call.has_input(index) ? place_of(call.inputs[index]) : nullptr;
  };
  const Places places{.x = place(0),
                      .initial_hidden = place(5),
                      .initial_cell = place(6),
                      .y = output_at(call, 0),
                      .last_hidden = output_at(call, 1),
                      .last_cell = output_at(call, 2),
                      .scratch = call.scratch};
  std::function<void()> load = [network, w = place(1), r = place(2), b = place(3)] {
    load_weights(*network, {floats_at(w, 0), floats_at(r, 0), floats_at(b, 0)});
  };
  if (has_constant_weights(call)) {
    load();
    load = nullptr;
  }
  return {.run =
              [network, places, load] {
                if (load) load();  // they change from run to run while learning
                run_network(*network, places);
              },
          .scratch_bytes = static_cast<std::size_t>(6 * network->hidden) * sizeof(float)};
}

KernelCase lstm_case(std::int64_t hidden, std::int64_t directions, const char* direction) {
  const auto floats = [](Dims dims) { return TensorForm{DataType::float32, std::move(dims)}; };
  return {.op_type = "LSTM",
          .inputs = {floats({3, 2, 5}), floats({directions, 4 * hidden, 5}),
                     floats({directions, 4 * hidden, hidden}), floats({directions, 8 * hidden})},
          .attributes = {{"hidden_size", hidden}, {"direction", direction}},
          .constant_inputs = {1, 2, 3},
          .output_count = 3};
}

}  // namespace

Kernel lstm_kernel() {
  Kernel kernel{.name = "lstm",
                .op_types = {"LSTM"},
                .decline = decline_lstm,
                .bind = bind_lstm,
                // Float sums of some dozens of products against double ones, over a few steps.
                .tolerance = 1e-5};
  for (const std::int64_t hidden : {1, 15, 16, 17}) kernel.cases.push_back(lstm_case(hidden, 1, "forward"));
  kernel.cases.push_back(lstm_case(5, 1, "reverse"));
  kernel.cases.push_back(lstm_case(5, 2, "bidirectional"));
  kernel.cases.push_back(lstm_case(5, 2, "bidirectional"));
  kernel.cases.back().constant_inputs = {};
  return kernel;
}

}  // namespace edgeopt
