// Accuracy, agreement and closeness of models small enough to count by hand.
#include "recipes/evaluation.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "ir/edit.h"
#include "ir/infer.h"
#include "support/error.h"
#include "support/parallel.h"

namespace edgeopt {
namespace {

// x [N,classes] -> x + offset: the scores are the input, moved by a constant.
Graph scores_plus(const std::vector<float>& offset) {
  Edit edit{Graph()};
  edit.set_opset("", 13);
  const auto classes = static_cast<std::int64_t>(offset.size());
  const ValueId x = edit.add_input("x", {.dtype = DataType::float32, .shape = Shape{Dim("N"), classes}});
  const ValueId constant = edit.add_constant(Tensor::of<float>({classes}, offset));
  edit.add_output(edit.add_node({.op_type = "Add", .inputs = {x, constant}, .output_names = {"scores"}})[0]);
  return edit.apply();
}

SampleSource source_of(const std::vector<std::vector<float>>& scores,
                       const std::vector<std::int64_t>& labels) {
  SampleSource source{.count = static_cast<std::int64_t>(scores.size()), .description = "scores"};
  source.has_labels = !labels.empty();
  source.labels = labels;
  source.read = [scores, labels](std::int64_t i) {
    const std::vector<float>& row = scores[static_cast<std::size_t>(i)];
    Sample sample{.inputs = {Tensor::of<float>({1, static_cast<std::int64_t>(row.size())}, row)},
                  .label = std::nullopt};
    if (!labels.empty()) sample.label = labels[static_cast<std::size_t>(i)];
    return sample;
  };
  return source;
}

TEST_CASE("top-1 and the classes are counted") {
  const SampleSource source = source_of({{1, 0}, {0, 1}, {1, 0}, {0, 1}}, {0, 1, 1, 1});
  const Evaluation evaluation = evaluate_model(scores_plus({0, 0}), source);
  REQUIRE(evaluation.accuracy);
  CHECK(evaluation.class_output == "scores");
  CHECK(evaluation.accuracy->top1 == wilson_interval(3, 4));
  CHECK_FALSE(evaluation.accuracy->top5);
  CHECK(evaluation.accuracy->per_class == std::vector<ClassAccuracy>{{0, 1, 1}, {1, 3, 2}});
  CHECK_FALSE(evaluation.agreement);
}

TEST_CASE("top-5 accepts the fifth and refuses the sixth; of equal scores the first comes first") {
  const SampleSource source =
      source_of({{6, 5, 4, 3, 2, 1}, {6, 5, 4, 3, 2, 1}, {1, 1, 1, 1, 1, 1}}, {4, 5, 0});
  const Evaluation evaluation = evaluate_model(scores_plus({0, 0, 0, 0, 0, 0}), source);
  CHECK(evaluation.accuracy->top5 == wilson_interval(2, 3));
  CHECK(evaluation.accuracy->top1 == wilson_interval(1, 3));
}

TEST_CASE("agreement, paired drop and closeness compare with the reference") {
  // Adding 1.5 to class 1 flips samples 0 and 3: the first becomes wrong, the last right.
  const SampleSource source = source_of({{1, 0}, {0, 1}, {5, 0}, {1, 0}}, {0, 1, 0, 1});
  const Graph reference = scores_plus({0, 0});
  const Evaluation evaluation = evaluate_model(scores_plus({0, 1.5f}), source, {.reference = &reference});
  CHECK(evaluation.agreement == wilson_interval(2, 4));
  CHECK(evaluation.accuracy->top1 == wilson_interval(3, 4));
  CHECK(evaluation.reference_accuracy->top1 == wilson_interval(3, 4));
  CHECK(evaluation.top1_drop ==
        paired_difference({.both = 2, .only_first = 1, .only_second = 1, .neither = 0}));
  REQUIRE(evaluation.outputs.size() == 1);
  // signal 1 + 1 + 25 + 1 = 28, noise 4 * 1.5^2 = 9
  CHECK(evaluation.outputs[0].sqnr_db.value == doctest::Approx(10 * std::log10(28.0 / 9)));
  // (1,0).(1,1.5), (0,1).(0,2.5), (5,0).(5,1.5), (1,0).(1,1.5)
  const double cosine = (2 / std::sqrt(3.25) + 1 + 5 / std::sqrt(27.25)) / 4;
  CHECK(evaluation.outputs[0].cosine.value == doctest::Approx(cosine));
}

TEST_CASE("divergence is that of the softmax of the scores, from the reference's") {
  // p = (1/2, 1/2) against q = (3/4, 1/4): KL = log(1/2) - (log(3/4) + log(1/4)) / 2.
  const Graph reference = scores_plus({0, 0});
  const float log3 = std::log(3.0F);
  const Evaluation evaluation =
      evaluate_model(scores_plus({log3, 0}), source_of({{1, 1}}, {}), {.reference = &reference});
  REQUIRE(evaluation.divergence);
  const double expected = std::log(0.5) - (std::log(0.75) + std::log(0.25)) / 2;
  CHECK(evaluation.divergence->value == doctest::Approx(expected).epsilon(1e-6));
}

TEST_CASE("the SQNR of scores leaves out what is common to all classes") {
  const Graph reference = scores_plus({0, 0});
  // Scores -1 and 1 around their mean against -1.1 and 1.1: 20 dB, whatever is added to both.
  const Evaluation evaluation =
      evaluate_model(scores_plus({2.9F, 3.1F}), source_of({{0, 2}}, {}), {.reference = &reference});
  REQUIRE(evaluation.score_sqnr_db);
  CHECK(*evaluation.score_sqnr_db == doctest::Approx(20).epsilon(1e-4));
}

TEST_CASE("divergence takes the output of a Softmax as the probabilities themselves") {
  const Graph scores = scores_plus({1, 0});
  Edit edit(scores);
  const ValueId y =
      edit.add_node({.op_type = "Softmax", .inputs = {scores.outputs()[0]}, .output_names = {"p"}})[0];
  edit.remove_output(0);
  edit.add_output(y);
  const Graph model = with_inferred_types(edit.apply());
  const Graph reference = scores_plus({0, 0});
  const auto divergence = [&](const Graph& graph) {
    return evaluate_model(graph, source_of({{1, 2}}, {}), {.reference = &reference}).divergence->value;
  };
  CHECK(divergence(model) == doctest::Approx(divergence(scores)).epsilon(1e-5));  // float probabilities
}

TEST_CASE("equal models agree wholly and have no noise") {
  const SampleSource source = source_of({{1, 0}, {0, 1}}, {});
  const Graph graph = scores_plus({0, 0});
  const Evaluation evaluation = evaluate_model(graph, source, {.reference = &graph});
  CHECK(evaluation.agreement->value == 1);
  CHECK(evaluation.outputs[0].sqnr_db.value == std::numeric_limits<double>::infinity());
  CHECK(evaluation.outputs[0].cosine.value == doctest::Approx(1));
  CHECK_FALSE(evaluation.accuracy);
}

TEST_CASE("NaN in the scores is wrong, counted, and never chosen") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const SampleSource source = source_of({{1, 0}}, {0});
  const Graph reference = scores_plus({0, 0});
  const Evaluation evaluation = evaluate_model(scores_plus({nan, 0}), source, {.reference = &reference});
  CHECK(evaluation.accuracy->top1.value == 0);
  CHECK(evaluation.outputs[0].nonfinite_count == 1);
  CHECK(evaluation.outputs[0].sqnr_db.low == -std::numeric_limits<double>::infinity());
  CHECK(evaluation.outputs[0].cosine.value == 0);
}

TEST_CASE("figures are the same at any thread count") {
  std::vector<std::vector<float>> scores;
  std::vector<std::int64_t> labels;
  for (int i = 0; i < 60; ++i) {
    scores.push_back({static_cast<float>(i % 7), static_cast<float>(i % 5) + 0.3f});
    labels.push_back(i % 2);
  }
  const SampleSource source = source_of(scores, labels);
  const Graph reference = scores_plus({0, 0});
  const Graph graph = scores_plus({0.1f, 0.7f});
  const int before = thread_count();
  set_thread_count(1);
  const Evaluation alone = evaluate_model(graph, source, {.reference = &reference});
  for (const int threads : {2, 4}) {
    set_thread_count(threads);
    CHECK(evaluate_model(graph, source, {.reference = &reference}) == alone);
  }
  set_thread_count(before);
}

TEST_CASE("labels outside the classes and foreign references are refused") {
  const Graph graph = scores_plus({0, 0});
  CHECK_THROWS_AS(evaluate_model(graph, source_of({{1, 0}}, {2})), UserError);
  CHECK_THROWS_AS(evaluate_model(graph, source_of({}, {})), UserError);
  Edit edit(graph);
  edit.add_output(edit.add_node("Neg", {graph.outputs()[0]}));
  const Graph wider = edit.apply();
  CHECK_THROWS_AS(evaluate_model(graph, source_of({{1, 0}}, {}), {.reference = &wider}), UserError);
}

TEST_CASE("a model without an output of classes has closeness alone") {
  Edit edit{Graph()};
  edit.set_opset("", 13);
  const ValueId x = edit.add_input("x", {.dtype = DataType::float32, .shape = Shape{Dim("N"), 1}});
  edit.add_output(edit.add_node("Neg", {x}));
  const Graph graph = edit.apply();
  const Evaluation evaluation = evaluate_model(graph, source_of({{1}, {2}}, {0, 0}), {.reference = &graph});
  CHECK(evaluation.class_output.empty());
  CHECK_FALSE(evaluation.accuracy);
  CHECK_FALSE(evaluation.agreement);
  CHECK(evaluation.outputs.size() == 1);
}

}  // namespace
}  // namespace edgeopt
