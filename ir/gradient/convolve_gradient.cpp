#include "ir/gradient/convolve_gradient.h"

#include "support/parallel.h"

namespace edgeopt {
namespace {

/// One product of one channel: y[output] += w[kernel] * x[input], as offsets in their planes.
struct Product {
  std::size_t kernel = 0, output = 0, input = 0;
};

std::vector<Product> products_of(const Window& window) {
  std::vector<Product> products;
  std::size_t kernel = 0;
  for_each_index(kernel_dims(window), [&](std::span<const std::int64_t> k) {
    std::size_t output = 0;
    for_each_index(output_dims(window), [&](std::span<const std::int64_t> o) {
      std::int64_t offset = 0;
      bool is_padding = false;
      for (std::size_t axis = 0; axis < window.size(); ++axis) {
        const std::int64_t position = window[axis].position(o[axis], k[axis]);
        is_padding = is_padding || position < 0 || position >= window[axis].input;
        offset = offset * window[axis].input + position;
      }
      if (!is_padding) products.push_back({kernel, output, static_cast<std::size_t>(offset)});
      ++output;
    });
    ++kernel;
  });
  return products;
}

struct Planes {
  explicit Planes(const Convolution& convolution)
      : input(element_count(input_dims(convolution.window))),
        output(element_count(output_dims(convolution.window))),
        kernel(element_count(kernel_dims(convolution.window))),
        group_inputs(convolution.channels_per_group()),
        group_outputs(convolution.output_channels / convolution.groups) {}
  std::int64_t input, output, kernel;        // elements of one plane
  std::int64_t group_inputs, group_outputs;  // channels of one group
};

}  // namespace

std::vector<double> convolution_input_gradient(const Convolution& convolution, std::span<const double> dy,
                                               std::span<const double> w) {
  const Planes planes(convolution);
  const std::vector<Product> products = products_of(convolution.window);
  const std::int64_t channels = convolution.input_channels;
  std::vector<double> dx(static_cast<std::size_t>(convolution.batch * channels * planes.input), 0.0);
  parallel_for(convolution.batch * channels, [&](std::int64_t plane, int) {
    const std::int64_t n = plane / channels, c = plane % channels, group = c / planes.group_inputs;
    double* const target = dx.data() + plane * planes.input;
    for (std::int64_t m = group * planes.group_outputs; m < (group + 1) * planes.group_outputs; ++m) {
      const double* const weights =
          w.data() + (m * planes.group_inputs + c % planes.group_inputs) * planes.kernel;
      const double* const source = dy.data() + (n * convolution.output_channels + m) * planes.output;
      for (const Product& each : products) target[each.input] += weights[each.kernel] * source[each.output];
    }
  });
  return dx;
}

std::vector<double> convolution_weight_gradient(const Convolution& convolution, std::span<const double> dy,
                                                std::span<const double> x) {
  const Planes planes(convolution);
  const std::vector<Product> products = products_of(convolution.window);
  const std::int64_t count = convolution.output_channels * planes.group_inputs;
  std::vector<double> dw(static_cast<std::size_t>(count * planes.kernel), 0.0);
  parallel_for(count, [&](std::int64_t plane, int) {
    const std::int64_t m = plane / planes.group_inputs;
    const std::int64_t c = m / planes.group_outputs * planes.group_inputs + plane % planes.group_inputs;
    double* const target = dw.data() + plane * planes.kernel;
    for (std::int64_t n = 0; n < convolution.batch; ++n) {
      const double* const inputs = x.data() + (n * convolution.input_channels + c) * planes.input;
      const double* const source = dy.data() + (n * convolution.output_channels + m) * planes.output;
      for (const Product& each : products) target[each.kernel] += inputs[each.input] * source[each.output];
    }
  });
  return dw;
}

}  // namespace edgeopt
