#include "calibration/bias_correction.h"

#include <doctest/doctest.h>

#include <cmath>

#include "calibration/channel_means.h"
#include "ir/edit.h"
#include "ir/evaluate.h"
#include "ir/infer.h"
#include "passes/framework/pass.h"
#include "support/parallel.h"
#include "support/random.h"
#include "tests/support/onnx_text.h"

namespace edgeopt {
namespace {

constexpr std::int64_t sample_count = 24;

SampleSource seeded_samples(Dims dims) {
  const auto read = [dims](std::int64_t index) {
    RandomStream random(static_cast<std::uint64_t>(index), "bias correction test");
    Tensor tensor(DataType::float32, dims);
    for (float& element : tensor.mutable_data<float>()) element = static_cast<float>(random.normal());
    return Sample{.inputs = {tensor}};
  };
  return {.count = sample_count, .read = read};
}

// Every float value gets the range [-8, 8] or, behind a Relu, [0, 8].
Graph with_test_ranges(const Graph& graph) {
  Edit edit(graph);
  for (const ValueId id : graph.values())
    if (!graph.value(id).constant) edit.set_range(id, Range{graph.producer(id, "Relu") ? 0.0 : -8.0, 8.0});
  return edit.apply();
}

Graph two_layers() {
  return with_inferred_types(graph_from_text(R"(
    g (float[1,2,6,6] x) => (float[1,2,6,6] y)
    <float[3,2,1,1] v = {0.5, -0.25, 1.0, 0.75, -0.5, 0.3}, float[3] b = {0.1, -0.2, 0.3},
     float[2,3,1,1] w = {0.4, -0.6, 0.2, 0.9, 0.1, -0.3}>
    {
      c = Conv(x, v, b)
      r = Relu(c)
      y = Conv(r, w)
    })"));
}

Graph quantized(const Graph& graph) {
  return find_pass("insert_quantization")
      .run(with_test_ranges(graph), PassContext{.profile = load_profile("x86_avx512_vnni")})
      .graph;
}

// The worst difference of a channel's mean over the samples between two graphs, at the value of this name.
double worst_mean_error(const Graph& a, const Graph& b, const std::string& name) {
  const SampleSource samples = seeded_samples({1, 2, 6, 6});
  const auto means = [&](const Graph& graph) {
    return mean_channels(graph, {{.value = *graph.find_value(name), .axis = 1}}, samples, sample_count)[0];
  };
  const std::vector<double> left = means(a);
  const std::vector<double> right = means(b);
  double worst = 0;
  for (std::size_t c = 0; c < left.size(); ++c) worst = std::max(worst, std::abs(left[c] - right[c]));
  return worst;
}

// The first bias moved by a hundred steps of its scale.
Graph with_disturbed_bias(const Graph& student) {
  for (const NodeId id : student.nodes()) {
    const Node& node = student.node(id);
    if (!node.is("Conv") || !node.has_input(2)) continue;
    const Node* dequantize = student.producer(node.inputs[2]);
    Tensor integers = *student.constant(dequantize->inputs[0]);
    for (std::int32_t& element : integers.mutable_data<std::int32_t>()) element += 100;
    Edit edit(student);
    edit.set_constant(dequantize->inputs[0], integers);
    return edit.apply();
  }
  return student;
}

TEST_CASE("corrected biases give every channel the mean that it has in the teacher") {
  const Graph teacher = two_layers();
  const Graph student = with_disturbed_bias(quantized(teacher));
  const Graph corrected = with_corrected_biases(teacher, student, seeded_samples({1, 2, 6, 6}));
  // A bias is an integer times scale(x) * scale(w) = (16 / 255) * (1 / 127): the mean can be off by half of
  // that.
  constexpr double half_step = 0.5 * (16.0 / 255) * (1.0 / 127);
  CHECK(worst_mean_error(teacher, student, "c") > 10 * half_step);
  CHECK(worst_mean_error(teacher, corrected, "c") <= half_step * 1.01);
}

TEST_CASE("a layer without a bias gets one that takes out the mean error") {
  const Graph teacher = two_layers();
  const Graph student = quantized(teacher);
  const Graph corrected = with_corrected_biases(teacher, student, seeded_samples({1, 2, 6, 6}));
  int biased_count = 0;
  for (const NodeId id : corrected.nodes())
    biased_count += corrected.node(id).is("Conv") && corrected.node(id).has_input(2);
  CHECK(biased_count == 2);
}

TEST_CASE("bias correction gives the same graph at any thread count") {
  const Graph teacher = two_layers();
  const Graph student = quantized(teacher);
  const int before = thread_count();
  set_thread_count(1);
  const Graph alone = with_corrected_biases(teacher, student, seeded_samples({1, 2, 6, 6}));
  set_thread_count(4);
  const Graph together = with_corrected_biases(teacher, student, seeded_samples({1, 2, 6, 6}));
  set_thread_count(before);
  CHECK(alone == together);
}

TEST_CASE("a graph without integer layers is left as it is") {
  const Graph teacher = two_layers();
  CHECK(with_corrected_biases(teacher, teacher, seeded_samples({1, 2, 6, 6})) == teacher);
}

}  // namespace
}  // namespace edgeopt
