#include "ir/rules/convolve.h"

#include <fmt/format.h>

#include <algorithm>

#include "ir/rules/op_rules.h"
#include "ir/saturated_counts.h"
#include "support/error.h"
#include "support/parallel.h"

namespace edgeopt {
namespace {

struct Row {
  const double* x;
  double* y;
};

// y[o] += w * x[o * stride + k * dilation - pad] wherever x is not padding.
void add_row(const WindowAxis& axis, std::int64_t k, double w, Row row) {
  const std::int64_t shift = k * axis.dilation - axis.pad_begin;
  const std::int64_t first = shift >= 0 ? 0 : (-shift + axis.stride - 1) / axis.stride;
  const std::int64_t reachable = axis.input - shift;
  const std::int64_t last =
      reachable <= 0 ? 0 : std::min(axis.output, (reachable + axis.stride - 1) / axis.stride);
  for (std::int64_t o = first; o < last; ++o) row.y[o] += w * row.x[o * axis.stride + shift];
}

// Adds one channel's contribution to one output plane, row by row.
void add_plane(const Window& window, const double* x, const double* w, double* y) {
  const Window outer(window.begin(), window.end() - 1);
  const WindowAxis& last = window.back();
  const Dims kernel = kernel_dims(window), rows = output_dims(outer);
  for_each_index(kernel, [&](std::span<const std::int64_t> k) {
    const double weight = *w++;
    double* target = y;
    for_each_index(rows, [&](std::span<const std::int64_t> o) {
      double* const row = target;
      target += last.output;
      std::int64_t offset = 0;
      for (std::size_t axis = 0; axis < outer.size(); ++axis) {
        const std::int64_t position = outer[axis].position(o[axis], k[axis]);
        if (position < 0 || position >= outer[axis].input) return;
        offset = offset * outer[axis].input + position;
      }
      add_row(last, k.back(), weight, {x + offset * last.input, row});
    });
  });
}

}  // namespace

void require_kernel(const Attributes& attributes, std::span<const std::int64_t> weight) {
  const std::vector<std::int64_t> stated = attributes.get_ints("kernel_shape");
  if (!stated.empty() && !std::ranges::equal(stated, weight))
    throw UserError(fmt::format("kernel_shape {} contradicts the weight's {}", to_string(std::span(stated)),
                                to_string(weight)));
}

Dims Convolution::output_shape() const {
  Dims dims{batch, output_channels};
  for (const WindowAxis& axis : window) dims.push_back(axis.output);
  return dims;
}

Convolution convolution_of(const Attributes& attributes, const Dims& input, const Dims& weight) {
  const std::int64_t groups = attributes.get_int("group", 1);
  if (input.size() < 3 || weight.size() != input.size())
    throw UserError(
        fmt::format("an input of shape {} and a weight of shape {} must have the same rank, at least 3",
                    to_string(input), to_string(weight)));
  if (groups < 1 || input[1] % groups != 0 || input[1] / groups != weight[1] || weight[0] % groups != 0)
    throw UserError(fmt::format("{} input channels, {} groups and a weight of shape {} do not fit together",
                                input[1], groups, to_string(weight)));
  require_kernel(attributes, std::span(weight).subspan(2));
  return {.batch = input[0],
          .input_channels = input[1],
          .output_channels = weight[0],
          .groups = groups,
          .window = window_of(attributes, std::span(input).subspan(2), std::span(weight).subspan(2))};
}

std::vector<double> convolve(const Convolution& convolution, std::span<const double> x,
                             std::span<const double> w, std::span<const double> bias) {
  if (!bias.empty() && std::ssize(bias) != convolution.output_channels)
    throw UserError(
        fmt::format("{} biases are given for {} output channels", bias.size(), convolution.output_channels));
  const std::int64_t in_plane = element_count(input_dims(convolution.window));
  const std::int64_t out_plane = element_count(output_dims(convolution.window));
  const std::int64_t kernel = element_count(kernel_dims(convolution.window));
  const std::int64_t channels = convolution.channels_per_group();
  const std::int64_t per_group = convolution.output_channels / convolution.groups;
  std::vector<double> y(static_cast<std::size_t>(element_count(convolution.output_shape())));
  parallel_for(convolution.batch * convolution.output_channels, [&](std::int64_t plane, int) {
    const std::int64_t n = plane / convolution.output_channels, m = plane % convolution.output_channels;
    double* const target = y.data() + plane * out_plane;
    std::fill_n(target, out_plane, bias.empty() ? 0.0 : bias[static_cast<std::size_t>(m)]);
    const std::int64_t first_channel = n * convolution.input_channels + m / per_group * channels;
    for (std::int64_t c = 0; c < channels; ++c)
      add_plane(convolution.window, x.data() + (first_channel + c) * in_plane,
                w.data() + (m * channels + c) * kernel, target);
  });
  return y;
}

std::optional<Shape> convolved_shape(const Attributes& attributes, const Operand& input,
                                     const Operand& weight) {
  if (!input.has_shape()) return std::nullopt;
  const std::size_t rank = input.shape().size();
  if (rank < 3) throw UserError(fmt::format("the input has {} dims, but needs at least 3: [N,C,...]", rank));
  Dims kernel = attributes.get_ints("kernel_shape");
  if (weight.has_shape()) {
    if (weight.shape().size() != rank)
      throw UserError(
          fmt::format("a weight of {} dims does not fit an input of {}", weight.shape().size(), rank));
    const Dim& channels = input.shape()[1];
    const Dim& per_group = weight.shape()[1];
    const std::int64_t groups = attributes.get_int("group", 1);
    if (groups < 1) throw UserError(fmt::format("group is {}, but must be at least 1", groups));
    const bool is_split = channels.size % groups == 0 && channels.size / groups == per_group.size;
    if (channels.is_number() && per_group.is_number() && !is_split)
      throw UserError(fmt::format("the input has {} channels, but {} groups of {} are expected",
                                  channels.size, groups, per_group.size));
    const auto dims = static_dims(Shape(weight.shape().begin() + 2, weight.shape().end()));
    if (dims) require_kernel(attributes, *dims);
    if (dims) kernel = *dims;
  }
  Shape shape{input.shape()[0], weight.has_shape() ? weight.shape()[0] : Dim()};
  const Shape spatial = kernel.empty()
                            ? Shape(rank - 2)
                            : window_output_shape(attributes, std::span(input.shape()).subspan(2), kernel);
  shape.insert(shape.end(), spatial.begin(), spatial.end());
  return shape;
}

Cost convolution_cost(const Operand& weight, const Operand& output) {
  if (!weight.has_shape() || weight.shape().empty()) return {};
  const std::int64_t channels =
      weight.shape()[0].is_number() ? std::max<std::int64_t>(weight.shape()[0].size, 1) : 1;
  return {.multiply_adds =
              saturated_product(known_element_count(output), known_element_count(weight) / channels)};
}

}  // namespace edgeopt
