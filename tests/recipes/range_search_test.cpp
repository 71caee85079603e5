// Ranges chosen by the loss of the outputs.
#include "recipes/range_search.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "ir/edit.h"
#include "ir/infer.h"
#include "passes/quantization_widths.h"
#include "recipes/quantize.h"
#include "support/parallel.h"
#include "support/random.h"
#include "tests/support/onnx_text.h"
#include "tests/support/random_constants.h"

namespace edgeopt {
namespace {

Graph classifier() {
  return with_inferred_types(graph_from_text(with_random_constants(R"(g (float[1,4,6,6] x) => (float[1,6] y)
    <float[8,4,3,3] w = RANDOM, float[8] b = RANDOM, float[8,8,1,1] v = RANDOM, float[6,8] u = RANDOM>
    { h = Conv(x, w, b) r = Relu(h) p = MaxPool<kernel_shape = [2, 2]>(r) q = Conv(p, v) s = Relu(q)
      m = GlobalAveragePool(s) f = Flatten(m) y = Gemm<transB = 1>(f, u) })")));
}

// One element in a hundred is `outlier` times as large.
SampleSource samples_with(double outlier) {
  return {.count = 40, .description = "outliers", .read = [=](std::int64_t i) {
            RandomStream random(static_cast<std::uint64_t>(i), "range search test");
            Tensor x(DataType::float32, {1, 4, 6, 6});
            for (float& element : x.mutable_data<float>())
              element = static_cast<float>(random.normal() * (random.uniform() < 0.01 ? outlier : 1));
            return Sample{.inputs = {x}};
          }};
}

QuantizeOptions options_of(const std::string& scheme, RangeSearchUse use) {
  QuantizeOptions options;
  options.profile = load_profile("x86_avx512_vnni");
  options.widths.scheme = scheme_named(scheme);
  options.observers = {{.method = ObserverMethod::minmax}};
  options.range_search = use;
  return options;
}

struct Study {
  QuantizeOptions options;
  Graph ranged;
  SampleSource samples;

  explicit Study(const std::string& scheme, double outlier = 6)
      : options(options_of(scheme, RangeSearchUse::never)), samples(samples_with(outlier)) {
    ranged = with_inferred_types(quantize_model(classifier(), samples, options).prepared);
  }
  SearchedRanges search(const Graph& graph, const RangeSearchOptions& search_options = {}) const {
    return search_ranges(graph, ranged, plan_quantization(graph, options.profile.quantization), samples,
                         search_options);
  }
  SearchedRanges search(const RangeSearchOptions& search_options = {}) const {
    return search(ranged, search_options);
  }
  Range range_in(const Graph& graph, const std::string& name) const {
    return *graph.value(graph.find_value(name).value()).range;
  }
};

const SearchedScale& scale_of(const SearchedRanges& found, const std::string& value) {
  const auto scale = std::ranges::find(found.scales, value, &SearchedScale::value);
  REQUIRE(scale != found.scales.end());
  return *scale;
}

}  // namespace

TEST_CASE("a range that outliers stretch is narrowed where the outputs lose less") {
  const Study study("w8a4");
  const SearchedRanges found = study.search();
  const SearchedScale& hidden = scale_of(found, "r");
  CHECK(hidden.factor < 1);
  CHECK(hidden.loss_after < hidden.loss_before);
  CHECK(study.range_in(found.graph, "r").max ==
        doctest::Approx(hidden.factor * study.range_in(study.ranged, "r").max));
}

TEST_CASE("values that share a scale keep sharing it") {
  const Study study("w8a4");
  const SearchedRanges found = study.search();
  CHECK(std::ranges::find(found.scales, "p", &SearchedScale::value) == found.scales.end());
  const QuantizationPlan plan = plan_quantization(found.graph, study.options.profile.quantization);
  const auto parameters = [&](const std::string& name) {
    return plan.activations.at(found.graph.find_value(name).value()).parameters;
  };
  CHECK(parameters("r") == parameters("p"));
}

TEST_CASE("no scale loses more than before") {
  for (const SearchedScale& scale : Study("w8a4").search().scales)
    CHECK(scale.loss_after <= scale.loss_before);
}

TEST_CASE("a range that was cut too short grows, but not beyond what was seen") {
  const Study study("w8a4", 1);
  const Range whole = study.range_in(study.ranged, "s");
  const auto found_from = [&](double share) {
    Edit edit(study.ranged);
    edit.set_range(study.ranged.find_value("s").value(), Range{whole.min * share, whole.max * share});
    return study.range_in(study.search(edit.apply()).graph, "s");
  };
  CHECK(found_from(0.4).max > 0.41 * whole.max);
  CHECK(found_from(0.95).max <= whole.max);
}

TEST_CASE("ranges without a better one are left alone, bit for bit") {
  const Study study("w8a4", 1);
  const SearchedRanges found = study.search();
  int unchanged = 0;
  for (const SearchedScale& scale : found.scales)
    if (scale.factor == 1) {
      ++unchanged;
      CHECK(study.range_in(found.graph, scale.value) == study.range_in(study.ranged, scale.value));
    }
  CHECK(unchanged > 0);
}

TEST_CASE("scores of classes are left alone: what is cut off there is cut off the answer") {
  const SearchedRanges found = Study("w8a4").search();
  CHECK(std::ranges::find(found.scales, "y", &SearchedScale::value) == found.scales.end());
}

TEST_CASE("scales decided ahead are left alone") {
  const Study study("w8a4");
  const ValueId hidden = study.ranged.find_value("s").value();
  Edit edit(study.ranged);
  edit.set_quantization(hidden,
                        ValueQuantization{.type = DataType::uint8, .is_symmetric = false, .scales = {0.5f}});
  const SearchedRanges found = study.search(edit.apply());
  CHECK(std::ranges::find(found.scales, "s", &SearchedScale::value) == found.scales.end());
}

TEST_CASE("little memory and many threads find the same ranges") {
  const Study study("w8a4");
  const SearchedRanges expected = study.search();
  CHECK(study.search({.largest_memory_bytes = 1}).graph == expected.graph);
  const int threads = thread_count();
  set_thread_count(3);
  CHECK(study.search().graph == expected.graph);
  set_thread_count(threads);
}

TEST_CASE("quantization searches ranges by itself below 8 bits of activations, and only there") {
  const auto scale_count = [](const std::string& scheme, RangeSearchUse use) {
    return quantize_model(classifier(), samples_with(6), options_of(scheme, use)).searched_scales.size();
  };
  CHECK(scale_count("w4a4", RangeSearchUse::automatic) > 0);
  CHECK(scale_count("w4a4", RangeSearchUse::never) == 0);
  CHECK(scale_count("w4a8", RangeSearchUse::automatic) == 0);
  CHECK(scale_count("int8", RangeSearchUse::always) > 0);
}

}  // namespace edgeopt
