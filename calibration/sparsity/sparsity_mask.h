// Which weights go: those of least score, in the units of a pattern.
#pragma once
#include <Eigen/Dense>
#include <cstdint>
#include <span>
#include <vector>

#include "calibration/sparsity/sparsity_pattern.h"

namespace edgeopt {

/// Features that are decided together, each `width` long.
std::vector<std::vector<std::int64_t>> feature_groups(const SparsityPattern& pattern,
                                                      const WeightLayout& layout);

/// Marked: the weight is zero.
using WeightMask = Eigen::Array<bool, Eigen::Dynamic, Eigen::Dynamic>;

/// Features (whole groups, one after another) and outputs that compete with each other.
struct MaskScope {
  std::span<const std::int64_t> features;
  std::int64_t first_output = 0;
  std::int64_t output_count = 0;
};

/// Marks the `removed_count` units (weights or blocks) of least score within the scope; of N:M the M - N
/// least of every group, whatever the count. Of equal scores the earlier goes.
void mark_least(const Eigen::MatrixXd& scores, const SparsityPattern& pattern, const MaskScope& scope,
                std::int64_t removed_count, WeightMask& mask);

}  // namespace edgeopt
