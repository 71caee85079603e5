// Ranges learned from samples, and the file that keeps them.
#include "calibration/ranges/calibrate.h"

#include <doctest/doctest.h>

#include "calibration/ranges/ranges_file.h"
#include "ir/edit.h"
#include "support/error.h"
#include "support/parallel.h"
#include "tests/calibration/samples/sample_files.h"

namespace edgeopt {
namespace {

struct Chain {
  Graph graph;
  ValueId x, relu, sum;
};

// x -> Relu -> relu; relu + 1 -> sum
Chain rectify_and_add() {
  Edit edit{Graph()};
  edit.set_opset("", 13);
  const ValueId x = edit.add_input("x", {.dtype = DataType::float32, .shape = Shape{Dim("N"), 4}});
  const ValueId relu = edit.add_node({.op_type = "Relu", .inputs = {x}, .output_names = {"relu"}})[0];
  const ValueId one = edit.add_constant(Tensor::of<float>({1}, {1}), "one");
  const ValueId sum = edit.add_node({.op_type = "Add", .inputs = {relu, one}, .output_names = {"sum"}})[0];
  edit.add_output(sum);
  return {edit.apply(), x, relu, sum};
}

/// Sample i is (-i, i, 0, 1).
SampleSource ramps(std::int64_t count) {
  SampleSource source{.count = count, .description = "ramps"};
  source.read = [](std::int64_t i) {
    const auto x = static_cast<float>(i);
    return Sample{.inputs = {Tensor::of<float>({1, 4}, {-x, x, 0, 1})}, .label = std::nullopt};
  };
  return source;
}

TEST_CASE("inputs and results of nodes get their ranges, constants none") {
  const Chain chain = rectify_and_add();
  const Graph graph = with_ranges(chain.graph, ramps(10), {});
  CHECK(graph.value(chain.x).range == Range{-9, 9});
  CHECK(graph.value(chain.relu).range == Range{0, 9});
  CHECK(graph.value(chain.sum).range == Range{0, 10});
  CHECK_FALSE(graph.value(*graph.find_value("one")).range);
}

TEST_CASE("calibration adds ranges and nothing else") {
  const Chain chain = rectify_and_add();
  const Graph calibrated = with_ranges(chain.graph, ramps(3), {});
  Edit edit(calibrated);
  for (const ValueId value : calibrated.values()) edit.set_range(value, std::nullopt);
  CHECK(edit.apply() == chain.graph);
}

TEST_CASE("only wanted values are observed") {
  const Chain chain = rectify_and_add();
  const auto is_relu = [](const Graph& graph, const Value& value) {
    return graph.producer(value.id, "Relu");
  };
  const Observations observations = observe_values(chain.graph, ramps(4), {.is_wanted = is_relu});
  REQUIRE(observations.values.size() == 1);
  CHECK(observations.values[0].name == "relu");
  CHECK(observations.values[0].histogram.count() == 16);
}

TEST_CASE("observations are the same at any thread count") {
  const Chain chain = rectify_and_add();
  const int before = thread_count();
  set_thread_count(1);
  const Observations alone = observe_values(chain.graph, ramps(50), {});
  for (const int threads : {2, 4}) {
    set_thread_count(threads);
    CHECK(observe_values(chain.graph, ramps(50), {}) == alone);
  }
  set_thread_count(before);
}

TEST_CASE("progress is told once per sample") {
  std::vector<std::int64_t> told;
  observe_values(rectify_and_add().graph, ramps(5),
                 {.progress = [&](std::int64_t done, std::int64_t) { told.push_back(done); }});
  CHECK(told == std::vector<std::int64_t>{1, 2, 3, 4, 5});
}

RangesFile file_of(std::int64_t begin, std::int64_t end) {
  const SampleSource part = slice_samples(ramps(100), begin, end);
  RangesFile file = make_ranges_file(observe_values(rectify_and_add().graph, part, {}),
                                     {.method = ObserverMethod::percentile, .percentile = 99.9});
  file.edgeopt_version = "0.1.0";
  file.model_sha256 = "ab";
  file.data = {{part.description, "cd", part.count}};
  return file;
}

TEST_CASE("a ranges file reads back as it was written") {
  const RangesFile file = file_of(0, 30);
  const RangesFile again = ranges_from_json(to_json_text(file));
  CHECK(again.observations == file.observations);
  CHECK(again.ranges == file.ranges);
  CHECK(again.data == file.data);
  CHECK(to_json_text(again) == to_json_text(file));
}

TEST_CASE("merged ranges files equal one calibration over all samples") {
  const RangesFile merged = merge_ranges({file_of(0, 30), file_of(30, 100)});
  const RangesFile whole = file_of(0, 100);
  CHECK(merged.observations == whole.observations);
  CHECK(merged.ranges == whole.ranges);
}

TEST_CASE("files of other models, other values or the same samples are not merged") {
  const RangesFile file = file_of(0, 30);
  CHECK_THROWS_AS(merge_ranges({file, file}), UserError);
  RangesFile other = file_of(30, 60);
  other.model_sha256 = "other";
  CHECK_THROWS_AS(merge_ranges({file, other}), UserError);
  other = file_of(30, 60);
  other.observations.values.pop_back();
  CHECK_THROWS_AS(merge_ranges({file, other}), UserError);
}

TEST_CASE("ranges edited by hand are used as they stand, impossible ones refused") {
  const Chain chain = rectify_and_add();
  RangesFile file = file_of(0, 30);
  file.ranges["relu"] = {0, 6};
  const RangesFile again = ranges_from_json(to_json_text(file));
  CHECK(with_ranges(chain.graph, again).value(chain.relu).range == Range{0, 6});
  file.ranges["relu"] = {1, 6};
  CHECK_THROWS_AS(ranges_from_json(to_json_text(file)), UserError);
  RangesFile stranger = file_of(0, 30);
  stranger.ranges["nowhere"] = {0, 1};
  CHECK_THROWS_AS(with_ranges(chain.graph, stranger), UserError);
}

TEST_CASE("cut off and foreign ranges files are refused") {
  const std::string text = to_json_text(file_of(0, 5));
  for (std::size_t size = 0; size + 2 < text.size(); size += 97)
    CHECK_THROWS_AS(ranges_from_json(text.substr(0, size)), UserError);
  CHECK_THROWS_AS(ranges_from_json("[]"), UserError);
  CHECK_THROWS_AS(ranges_from_json("{\"format\": \"other\"}"), UserError);
}

}  // namespace
}  // namespace edgeopt
