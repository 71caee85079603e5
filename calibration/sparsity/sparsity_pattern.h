// Which weights may be zero together: any, N of M neighbours, or whole blocks.
#pragma once
#include <cstdint>
#include <string>

namespace edgeopt {

/// The pattern of a weight seen as [outputs][input channels][taps]. Neighbours are input channels of one tap,
/// blocks are outputs x input channels of one tap: what sparse kernels read at once.
struct SparsityPattern {
  double share = 0.5;              // of zeros
  std::int64_t block_outputs = 1;  // 1 x 1: unstructured
  std::int64_t block_inputs = 1;
  std::int64_t kept_of_group = 0;  // N of N:M
  std::int64_t group_size = 0;     // M of N:M; 0: not this kind

  bool is_grouped() const { return group_size > 0; }
  bool is_unstructured() const { return !is_grouped() && block_outputs * block_inputs == 1; }
  /// Input channels that are decided together.
  std::int64_t width() const { return is_grouped() ? group_size : block_inputs; }
  bool operator==(const SparsityPattern&) const = default;
};

/// "0.5", "2:4" (so many of four may differ from zero) or "4x1=0.5" (blocks of outputs x input channels).
/// throws  UserError saying how it is written
SparsityPattern sparsity_pattern(const std::string& text);
/// The same text without the share: "unstructured", "2:4", "4x1".
std::string name_of(const SparsityPattern& pattern);

/// One group of a layer's weights: [features][outputs]; feature = input channel * taps + tap.
struct WeightLayout {
  std::int64_t features = 0;
  std::int64_t outputs = 0;
  std::int64_t taps = 1;
};

/// Why the pattern does not fit; empty if it does.
std::string misfit(const SparsityPattern& pattern, const WeightLayout& layout);

/// Units (weights or blocks) of so many features and outputs.
std::int64_t unit_count(const SparsityPattern& pattern, std::int64_t features, std::int64_t outputs);

}  // namespace edgeopt
