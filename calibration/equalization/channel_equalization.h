// Factors per channel that even out what integers lose: activations have one scale for all channels, weights
// one per output, so channels of small range lose most, and readers can take over what activations cannot
// hold.
#pragma once
#include <cstdint>
#include <functional>
#include <vector>

#include "calibration/samples/samples.h"
#include "ir/channel_factors.h"
#include "ir/graph.h"

namespace edgeopt {

struct EqualizationOptions {
  /// Bits of a reader's weight; 0: it stays in float. Of an activation likewise.
  std::function<int(const Node&)> weight_bits;
  std::function<int(ValueId)> activation_bits;
  /// Inputs of an output of a reader's weight that share a scale; 0: all of them.
  std::function<std::int64_t(const Node&)> block_size = [](const Node&) { return 0; };
  std::int64_t largest_sample_count = 512;
};

/// The factors with the least expected noise at the readers' outputs: that of the activations' one scale,
///   (max_c r_c / s_c)^2 / 12 (2^bits - 1)^2 * sum over k, c of v_k w_kc^2 s_c^2
/// and that of the weights' scale per output k, or per block of an output,
///   sum over k of v_k (max_c |w_kc| s_c)^2 / 12 (2^(bits-1) - 1)^2 * sum over c of E x_c^2 / s_c^2
/// with r the observed range of a channel and v how much noise on output k matters, carried back from the
/// readers behind it.
///
/// graph    float, the groups are its own (passes/factor_groups.h)
/// returns  1 for all channels of a group that gains nothing; the same at any thread count
/// source   activations against weights: Xiao et al., "SmoothQuant", ICML 2023, where one exponent decides;
///          Meller et al., "Same, Same But Different", ICML 2019, for convolutions; Lin et al., "AWQ", MLSys
///          2024, for weights alone, where again one exponent decides
ChannelFactors equalizing_factors(const Graph& graph, const std::vector<FactorGroup>& groups,
                                  const SampleSource& samples, const EqualizationOptions& options);

}  // namespace edgeopt
