// The running mean and variance of BatchNormalization, estimated anew: those in the file belong to the
// weights that the model was trained with, and to the samples that it saw then.
#pragma once
#include <cstdint>

#include "calibration/samples/samples.h"
#include "ir/graph.h"
#include "support/progress.h"

namespace edgeopt {

struct StatisticsOptions {
  /// Samples used at most; even one image gives a channel hundreds of elements.
  std::int64_t largest_sample_count = 256;
  /// Intermediate values kept at most; fewer samples are used when they would take more.
  std::int64_t largest_memory_bytes = std::int64_t{256} << 20;
  Progress progress = {};
};

/// The graph in which every BatchNormalization has the mean and the variance that its input has on the
/// samples.
///
/// Layers are done in order, each on what the refreshed layers before it give; one run through the graph in
/// pieces. A layer that computes its statistics or reads them from elsewhere is left alone, and so is a
/// channel that is the same number everywhere, which says nothing about the spread on other samples.
///
/// returns  the same bytes at any thread count
/// source   Yu and Huang, "Universally Slimmable Networks and Improved Training Techniques", ICCV 2019,
///          section 3.2 (statistics computed exactly after training, instead of as running averages)
Graph with_refreshed_statistics(const Graph& graph, const SampleSource& samples,
                                const StatisticsOptions& options = {});

}  // namespace edgeopt
