#include "calibration/equalization/channel_statistics.h"

#include <algorithm>
#include <limits>
#include <span>

#include "calibration/channel_means.h"
#include "runtime/engine.h"

namespace edgeopt {
namespace {

// Minima, maxima and mean squares, one behind the other.
std::vector<double> statistics_of(const Tensor& tensor, std::size_t axis) {
  const auto channels = static_cast<std::size_t>(tensor.dims().at(axis));
  std::size_t inner = 1;
  for (std::size_t i = axis + 1; i < tensor.rank(); ++i) inner *= static_cast<std::size_t>(tensor.dims()[i]);
  std::vector<float> low(channels, std::numeric_limits<float>::max());
  std::vector<float> high(channels, std::numeric_limits<float>::lowest());
  std::vector<double> squares(channels, 0.0);
  const std::span<const float> elements = tensor.data<float>();
  for (std::size_t begin = 0; begin < elements.size(); begin += inner) {
    const std::size_t channel = begin / inner % channels;
    for (const float x : elements.subspan(begin, inner)) {
      low[channel] = std::min(low[channel], x);
      high[channel] = std::max(high[channel], x);
      squares[channel] += static_cast<double>(x) * static_cast<double>(x);
    }
  }
  const auto count = static_cast<double>(std::max<std::size_t>(1, elements.size() / channels));
  std::vector<double> result(low.begin(), low.end());
  result.insert(result.end(), high.begin(), high.end());
  for (const double square : squares) result.push_back(square / count);
  return result;
}

void add(const std::vector<double>& seen, double share, ChannelStatistics& total) {
  const std::size_t channels = seen.size() / 3;
  if (total.min.empty()) {
    total.min.assign(channels, std::numeric_limits<double>::max());
    total.max.assign(channels, std::numeric_limits<double>::lowest());
    total.mean_square.assign(channels, 0.0);
  }
  for (std::size_t c = 0; c < channels; ++c) {
    total.min[c] = std::min(total.min[c], seen[c]);
    total.max[c] = std::max(total.max[c], seen[channels + c]);
    total.mean_square[c] += share * seen[2 * channels + c];
  }
}

}  // namespace

std::vector<ChannelStatistics> observe_channels(const Graph& graph, const std::vector<ValueDim>& dims,
                                                const SampleSource& samples, std::int64_t sample_count) {
  std::vector<ChannelValue> values;
  values.reserve(dims.size());
  for (const ValueDim& dim : dims) values.push_back({dim.value, static_cast<std::size_t>(dim.axis)});
  const Graph observed = with_only_outputs(graph, values);
  SessionPool sessions(observed);
  std::vector<ChannelStatistics> totals(dims.size());
  const auto compute = [&](std::int64_t i, int worker) {
    const Tensors outputs = sessions.session(worker).run(samples.read(i).inputs);
    std::vector<std::vector<double>> seen;
    for (std::size_t k = 0; k < dims.size(); ++k)
      seen.push_back(statistics_of(outputs[k], static_cast<std::size_t>(dims[k].axis)));
    return seen;
  };
  for_samples_in_order(sample_count, compute, [&](const std::vector<std::vector<double>>& seen) {
    for (std::size_t k = 0; k < seen.size(); ++k)
      add(seen[k], 1.0 / static_cast<double>(sample_count), totals[k]);
  });
  return totals;
}

}  // namespace edgeopt
