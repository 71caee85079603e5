// How much each channel matters.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "calibration/samples.h"
#include "ir/channels.h"
#include "ir/graph.h"

namespace edgeopt {

enum class ImportanceMethod {
  magnitude,  // L2 norm of the weights. Li et al., "Pruning Filters for Efficient ConvNets", ICLR 2017
};
std::string_view name_of(ImportanceMethod method);
std::optional<ImportanceMethod> importance_method_named(std::string_view name);
std::vector<std::string_view> importance_method_names();

struct ImportanceOptions {
  ImportanceMethod method = ImportanceMethod::magnitude;
  std::int64_t largest_sample_count = 256;
};

/// A ranking of the units of every group.
std::vector<ChannelRanking> rank_channels(const Graph& graph, std::span<const ChannelGroup> groups,
                                          const ImportanceOptions& options);

/// Units by ascending score, damage the sum of the scores.
ChannelRanking ranking_of_scores(const std::vector<double>& scores);

}  // namespace edgeopt
