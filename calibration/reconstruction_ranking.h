// Ranks channels by what their loss does to the model's outputs after the layers behind them made the best of
// it.
#pragma once
#include <span>
#include <vector>

#include "calibration/importance.h"
#include "calibration/reconstruction.h"

namespace edgeopt {

/// The matrices of every layer that reads channels of some group.
std::vector<LayerStatistics> input_statistics(const Graph& graph, std::span<const ChannelGroup> groups,
                                              const SampleSource& samples, const ImportanceOptions& options);

/// Elimination order and curve of each group by itself; the curve is scaled so that at `effect_share` it
/// equals the measured error of the outputs, relative to their energy.
std::vector<ChannelRanking> rank_by_reconstruction(const Graph& graph, std::span<const ChannelGroup> groups,
                                                   const SampleSource& samples,
                                                   const ImportanceOptions& options);

}  // namespace edgeopt
