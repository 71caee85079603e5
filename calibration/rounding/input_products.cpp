#include "calibration/rounding/input_products.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "ir/rules/convolve.h"
#include "runtime/simd.h"
#include "support/parallel.h"
#include "support/random.h"

namespace edgeopt {
namespace {

// Sixteen rows per column estimate a Hessian as well as more do (the damping of 1 % is larger than its
// noise); fewer than 2048 would not cover the positions of an image.
constexpr std::int64_t rows_per_column = 16;
constexpr std::int64_t fewest_rows = 2048;
constexpr std::int64_t largest_bytes = std::int64_t{32} << 20;
// 1024 products of two numbers below 2^10 fit 31 bits.
constexpr std::int64_t segment_length = 1024;
constexpr double largest_integer = 1023;

EDGEOPT_VECTORIZED std::int32_t dot(const std::int16_t* a, const std::int16_t* b, std::int64_t count) {
  std::int32_t sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t i = 0; i < count; ++i) sum += static_cast<std::int32_t>(a[i]) * b[i];
  return sum;
}

// What is no number says nothing.
std::int16_t integer_of(float x, double step) {
  const double rounded = std::nearbyint(static_cast<double>(x) / step);
  if (std::isnan(rounded)) return 0;
  return static_cast<std::int16_t>(std::clamp(rounded, -largest_integer, largest_integer));
}

// The offsets in an input plane of the taps of the window at an output position; -1 for padding.
std::vector<std::int64_t> tap_offsets(const Window& window, std::int64_t position) {
  std::vector<std::int64_t> o(window.size());
  for (std::size_t axis = window.size(); axis-- > 0;) {
    o[axis] = position % window[axis].output;
    position /= window[axis].output;
  }
  std::vector<std::int64_t> offsets;
  for_each_index(kernel_dims(window), [&](std::span<const std::int64_t> k) {
    std::int64_t offset = 0;
    for (std::size_t axis = 0; axis < window.size(); ++axis) {
      const std::int64_t at = window[axis].position(o[axis], k[axis]);
      const bool is_inside = offset >= 0 && at >= 0 && at < window[axis].input;
      offset = is_inside ? offset * window[axis].input + at : -1;
    }
    offsets.push_back(offset);
  });
  return offsets;
}

}  // namespace

InputRows::InputRows(const Node& node, const WeightMatrix& matrix, const Dims& weight,
                     std::int64_t sample_count)
    : node_(node), matrix_(matrix), weight_(weight) {
  const std::int64_t affordable =
      largest_bytes / (matrix.groups * matrix.columns * static_cast<std::int64_t>(sizeof(std::int16_t)));
  const std::int64_t wanted = std::min(std::max(fewest_rows, rows_per_column * matrix.columns),
                                       std::max<std::int64_t>(1, affordable));
  rows_per_sample_ = (wanted + sample_count - 1) / sample_count;
  row_count_ = rows_per_sample_ * sample_count;
  rows_.resize(static_cast<std::size_t>(matrix.groups * matrix.columns * row_count_));
  taken_.resize(static_cast<std::size_t>(sample_count));
}

// One position out of each of equally many neighbours.
std::vector<std::int64_t> InputRows::drawn_positions(std::int64_t i, std::int64_t position_count) const {
  const std::int64_t count = std::min(position_count, rows_per_sample_);
  RandomStream random(static_cast<std::uint64_t>(i), "rows of layer inputs");
  std::vector<std::int64_t> positions;
  for (std::int64_t k = 0; k < count; ++k) {
    const std::int64_t first = k * position_count / count;
    const std::int64_t last = (k + 1) * position_count / count;
    positions.push_back(first +
                        static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(last - first))));
  }
  return positions;
}

void InputRows::take(std::int64_t i, const Tensor& input, double step) {
  if (node_.is("Conv"))
    take_windows(i, input, step);
  else
    take_vectors(i, input, step);
}

