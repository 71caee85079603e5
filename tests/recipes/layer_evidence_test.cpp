// What is seen at a layer's output: where its values lie, and how many are cut off.
#include "recipes/layer_evidence.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <numeric>

namespace edgeopt {
namespace {

Tensor row_of(const std::vector<float>& elements) {
  Tensor tensor(DataType::float32, {static_cast<std::int64_t>(elements.size())});
  std::ranges::copy(elements, tensor.mutable_data<float>().begin());
  return tensor;
}

LayerEvidence evidence(const std::vector<float>& elements, const Range& range) {
  const Tensor output = row_of(elements);
  return evidence_of({sum_output(output, output, -1, range)});
}

}  // namespace

TEST_CASE("evidence: the histogram spans the range and half of it beyond either end") {
  // 64 steps from -1 to 3: 1/16 each; the range's ends are the steps 16 and 48.
  const OutputHistogram histogram = evidence({0, 0.03F, 1, 1.99F}, {0, 2}).histogram;
  CHECK(histogram.low == -1);
  CHECK(histogram.high == 3);
  REQUIRE(histogram.counts.size() == 64);
  CHECK(histogram.counts[16] == 2);
  CHECK(histogram.counts[32] == 1);
  CHECK(histogram.counts[47] == 1);
}

TEST_CASE("evidence: values far outside are in the first and the last step, and count as clipped") {
  const LayerEvidence seen = evidence({-100, 1, 1, 100}, {0, 2});
  CHECK(seen.histogram.counts.front() == 1);
  CHECK(seen.histogram.counts.back() == 1);
  CHECK(seen.clipped_share == 0.5);
}

TEST_CASE("evidence: samples add up") {
  const Tensor output = row_of({0.5F, 1.5F});
  const LayerSums once = sum_output(output, output, -1, {0, 2});
  const OutputHistogram histogram = evidence_of({once, once, once}).histogram;
  CHECK(std::accumulate(histogram.counts.begin(), histogram.counts.end(), std::int64_t{0}) == 6);
}

TEST_CASE("evidence: there is no histogram where the output stays in float, or has no extent") {
  const double infinity = std::numeric_limits<double>::infinity();
  CHECK(evidence({1, 2}, {-infinity, infinity}).histogram.counts.empty());
  CHECK(evidence({1, 1}, {1, 1}).histogram.counts.empty());
}

TEST_CASE("evidence: what is not a number has no place in the histogram") {
  const OutputHistogram histogram = evidence({std::numeric_limits<float>::quiet_NaN(), 1}, {0, 2}).histogram;
  CHECK(std::accumulate(histogram.counts.begin(), histogram.counts.end(), std::int64_t{0}) == 1);
}

}  // namespace edgeopt
