#include "calibration/training/normalization_statistics.h"

#include <doctest/doctest.h>

#include <cmath>

#include "calibration/training/distillation.h"
#include "ir/edit.h"
#include "ir/infer.h"
#include "runtime/engine.h"
#include "support/error.h"
#include "support/parallel.h"
#include "tests/calibration/training/teaching.h"
#include "tests/support/onnx_text.h"

namespace edgeopt {
namespace {

const SampleSource& samples() {
  static const SampleSource source = normal_samples({1, 2, 6, 6}, 24);
  return source;
}

Graph parsed(const std::string& text) { return with_inferred_types(graph_from_text(text)); }

// Statistics that have nothing to do with what arrives: the input of b has other moments, that of d too.
Graph two_normalizations() {
  return parsed(R"(
    <ir_version: 8, opset_import: ["": 15]>
    g (float[N,2,6,6] x) => (float[N,3,6,6] y)
    <float[3,2,1,1] v = {0.5, -0.25, 1.0, 0.75, -0.5, 0.3}, float[3] s = {2.0, 0.5, 1.0}, float[3] t = {0.1, -0.2, 0.3},
     float[3] m = {1.0, 2.0, 3.0}, float[3] q = {4.0, 5.0, 6.0}, float[3,3,1,1] w = {1, 2, 0, 0.5, 1, 1, 0, -1, 1},
     float[3] m2 = {1.0, 2.0, 3.0}, float[3] q2 = {4.0, 5.0, 6.0}>
    {
      a = Conv(x, v)
      b = BatchNormalization(a, s, t, m, q)
      c = Relu(b)
      d = Conv(c, w)
      y = BatchNormalization(d, s, t, m2, q2)
    })");
}

Graph with_output(const Graph& graph, const std::string& name) {
  Edit edit(graph);
  edit.remove_output(0);
  edit.add_output(*graph.find_value(name));
  return edit.apply();
}

struct ChannelMoments {
  double mean = 0;
  double variance = 0;
};

// Of one channel of a value [N,C,6,6] over all samples.
ChannelMoments moments_at(const Graph& graph, const std::string& name, std::size_t channel) {
  const auto session = compile(with_output(graph, name));
  double sum = 0, squares = 0, count = 0;
  for (std::int64_t i = 0; i < samples().count; ++i) {
    const std::vector<double> x = to_doubles(session->run(samples().read(i).inputs)[0]);
    for (std::size_t k = channel * 36; k < (channel + 1) * 36; ++k) {
      sum += x[k];
      squares += x[k] * x[k];
      count += 1;
    }
  }
  return {.mean = sum / count, .variance = squares / count - sum * sum / count / count};
}

Tensor input_of(const Graph& graph, const std::string& output, std::size_t index) {
  return *graph.constant(graph.producer(*graph.find_value(output))->inputs[index]);
}

}  // namespace

TEST_CASE("behind refreshed statistics every channel has the mean and the spread of its bias and scale") {
  const Graph refreshed = with_refreshed_statistics(two_normalizations(), samples());
  const std::vector<double> scale = {2.0, 0.5, 1.0}, bias = {0.1, -0.2, 0.3};
  for (const std::string name : {"b", "y"})
    for (std::size_t c = 0; c < 3; ++c) {
      const ChannelMoments moments = moments_at(refreshed, name, c);
      // Floats of about 1, summed in double; epsilon is 1e-5 of a variance of about 1.
      CHECK(moments.mean == doctest::Approx(bias[c]).epsilon(1e-4));
      CHECK(moments.variance == doctest::Approx(scale[c] * scale[c]).epsilon(1e-3));
    }
}

TEST_CASE("refreshed statistics are the moments of what arrives, behind refreshed layers too") {
  const Graph refreshed = with_refreshed_statistics(two_normalizations(), samples());
  for (std::size_t c = 0; c < 3; ++c) {
    const ChannelMoments moments = moments_at(refreshed, "d", c);
    CHECK(to_doubles(input_of(refreshed, "y", 3))[c] == doctest::Approx(moments.mean).epsilon(1e-4));
    CHECK(to_doubles(input_of(refreshed, "y", 4))[c] == doctest::Approx(moments.variance).epsilon(1e-4));
  }
}

TEST_CASE("refreshed statistics have the same bytes at one and two threads") {
  const int before = thread_count();
  set_thread_count(1);
  const Graph one = with_refreshed_statistics(two_normalizations(), samples());
  set_thread_count(2);
  const Graph two = with_refreshed_statistics(two_normalizations(), samples());
  set_thread_count(before);
  CHECK(one == two);
}

TEST_CASE("refreshed statistics stay where they are when refreshed again") {
  const Graph once = with_refreshed_statistics(two_normalizations(), samples());
  const Graph twice = with_refreshed_statistics(once, samples());
  for (const std::size_t index : {3U, 4U})
    CHECK(to_doubles(input_of(once, "y", index)) == to_doubles(input_of(twice, "y", index)));
}

TEST_CASE("statistics that two layers share become those of each") {
  Edit edit(two_normalizations());
  const Graph& graph = edit.draft();
  const NodeId last = graph.producer(*graph.find_value("y"))->id;
  edit.set_input(last, 3, *graph.find_value("m"));
  edit.set_input(last, 4, *graph.find_value("q"));
  const Graph shared = with_refreshed_statistics(edit.apply(), samples());
  const Graph separate = with_refreshed_statistics(two_normalizations(), samples());
  for (const std::string name : {"b", "y"})
    CHECK(to_doubles(input_of(shared, name, 3)) == to_doubles(input_of(separate, name, 3)));
}

TEST_CASE("statistics are left alone when nothing normalizes by constants") {
  for (const std::string body : {
           "{ y = Relu(x) }",
           "{ r = Relu(x) n = Neg(m) y = BatchNormalization(r, s, s, n, q) }",
           "{ r = Relu(x) y = BatchNormalization<training_mode = 1>(r, s, s, m, q) }",
           "{ y = BatchNormalization(x, s, s, m, q) }",
       }) {
    CAPTURE(body);
    const Graph graph = parsed(
        "<ir_version: 8, opset_import: [\"\": 15]> g (float[N,2,6,6] x, float[2] m) => (float[N,2,6,6] y) "
        "<float[2] s = {1, 2}, float[2] q = {3, 4}> " +
        body);
    CHECK(with_refreshed_statistics(graph, samples()) == graph);
  }
}

TEST_CASE("a channel that is the same number everywhere keeps its statistics, its neighbours do not") {
  const Graph graph = parsed(R"(
    <ir_version: 8, opset_import: ["": 15]>
    g (float[N,2,6,6] x) => (float[N,2,6,6] y)
    <float[2] s = {1.0, 1.0}, float[2] m = {0.5, 0.5}, float[2] q = {2.0, 2.0}, float[2,2,1,1] w = {0, 0, 1, 1}>
    {
      a = Conv(x, w)
      y = BatchNormalization(a, s, s, m, q)
    })");
  const Graph refreshed = with_refreshed_statistics(graph, samples());
  CHECK(to_doubles(input_of(refreshed, "y", 3))[0] == 0.5);
  CHECK(to_doubles(input_of(refreshed, "y", 4))[0] == 2.0);
  CHECK(std::abs(to_doubles(input_of(refreshed, "y", 3))[1]) < 0.2);
  // x has the variance 1, the sum of two channels 2, found from 24 * 36 elements.
  CHECK(to_doubles(input_of(refreshed, "y", 4))[1] != 2.0);
}

namespace {

struct Roles {
  bool learns_factors = false;
  bool changes_statistics = false;
};

Roles what_changes(NormalizationLearning normalization) {
  const Graph teacher = with_refreshed_statistics(two_normalizations(), samples());
  Edit edit(two_normalizations());
  edit.set_constant(*edit.draft().find_value("w"),
                    Tensor::of<float>({3, 3, 1, 1}, {1, -1, 0, 0.5F, -1, 1, 2, -1, 1}));
  const Graph student = edit.apply();
  const Distilled distilled =
      distill(student, teacher, samples(), {.normalization = normalization, .step_count = 3});
  const auto differs = [&](std::size_t index) {
    return to_doubles(input_of(student, "b", index)) != to_doubles(input_of(distilled.graph, "b", index));
  };
  CHECK(to_doubles(input_of(student, "a", 1)) != to_doubles(input_of(distilled.graph, "a", 1)));
  return {.learns_factors = differs(1) && differs(2), .changes_statistics = differs(3) && differs(4)};
}

}  // namespace

TEST_CASE("learning leaves normalizations alone when they are kept") {
  const Roles roles = what_changes(NormalizationLearning::keep);
  CHECK_FALSE(roles.learns_factors);
  CHECK_FALSE(roles.changes_statistics);
}

TEST_CASE("scales and biases of normalizations are learned, statistics left alone") {
  const Roles roles = what_changes(NormalizationLearning::learn);
  CHECK(roles.learns_factors);
  CHECK_FALSE(roles.changes_statistics);
}

TEST_CASE("refreshing comes before learning") {
  const Roles roles = what_changes(NormalizationLearning::refresh);
  CHECK(roles.learns_factors);
  CHECK(roles.changes_statistics);
}

TEST_CASE("a student whose statistics belong to other samples starts close to its teacher once refreshed") {
  const Graph teacher = with_refreshed_statistics(two_normalizations(), samples());
  const auto distance = [&](NormalizationLearning normalization) {
    const DistillationOptions options{.normalization = normalization, .step_count = 1};
    return relative_distance(teacher, distill(two_normalizations(), teacher, samples(), options).graph,
                             samples());
  };
  // 20 of the 24 samples are learned from: their moments differ by about 1 / sqrt(20 * 36) from those of all.
  CHECK(distance(NormalizationLearning::refresh) < 0.05);
  CHECK(distance(NormalizationLearning::keep) > 0.3);
}

TEST_CASE("statistics that do not have one number per channel are refused, not written beyond their end") {
  // The channels are open, so that no inference sees it.
  const Graph model = parsed(R"(
    g (float[N,C,6,6] x) => (float[N,C,6,6] y)
    <float[1] s = {1.0}, float[1] t = {0.0}, float[1] m = {0.0}, float[1] q = {1.0}>
    { a = Relu(x) y = BatchNormalization(a, s, t, m, q) })");
  CHECK_THROWS_WITH_AS(with_refreshed_statistics(model, normal_samples({1, 64, 6, 6}, 4)),
                       "node 'y' (BatchNormalization): 1 means and 1 variances are given for 64 channels",
                       UserError);
}

}  // namespace edgeopt
