// How much each channel matters.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "calibration/samples/samples.h"
#include "ir/channels.h"
#include "ir/graph.h"
#include "support/progress.h"

namespace edgeopt {

enum class ImportanceMethod {
  // The error of the layers that read the channel after their best update, times what such an error does to
  // the
  // model's outputs, measured. The only one here whose numbers are comparable between layers.
  reconstruction,
  magnitude,   // L2 norm of the weights. Li et al., "Pruning Filters for Efficient ConvNets", ICLR 2017
  activation,  // energy that the channel brings to its readers. Sun et al., "Wanda", ICLR 2024, per channel
  taylor,      // squared change of the loss to first order. Molchanov et al., CVPR 2019
  fisher,  // the same to second order, by the Hessian's diagonal. LeCun et al., "Optimal Brain Damage", 1989
  median,  // distance of its weights from all others'. He et al., "FPGM", CVPR 2019
};
std::string_view name_of(ImportanceMethod method);
std::optional<ImportanceMethod> importance_method_named(std::string_view name);
std::vector<std::string_view> importance_method_names();

struct ImportanceOptions {
  ImportanceMethod method = ImportanceMethod::reconstruction;
  std::int64_t largest_sample_count = 256;
  std::int64_t positions_per_sample = 32;
  /// Samples on which the effect on the outputs is measured, none of those that ranked where there are
  /// enough; an energy over all elements needs few.
  std::int64_t effect_sample_count = 32;
  Progress progress = {};
};

/// True if the method looks at samples.
bool needs_samples(ImportanceMethod method);

/// A ranking of the units of every group.
/// samples   may be null for methods that need none
/// returns   the same bytes at any thread count
std::vector<ChannelRanking> rank_channels(const Graph& graph, std::span<const ChannelGroup> groups,
                                          const SampleSource* samples, const ImportanceOptions& options);

/// Units by ascending score, damage the sum of the scores.
ChannelRanking ranking_of_scores(const std::vector<double>& scores);

}  // namespace edgeopt
