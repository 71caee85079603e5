#include "recipes/optimize.h"

#include <doctest/doctest.h>

namespace edgeopt {
namespace {

SampleSource counting_source(std::int64_t count) {
  SampleSource source{.count = count, .description = "numbers", .has_labels = true};
  for (std::int64_t i = 0; i < count; ++i) source.labels.push_back(i);
  source.read = [](std::int64_t index) {
    return Sample{.inputs = {Tensor::scalar<std::int64_t>(index)}, .label = index};
  };
  return source;
}

}  // namespace

TEST_CASE("one source is split into disjoint halves that cover it") {
  const SampleSplit split = split_samples(counting_source(33));
  CHECK(split.caution.empty());
  REQUIRE(split.calibration.count == 17);
  REQUIRE(split.judging.count == 16);
  CHECK(split.calibration.read(16).label == 32);
  CHECK(split.judging.read(0).label == 1);
  CHECK(split.judging.read(15).label == 31);
  CHECK(split.judging.labels.size() == 16);
  CHECK(split.judging.labels[3] == split.judging.read(3).label);
}

TEST_CASE("few samples serve both purposes, with a caution") {
  const SampleSplit split = split_samples(counting_source(31));
  CHECK(split.calibration.count == 31);
  CHECK(split.judging.count == 31);
  CHECK_FALSE(split.caution.empty());
}

TEST_CASE("judging on the calibration samples carries a caution") {
  const SampleSource source = counting_source(40);
  CHECK_FALSE(separate_samples(source, source).caution.empty());
  SampleSource other = source;
  other.sha256 = "another";
  CHECK(separate_samples(source, other).caution.empty());
}

TEST_CASE("percentiles interpolate between the sorted numbers") {
  CHECK(percentile_of({3, 1, 2}, 50) == 2);
  CHECK(percentile_of({1, 2}, 50) == 1.5);
  CHECK(percentile_of({5, 1, 3}, 0) == 1);
  CHECK(percentile_of({5, 1, 3}, 100) == 5);
  CHECK(percentile_of({}, 50) == 0);
}

}  // namespace edgeopt
