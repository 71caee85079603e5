// Patterns of zeros: how they are written, what they fit, and which weights they take.
#include "calibration/sparsity/sparsity_mask.h"

#include <doctest/doctest.h>

#include <numeric>

#include "support/error.h"

namespace edgeopt {
namespace {

std::vector<std::int64_t> first_features(std::int64_t count) {
  std::vector<std::int64_t> features(static_cast<std::size_t>(count));
  std::iota(features.begin(), features.end(), std::int64_t{0});
  return features;
}

WeightMask least(const Eigen::MatrixXd& scores, const SparsityPattern& pattern, std::int64_t count) {
  WeightMask mask = WeightMask::Constant(scores.rows(), scores.cols(), false);
  const std::vector<std::int64_t> features = first_features(scores.rows());
  mark_least(scores, pattern, {.features = features, .output_count = scores.cols()}, count, mask);
  return mask;
}

}  // namespace

TEST_CASE("sparsity pattern: a share, N:M and blocks are read and named") {
  const SparsityPattern share = sparsity_pattern("0.75");
  CHECK(share.share == 0.75);
  CHECK(name_of(share) == "unstructured");
  const SparsityPattern grouped = sparsity_pattern("1:4");
  CHECK(grouped.share == 0.75);
  CHECK(name_of(grouped) == "1:4");
  const SparsityPattern block = sparsity_pattern("4x2=0.25");
  CHECK(block.share == 0.25);
  CHECK(name_of(block) == "4x2");
  CHECK(block.width() == 2);
}

TEST_CASE("sparsity pattern: what cannot be read is refused with how to write it") {
  for (const char* text : {"", "half", "0", "1", "1.5", "0.5x", "4:2", "2:2", "0:4", "2:", "4x1", "0x4=0.5",
                           "4x1=", "4x1=2", "nan", "2:100"})
    CHECK_THROWS_WITH_AS(sparsity_pattern(text), doctest::Contains("N:M (2:4"), UserError);
}

TEST_CASE("sparsity pattern: channels and outputs that are no multiple are told") {
  CHECK(misfit(sparsity_pattern("2:4"), {.features = 36, .outputs = 5, .taps = 9}).empty());
  CHECK(misfit(sparsity_pattern("2:4"), {.features = 27, .outputs = 8, .taps = 9}) ==
        "its 3 input channels are no multiple of 4");
  CHECK(misfit(sparsity_pattern("4x1=0.5"), {.features = 27, .outputs = 10, .taps = 9}) ==
        "its 10 outputs are no multiple of 4");
  CHECK(misfit(sparsity_pattern("0.5"), {.features = 27, .outputs = 10, .taps = 9}).empty());
}

TEST_CASE("sparsity pattern: neighbours are input channels of one tap") {
  const auto groups = feature_groups(sparsity_pattern("1:2"), {.features = 12, .outputs = 1, .taps = 3});
  CHECK(groups == std::vector<std::vector<std::int64_t>>{{0, 3}, {1, 4}, {2, 5}, {6, 9}, {7, 10}, {8, 11}});
}

TEST_CASE("sparsity mask: unstructured takes the least of all") {
  Eigen::MatrixXd scores(2, 2);
  scores << 1, 5, 0.5, 7;
  const WeightMask mask = least(scores, sparsity_pattern("0.5"), 2);
  CHECK((mask(0, 0) && mask(1, 0) && !mask(0, 1) && !mask(1, 1)));
}

TEST_CASE("sparsity mask: N:M takes so many of every group and output") {
  Eigen::MatrixXd scores(8, 1);
  scores << 1, 9, 2, 8, 30, 20, 10, 40;
  const WeightMask mask = least(scores, sparsity_pattern("2:4"), 0);
  for (const int f : {0, 2, 5, 6}) CHECK(mask(f, 0));
  CHECK(mask.count() == 4);
}

TEST_CASE("sparsity mask: of equal scores the earlier goes") {
  const WeightMask mask = least(Eigen::MatrixXd::Ones(4, 1), sparsity_pattern("2:4"), 0);
  CHECK((mask(0, 0) && mask(1, 0) && !mask(2, 0) && !mask(3, 0)));
}

TEST_CASE("sparsity mask: a block goes as a whole, by the sum of its scores") {
  Eigen::MatrixXd scores(2, 4);
  scores << 1, 9, 3, 3,  //
      4, 4, 0, 20;
  // blocks of two outputs: 10 and 6, 8 and 20
  const WeightMask mask = least(scores, sparsity_pattern("2x1=0.5"), 2);
  CHECK((mask(0, 2) && mask(0, 3) && mask(1, 0) && mask(1, 1)));
  CHECK(mask.count() == 4);
}

TEST_CASE("sparsity mask: outputs outside the scope stay") {
  WeightMask mask = WeightMask::Constant(2, 3, false);
  const std::vector<std::int64_t> features = first_features(2);
  mark_least(Eigen::MatrixXd::Zero(2, 3), sparsity_pattern("0.5"),
             {.features = features, .first_output = 1, .output_count = 1}, 2, mask);
  CHECK(mask.col(1).all());
  CHECK(mask.count() == 2);
}

}  // namespace edgeopt