void InputRows::take_windows(std::int64_t i, const Tensor& input, double step) {
  const Convolution convolution = convolution_of(node_.attributes, input.dims(), weight_);
  const std::int64_t in_plane = element_count(input_dims(convolution.window));
  const std::int64_t out_plane = element_count(output_dims(convolution.window));
  const std::int64_t channels = convolution.channels_per_group();
  const std::span<const float> x = input.data<float>();
  std::int64_t row = i * rows_per_sample_;
  for (const std::int64_t drawn : drawn_positions(i, convolution.batch * out_plane)) {
    const std::vector<std::int64_t> taps = tap_offsets(convolution.window, drawn % out_plane);
    const auto tap_count = static_cast<std::int64_t>(taps.size());
    const float* image = x.data() + drawn / out_plane * convolution.input_channels * in_plane;
    for (std::int64_t c = 0; c < convolution.input_channels; ++c)
      for (std::int64_t k = 0; k < tap_count; ++k) {
        const std::int64_t offset = taps[static_cast<std::size_t>(k)];
        if (offset >= 0)
          at(c / channels, c % channels * tap_count + k, row) =
              integer_of(image[c * in_plane + offset], step);
      }
    ++row;
  }
  taken_[static_cast<std::size_t>(i)] = row - i * rows_per_sample_;
}

void InputRows::take_vectors(std::int64_t i, const Tensor& input, double step) {
  const std::span<const float> x = input.data<float>();
  std::int64_t row = i * rows_per_sample_;
  for (const std::int64_t drawn : drawn_positions(i, input.element_count() / matrix_.columns)) {
    for (std::int64_t c = 0; c < matrix_.columns; ++c)
      at(0, c, row) = integer_of(x[static_cast<std::size_t>(drawn * matrix_.columns + c)], step);
    ++row;
  }
  taken_[static_cast<std::size_t>(i)] = row - i * rows_per_sample_;
}

std::vector<double> InputRows::products(const ColumnRange& columns, const InputRows& y) const {
  const auto [group, first, count] = columns;
  std::vector<double> result(static_cast<std::size_t>(count * count));
  const bool is_symmetric = &y == this;
  const auto fill_line = [&](std::int64_t i, int) {
    double* const line = result.data() + i * count;
    for (std::int64_t begin = 0; begin < row_count_; begin += segment_length) {
      const std::int64_t length = std::min(segment_length, row_count_ - begin);
      const std::int16_t* own = column(group, first + i) + begin;
      for (std::int64_t j = 0; j < (is_symmetric ? i + 1 : count); ++j)
        line[j] += dot(own, y.column(group, first + j) + begin, length);
    }
  };
  // The few columns of a depthwise Conv are not worth a thread.
  constexpr std::int64_t fewest_parallel_columns = 64;
  if (count >= fewest_parallel_columns) parallel_for(count, fill_line);
  if (count < fewest_parallel_columns)
    for (std::int64_t i = 0; i < count; ++i) fill_line(i, 0);
  if (is_symmetric)
    for (std::int64_t i = 0; i < count; ++i)
      for (std::int64_t j = 0; j < i; ++j)
        result[static_cast<std::size_t>(j * count + i)] = result[static_cast<std::size_t>(i * count + j)];
  return result;
}

std::int64_t InputRows::taken_row_count() const {
  return std::accumulate(taken_.begin(), taken_.end(), std::int64_t{0});
}

std::vector<double> InputRows::means(const ColumnRange& columns) const {
  std::vector<double> result;
  const auto taken = static_cast<double>(std::max<std::int64_t>(1, taken_row_count()));
  for (std::int64_t i = 0; i < columns.count; ++i) {
    const std::int16_t* begin = column(columns.group, columns.first + i);
    result.push_back(static_cast<double>(std::accumulate(begin, begin + row_count_, std::int64_t{0})) /
                     taken);
  }
  return result;
}

}  // namespace edgeopt
