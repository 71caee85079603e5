// Means per channel over samples, with the same bytes at any thread count.
#pragma once
#include <cstdint>
#include <functional>
#include <vector>

#include "calibration/samples/samples.h"
#include "ir/graph.h"

namespace edgeopt {

/// The mean of each index of `axis` over all other dims.
std::vector<double> channel_means(const Tensor& tensor, std::size_t axis);

/// A value and which of its axes counts channels.
struct ChannelValue {
  ValueId value = ValueId::none;
  std::size_t axis = 1;
};

/// The graph with these values, in this order, as its outputs.
Graph with_only_outputs(const Graph& graph, const std::vector<ChannelValue>& values);

/// Mean per channel of each value over the first `sample_count` samples, [values][channels].
std::vector<std::vector<double>> mean_channels(const Graph& graph, const std::vector<ChannelValue>& values,
                                               const SampleSource& samples, std::int64_t sample_count);

/// Calls compute(i, worker) for every sample in parallel and add(i, result) for every result in the order of
/// i; at most a fixed number of results wait in memory.
void for_samples_in_order(std::int64_t count,
                          const std::function<std::vector<std::vector<double>>(std::int64_t, int)>& compute,
                          const std::function<void(const std::vector<std::vector<double>>&)>& add);

}  // namespace edgeopt
