#include "calibration/channel_means.h"

#include <algorithm>
#include <array>
#include <span>

#include "ir/edit.h"
#include "runtime/engine.h"
#include "support/parallel.h"

namespace edgeopt {
namespace {

// Samples whose results wait for their turn; a multiple of any usual thread count.
constexpr std::int64_t block_size = 32;

// Element i goes to lane i % 8, lanes are added in order: no addition waits for the one before, and the order
// is fixed.
double sum_of(std::span<const float> elements) {
  constexpr std::size_t lane_count = 8;
  std::array<double, lane_count> lanes{};
  std::size_t i = 0;
  for (; i + lane_count <= elements.size(); i += lane_count)
    for (std::size_t lane = 0; lane < lane_count; ++lane)
      lanes[lane] += static_cast<double>(elements[i + lane]);
  for (std::size_t lane = 0; i < elements.size(); ++i, ++lane)
    lanes[lane] += static_cast<double>(elements[i]);
  double sum = 0;
  for (const double lane : lanes) sum += lane;
  return sum;
}

}  // namespace

Graph with_only_outputs(const Graph& graph, const std::vector<ChannelValue>& values) {
  Edit edit(graph);
  for (std::size_t i = graph.outputs().size(); i > 0; --i) edit.remove_output(i - 1);
  for (const ChannelValue& value : values) edit.add_output(value.value);
  return edit.apply();
}

std::vector<double> channel_means(const Tensor& tensor, std::size_t axis) {
  const auto channels = static_cast<std::size_t>(tensor.dims().at(axis));
  std::size_t inner = 1;
  for (std::size_t i = axis + 1; i < tensor.rank(); ++i) inner *= static_cast<std::size_t>(tensor.dims()[i]);
  const std::span<const float> elements = tensor.data<float>();
  const std::size_t outer = elements.size() / std::max<std::size_t>(1, channels * inner);
  std::vector<double> sums(channels, 0.0);
  for (std::size_t o = 0; o < outer; ++o)
    for (std::size_t c = 0; c < channels; ++c) {
      sums[c] += sum_of(elements.subspan((o * channels + c) * inner, inner));
    }
  for (double& sum : sums) sum /= static_cast<double>(std::max<std::size_t>(1, outer * inner));
  return sums;
}

void for_samples_in_order(std::int64_t count,
                          const std::function<std::vector<std::vector<double>>(std::int64_t, int)>& compute,
                          const std::function<void(const std::vector<std::vector<double>>&)>& add) {
  std::vector<std::vector<std::vector<double>>> waiting(block_size);
  for (std::int64_t begin = 0; begin < count; begin += block_size) {
    const std::int64_t size = std::min(block_size, count - begin);
    parallel_for(size, [&](std::int64_t i, int worker) {
      waiting[static_cast<std::size_t>(i)] = compute(begin + i, worker);
    });
    for (std::int64_t i = 0; i < size; ++i) add(waiting[static_cast<std::size_t>(i)]);
  }
}

std::vector<std::vector<double>> mean_channels(const Graph& graph, const std::vector<ChannelValue>& values,
                                               const SampleSource& samples, std::int64_t sample_count) {
  const Graph observed = with_only_outputs(graph, values);
  SessionPool sessions(observed);
  std::vector<std::vector<double>> totals(values.size());
  const auto compute = [&](std::int64_t i, int worker) {
    const Tensors outputs = sessions.session(worker).run(samples.read(i).inputs);
    std::vector<std::vector<double>> means;
    for (std::size_t k = 0; k < values.size(); ++k)
      means.push_back(channel_means(outputs[k], values[k].axis));
    return means;
  };
  for_samples_in_order(sample_count, compute, [&](const std::vector<std::vector<double>>& means) {
    for (std::size_t k = 0; k < means.size(); ++k) {
      totals[k].resize(means[k].size(), 0.0);
      for (std::size_t c = 0; c < means[k].size(); ++c)
        totals[k][c] += means[k][c] / static_cast<double>(sample_count);
    }
  });
  return totals;
}

}  // namespace edgeopt
