// Ranks channels by what their loss does to the model's outputs after the layers behind them made the best of
// it.
#pragma once
#include <span>
#include <vector>

#include "calibration/pruning/importance.h"
#include "calibration/pruning/reconstruction.h"

namespace edgeopt {

/// The value that an output is made of, before what squeezes it between bounds or only changes its dims.
ValueId unbounded_source(const Graph& graph, ValueId value);

/// The matrices of every layer that reads channels of some group.
std::vector<LayerStatistics> input_statistics(const Graph& graph, std::span<const ChannelGroup> groups,
                                              const SampleSource& samples, const ImportanceOptions& options);

/// Elimination order and curve of each group by itself. The curve is bent so that it meets the effect that
/// two removals were measured to have: the energy of the outputs' error over their variance, before a Softmax
/// or Sigmoid at the end, which would hide how far off it is.
std::vector<ChannelRanking> rank_by_reconstruction(const Graph& graph, std::span<const ChannelGroup> groups,
                                                   const SampleSource& samples,
                                                   const ImportanceOptions& options);

}  // namespace edgeopt
