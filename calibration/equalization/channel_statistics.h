// What is seen of an activation channel by channel, over all samples.
#pragma once
#include <cstdint>
#include <vector>

#include "calibration/samples/samples.h"
#include "ir/channels.h"
#include "ir/graph.h"

namespace edgeopt {

struct ChannelStatistics {
  std::vector<double> min, max, mean_square;  // by index of the dim
};

/// One per dim, from the first `sample_count` samples.
/// graph    the dims are of its activations, float32
/// returns  the same at any thread count
/// cost     three numbers per index and sample in flight
std::vector<ChannelStatistics> observe_channels(const Graph& graph, const std::vector<ValueDim>& dims,
                                                const SampleSource& samples, std::int64_t sample_count);

}  // namespace edgeopt
