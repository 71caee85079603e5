#include "calibration/training/distillation.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "calibration/training/block_reconstruction.h"
#include "ir/edit.h"
#include "runtime/engine.h"
#include "support/error.h"
#include "support/parallel.h"
#include "tests/calibration/training/teaching.h"
#include "tests/support/onnx_text.h"
#include "tests/support/temporary_folder.h"

namespace edgeopt {
namespace {

const SampleSource& samples() {
  static const SampleSource source = patterned_samples({1, 2, 6, 6}, 64);
  return source;
}

const Graph& teacher() {
  static const Graph graph = small_teacher();
  return graph;
}

const Graph& student() {
  static const Graph graph = quantized_student(teacher(), samples(), 3);
  return graph;
}

DistillationOptions short_run() {
  return {.trainable = {.float_twin = &teacher()},
          .optimizer = {.learning_rate = 3e-3},
          .step_count = 80,
          .batch_size = 16};
}

}  // namespace

TEST_CASE("a student of three bits comes closer to its teacher, on samples it has not seen too") {
  const Distilled distilled = distill(student(), teacher(), samples(), short_run());
  const SampleSource unseen = slice_samples(patterned_samples({1, 2, 6, 6}, 96), 64, std::nullopt);
  const double before = relative_distance(teacher(), student(), unseen);
  const double after = relative_distance(teacher(), distilled.graph, unseen);
  CHECK(after < 0.7 * before);
}

TEST_CASE("a float student without its bias learns it back from outputs alone") {
  Edit edit(teacher());
  edit.set_constant(*teacher().find_value("e"), Tensor(DataType::float32, {5}));
  const Graph damaged = edit.apply();
  DistillationOptions options = short_run();
  options.trainable = {.learns_weights = false};
  options.optimizer.learning_rate = 0.05;
  const Distilled distilled = distill(damaged, teacher(), samples(), options);
  CHECK(relative_distance(teacher(), distilled.graph, samples()) <
        0.5 * relative_distance(teacher(), damaged, samples()));
}

TEST_CASE("a quantized student has a counterpart for the result of every layer, behind its activation") {
  CHECK(common_features(teacher(), make_trainable(student(), {})) == std::vector<std::string>{"r", "t", "y"});
}

TEST_CASE("features that are named are compared, and no others") {
  DistillationOptions options = short_run();
  options.loss = {.divergence = 0, .squared_error = 0, .features = 1};
  options.feature_names = {"r"};
  const Distilled distilled = distill(student(), teacher(), samples(), options);
  // Behind the first layer nothing tells a layer what to become.
  const auto weight = [&](const Graph& graph, const std::string& name) {
    const Node& dequantize = *graph.producer(*graph.find_value(name + "_dequantized"));
    return *graph.constant(dequantize.inputs[0]);
  };
  CHECK_FALSE(weight(distilled.graph, "v") == weight(student(), "v"));
  CHECK(weight(distilled.graph, "w") == weight(student(), "w"));
}

TEST_CASE("a feature that one of the models lacks is refused by its name") {
  DistillationOptions options = short_run();
  options.feature_names = {"nothing"};
  CHECK_THROWS_WITH_AS(distill(student(), teacher(), samples(), options),
                       "the teacher has no float value 'nothing' to compare", UserError);
}

TEST_CASE("zeros of a sparse student stay where they are, and the student comes closer") {
  Edit edit(teacher());
  Tensor weight = *teacher().constant(*teacher().find_value("v"));
  for (std::size_t i = 0; i < weight.data<float>().size(); i += 3) weight.mutable_data<float>()[i] = 0;
  edit.set_constant(*teacher().find_value("v"), weight);
  const Graph sparse = edit.apply();
  DistillationOptions options = short_run();
  options.trainable = {};
  const Distilled distilled = distill(sparse, teacher(), samples(), options);
  const Tensor learned = *distilled.graph.constant(*distilled.graph.find_value("v"));
  for (std::size_t i = 0; i < learned.data<float>().size(); ++i)
    CHECK((learned.data<float>()[i] == 0) == (i % 3 == 0));
  CHECK(relative_distance(teacher(), distilled.graph, samples()) <
        0.5 * relative_distance(teacher(), sparse, samples()));
}

TEST_CASE("distillation gives the same bytes at one and two threads") {
  const int before = thread_count();
  set_thread_count(1);
  const Distilled one = distill(student(), teacher(), samples(), short_run());
  set_thread_count(2);
  const Distilled two = distill(student(), teacher(), samples(), short_run());
  set_thread_count(before);
  CHECK(one.graph == two.graph);
  CHECK(one.history == two.history);
}

TEST_CASE("a run that was stopped goes on to the same bytes") {
  const TemporaryFolder folder;
  const Distilled whole = distill(student(), teacher(), samples(), short_run());
  DistillationOptions stopped = short_run();
  stopped.checkpoint = folder.path() / "run.ckpt";
  struct Stopped {};
  stopped.progress = [](std::string_view, std::int64_t done, std::int64_t) {
    if (done == 37) throw Stopped{};
  };
  CHECK_THROWS_AS(distill(student(), teacher(), samples(), stopped), Stopped);
  std::int64_t first_step = 0;
  stopped.progress = [&](std::string_view, std::int64_t done, std::int64_t) {
    if (first_step == 0) first_step = done;
  };
  const Distilled resumed = distill(student(), teacher(), samples(), stopped);
  CHECK(first_step > 30);
  CHECK(resumed.graph == whole.graph);
  CHECK(resumed.history == whole.history);
}

TEST_CASE("a checkpoint of another run is refused") {
  const TemporaryFolder folder;
  DistillationOptions options = short_run();
  options.checkpoint = folder.path() / "run.ckpt";
  options.step_count = 4;
  distill(student(), teacher(), samples(), options);
  options.optimizer.learning_rate = 1e-4;
  CHECK_THROWS_AS(distill(student(), teacher(), samples(), options), UserError);
}

namespace {

// Samples whose label is the class in which the teacher is least sure.
SampleSource labelled_samples() {
  SampleSource labelled = samples();
  labelled.has_labels = true;
  for (std::int64_t i = 0; i < labelled.count; ++i) {
    const Tensor scores = compile(teacher())->run(samples().read(i).inputs)[0];
    const auto row = scores.data<float>();
    labelled.labels.push_back(std::ranges::min_element(row) - row.begin());
  }
  labelled.read = [labels = labelled.labels](std::int64_t index) {
    Sample sample = samples().read(index);
    sample.label = labels[static_cast<std::size_t>(index)];
    return sample;
  };
  return labelled;
}

double share_of_labels_found(const Graph& model, const SampleSource& labelled) {
  double found = 0;
  for (std::int64_t i = 0; i < labelled.count; ++i) {
    const Sample sample = labelled.read(i);
    const Tensor scores = compile(model)->run(sample.inputs)[0];
    const auto row = scores.data<float>();
    found += std::ranges::max_element(row) - row.begin() == *sample.label ? 1 : 0;
  }
  return found / static_cast<double>(labelled.count);
}

}  // namespace

TEST_CASE("labels alone are learned, against the teacher if need be, by float and quantized students") {
  const SampleSource labelled = labelled_samples();
  for (const Graph* model : {&teacher(), &student()}) {
    DistillationOptions options = short_run();
    options.trainable = {};
    options.loss = {.divergence = 0, .squared_error = 0, .labels = 1};
    options.augmentation = AugmentationOptions{};
    options.optimizer.learning_rate = 1e-2;
    const Distilled distilled = distill(*model, teacher(), labelled, options);
    CHECK(share_of_labels_found(distilled.graph, labelled) > share_of_labels_found(*model, labelled) + 0.3);
  }
}

TEST_CASE("labels are learned within a limit of memory with the same bytes as without") {
  const SampleSource labelled = labelled_samples();
  DistillationOptions options = short_run();
  options.loss.labels = 1;
  options.step_count = 5;
  const Distilled free = distill(student(), teacher(), labelled, options);
  options.largest_memory_bytes = 100'000'000;
  CHECK(distill(student(), teacher(), labelled, options).graph == free.graph);
}

TEST_CASE("labels that are wanted and not there are an error") {
  DistillationOptions options = short_run();
  options.loss.labels = 1;
  CHECK_THROWS_AS(distill(student(), teacher(), samples(), options), UserError);
}

TEST_CASE("a teacher with other outputs is refused") {
  const Graph other = graph_from_text(
      "g (float[N,2,6,6] x) => (float[N,2,6,6] y, float[N,2,6,6] z) { y = Relu(x) z = Neg(x) }");
  CHECK_THROWS_AS(distill(student(), other, samples(), short_run()), UserError);
}

TEST_CASE(
    "reconstructed blocks come closer to the teacher than rounding to nearest, with the same bytes at any "
    "thread count") {
  const ReconstructionOptions options{.work = 2e8, .batch_size = 16};
  const int before = thread_count();
  set_thread_count(1);
  const Graph one = with_reconstructed_blocks(student(), teacher(), samples(), options);
  set_thread_count(2);
  const Graph two = with_reconstructed_blocks(student(), teacher(), samples(), options);
  set_thread_count(before);
  CHECK(one == two);
  CHECK(relative_distance(teacher(), one, samples()) <
        0.7 * relative_distance(teacher(), student(), samples()));
}

}  // namespace edgeopt
