// Optimizers, schedules, batches, variations and blocks on their own.
#include <doctest/doctest.h>

#include <cmath>
#include <set>

#include "calibration/training/batches.h"
#include "calibration/training/blocks.h"
#include "calibration/training/optimizer.h"
#include "support/error.h"
#include "tests/calibration/training/teaching.h"
#include "tests/support/onnx_text.h"

namespace edgeopt {
namespace {

std::vector<Parameter> one_parameter(ParameterRole role, std::vector<float> values) {
  return {{.name = "p",
           .role = role,
           .value = Tensor::of<float>({static_cast<std::int64_t>(values.size())}, values)}};
}

// A sample whose only element is its index.
SampleSource counted_samples(std::int64_t count) {
  return {.count = count, .read = [](std::int64_t i) {
            return Sample{.inputs = {Tensor::of<float>({1, 1}, {static_cast<float>(i)})}};
          }};
}

Tensor ramp_image() {
  Tensor image(DataType::float32, {1, 3, 20, 24});
  float next = 0;
  for (float& element : image.mutable_data<float>()) element = next++;
  return image;
}

}  // namespace

TEST_CASE("the first step of Adam moves a weight by the learning rate times its tensor's size") {
  std::vector<Parameter> parameters = one_parameter(ParameterRole::weight, {3, -3});
  Optimizer optimizer({.learning_rate = 0.01}, parameters);
  optimizer.step(parameters, {Tensor::of<float>({2}, {5, -0.1f})}, 1, 1);
  CHECK(parameters[0].value.data<float>()[0] == doctest::Approx(3 - 0.03));
  CHECK(parameters[0].value.data<float>()[1] == doctest::Approx(-3 + 0.03));
}

TEST_CASE("a scale moves by a share of itself and stays positive") {
  std::vector<Parameter> parameters = one_parameter(ParameterRole::activation_scale, {0.001f});
  Optimizer optimizer({.learning_rate = 3}, parameters);
  optimizer.step(parameters, {Tensor::of<float>({1}, {100})}, 1, 1);
  CHECK(parameters[0].value.data<float>()[0] == doctest::Approx(0.001 * std::exp(-3.0)));
}

TEST_CASE("SGD gathers momentum") {
  std::vector<Parameter> parameters = one_parameter(ParameterRole::rounding, {0});
  Optimizer optimizer({.kind = OptimizerKind::sgd, .learning_rate = 0.1, .rounding_rate = 1, .momentum = 0.5},
                      parameters);
  const Tensors gradient = {Tensor::of<float>({1}, {1})};
  optimizer.step(parameters, gradient, 1, 1);
  CHECK(parameters[0].value.data<float>()[0] == doctest::Approx(-0.1));
  optimizer.step(parameters, gradient, 1, 1);
  CHECK(parameters[0].value.data<float>()[0] == doctest::Approx(-0.1 - 0.15));
}

TEST_CASE("a weight moves by a share of its channel's size, of its tensor's where channels are not known") {
  std::vector<Parameter> parameters = {{.name = "w",
                                        .role = ParameterRole::weight,
                                        .value = Tensor::of<float>({2, 2}, {3, -3, 0.01f, 0.01f})}};
  const Tensors gradient = {Tensor::of<float>({2, 2}, {1, 1, 1, 1})};
  std::vector<Parameter> with_axis = parameters;
  with_axis[0].channel_axis = 0;
  Optimizer({.learning_rate = 0.1}, with_axis).step(with_axis, gradient, 1, 1);
  CHECK(with_axis[0].value.data<float>()[0] == doctest::Approx(3 - 0.3));
  CHECK(with_axis[0].value.data<float>()[3] == doctest::Approx(0.01 - 0.001));
  Optimizer({.learning_rate = 0.1}, parameters).step(parameters, gradient, 1, 1);
  const double unit = std::sqrt((9 + 9 + 0.0002) / 4);
  CHECK(parameters[0].value.data<float>()[3] == doctest::Approx(0.01 - 0.1 * unit));
}

TEST_CASE("channels along the last axis have units of their own too, and dead ones still move") {
  std::vector<Parameter> parameters = {{.name = "w",
                                        .role = ParameterRole::weight,
                                        .value = Tensor::of<float>({2, 2}, {4, 0, 4, 0}),
                                        .channel_axis = 1}};
  Optimizer({.learning_rate = 0.1}, parameters)
      .step(parameters, {Tensor::of<float>({2, 2}, {1, 1, 1, 1})}, 1, 1);
  CHECK(parameters[0].value.data<float>()[2] == doctest::Approx(4 - 0.4));
  CHECK(parameters[0].value.data<float>()[1] < 0);
  CHECK(parameters[0].value.data<float>()[1] > -0.001f);
}

TEST_CASE("AdamW shrinks weights beside its steps, and nothing else") {
  const OptimizerOptions options{.kind = OptimizerKind::adamw, .learning_rate = 0.1, .weight_decay = 0.5};
  std::vector<Parameter> weight = one_parameter(ParameterRole::weight, {2});
  Optimizer(options, weight).step(weight, {Tensor::of<float>({1}, {0})}, 1, 1);
  CHECK(weight[0].value.data<float>()[0] == doctest::Approx(2 * (1 - 0.05)));
  std::vector<Parameter> bias = one_parameter(ParameterRole::bias, {2});
  Optimizer(options, bias).step(bias, {Tensor::of<float>({1}, {0})}, 1, 1);
  CHECK(bias[0].value.data<float>()[0] == 2);
}

TEST_CASE("held elements stay exactly zero, whatever the optimizer, and the others move") {
  for (const OptimizerKind kind : {OptimizerKind::sgd, OptimizerKind::adam, OptimizerKind::adamw}) {
    std::vector<Parameter> parameters = one_parameter(ParameterRole::weight, {0, 2, 0});
    parameters[0].held = held_zeros(parameters[0].value);
    Optimizer optimizer({.kind = kind, .learning_rate = 0.1, .weight_decay = 0.5}, parameters);
    for (int step = 0; step < 5; ++step)
      optimizer.step(parameters, {Tensor::of<float>({3}, {1, 1, -1})}, 1, 1);
    const std::span<const float> values = parameters[0].value.data<float>();
    CHECK(values[0] == 0);
    CHECK(values[1] < 2);
    CHECK(values[2] == 0);
  }
}

TEST_CASE("exact zeros are held, but neither in a weight without zeros nor in one of nothing else") {
  CHECK(held_zeros(Tensor::of<float>({3}, {0, 2, 0})) == HeldElements{1, 0, 1});
  CHECK(held_zeros(Tensor::of<float>({2}, {1, 2})).empty());
  CHECK(held_zeros(Tensor::of<float>({2}, {0, 0})).empty());
}

TEST_CASE("zeros of integers are held where rounding does not explain them") {
  // Six zeros beside two of plus or minus one are more than twice as many; four are not.
  CHECK(held_integer_zeros(Tensor::of<std::int8_t>({9}, {0, 0, 0, 1, -1, 7, 0, 0, 0})) ==
        HeldElements{1, 1, 1, 0, 0, 0, 1, 1, 1});
  CHECK(held_integer_zeros(Tensor::of<std::int8_t>({7}, {0, 0, 0, 1, -1, 7, 0})).empty());
  CHECK(held_integer_zeros(Tensor::of<std::int8_t>({2}, {0, 0})).empty());
}

TEST_CASE("the schedule rises to one and falls to zero") {
  CHECK(cosine_schedule(0, 100, 0.1) < 0.2);
  CHECK(cosine_schedule(10, 100, 0.1) == doctest::Approx(1));
  CHECK(cosine_schedule(55, 100, 0.1) == doctest::Approx(0.5));
  CHECK(cosine_schedule(100, 100, 0.1) == doctest::Approx(0));
}

TEST_CASE("an epoch reads every sample once, in another order than the next") {
  const SampleSource samples = counted_samples(12);
  const Batches batches(samples, {.batch_size = 4, .shard_size = 2});
  std::vector<float> first, second;
  for (std::int64_t step = 0; step < 6; ++step)
    for (std::int64_t shard = 0; shard < 2; ++shard) {
      const Tensors inputs = batches.shard(step, shard);
      for (const float x : inputs[0].data<float>()) (step < 3 ? first : second).push_back(x);
    }
  CHECK(std::set<float>(first.begin(), first.end()).size() == 12);
  CHECK(std::set<float>(second.begin(), second.end()).size() == 12);
  CHECK(first != second);
}

TEST_CASE("a shard is a function of seed and step, whatever was read before") {
  const SampleSource samples = counted_samples(10);
  const BatchOptions options{.batch_size = 4, .shard_size = 4, .augmentation = {.mixing = 0.5}, .seed = 3};
  const Batches one(samples, options), other(samples, options);
  other.shard(0, 0);
  CHECK(one.shard(7, 0)[0] == other.shard(7, 0)[0]);
}

TEST_CASE("a batch that is no multiple of the shards ends with a smaller one") {
  const SampleSource samples = counted_samples(10);
  const Batches batches(samples, {.batch_size = 5, .shard_size = 2});
  CHECK(batches.shard_count() == 3);
  CHECK(batches.shard(0, 2)[0].dims() == Dims{1, 1});
}

TEST_CASE("samples of different dims are refused") {
  CHECK_THROWS_AS(stacked({{Tensor(DataType::float32, {1, 2})}, {Tensor(DataType::float32, {1, 3})}}),
                  UserError);
}

TEST_CASE("without options an image comes back as it is") {
  RandomStream random(1, "test");
  CHECK(augmented(ramp_image(), {}, random) == ramp_image());
}

TEST_CASE("a tensor that is no image comes back as it is") {
  RandomStream random(1, "test");
  const Tensor row = Tensor::of<float>({1, 4}, {1, 2, 3, 4});
  CHECK(augmented(row, {.flips = true, .shift = 0.5, .least_zoom = 0.5}, random) == row);
}

TEST_CASE("a flip reverses rows, and happens about every second time") {
  int flipped = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    RandomStream random(seed, "flip");
    const Tensor result = augmented(ramp_image(), {.flips = true}, random);
    const float first = result.data<float>()[0];
    CHECK((first == 0 || first == 23));
    flipped += first == 23;
  }
  CHECK(flipped > 25);
  CHECK(flipped < 75);
}

TEST_CASE("a blend lies between its two samples") {
  const Tensor a = Tensor::of<float>({2}, {0, 4}), b = Tensor::of<float>({2}, {8, 0});
  CHECK(blended(a, b, 0.75) == Tensor::of<float>({2}, {2, 3}));
}

TEST_CASE("everything passes through the values between blocks, and not through a residual's inside") {
  const Graph graph = graph_from_text(R"(
    g (float[N,3] x) => (float[N,3] y)
    {
      a = Relu(x)
      b = Relu(a)
      c = Sigmoid(b)
      d = Add(a, c)
      y = Relu(d)
    })");
  std::vector<std::string> names;
  for (const ValueId cut : cut_values(graph)) names.push_back(graph.name_of(cut));
  CHECK(names == std::vector<std::string>{"a", "d", "y"});
}

}  // namespace edgeopt
