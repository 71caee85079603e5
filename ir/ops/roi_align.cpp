// Every region of interest is cut into output_height x output_width bins; a bin is the mean (or maximum) of
// bilinear samples on a grid inside it (He et al., "Mask R-CNN", 2017).
#include <algorithm>
#include <array>
#include <cmath>

#include "ir/op_rules.h"
#include "support/error.h"

namespace edgeopt {
namespace {

struct Settings {
  bool is_maximum = false;
  bool is_half_pixel = true;
  std::int64_t height = 1;
  std::int64_t width = 1;
  std::int64_t sampling_ratio = 0;
  double scale = 1;
};

// Four pixels of a channel with their weights; all weights 0 outside the image.
struct Sample {
  std::array<std::size_t, 4> pixels{};
  std::array<double, 4> weights{};
};

// One axis: the bins' start and size, and the samples per bin.
struct Bins {
  double start = 0;
  double size = 0;
  std::int64_t samples = 0;
  double position(std::int64_t bin, std::int64_t sample) const {
    return start +
           (static_cast<double>(bin) + (static_cast<double>(sample) + 0.5) / static_cast<double>(samples)) *
               size;
  }
};

Settings settings_of(const EvaluateCall& call) {
  const Attributes& attributes = call.attributes();
  const std::string by_opset = call.opset >= 16 ? "half_pixel" : "output_half_pixel";
  return {
      .is_maximum = attributes.get_string("mode", "avg") == "max",
      .is_half_pixel = attributes.get_string("coordinate_transformation_mode", by_opset) == "half_pixel",
      .height = attributes.get_int("output_height", 1),
      .width = attributes.get_int("output_width", 1),
      .sampling_ratio = attributes.get_int("sampling_ratio", 0),
      .scale = attributes.get_float("spatial_scale", 1),
  };
}

Bins bins_between(double first, double last, std::int64_t count, const Settings& settings) {
  const double offset = settings.is_half_pixel ? 0.5 : 0;
  const double start = first * settings.scale - offset;
  double length = last * settings.scale - offset - start;
  if (!settings.is_half_pixel) length = std::max(length, 1.0);
  const double size = length / static_cast<double>(count);
  const std::int64_t samples =
      settings.sampling_ratio > 0 ? settings.sampling_ratio : to_int64(std::ceil(size));
  return {start, size, samples};
}

Sample sample_at(double y, double x, std::int64_t height, std::int64_t width) {
  const bool is_inside =
      y >= -1 && y <= static_cast<double>(height) && x >= -1 && x <= static_cast<double>(width);
  if (!is_inside) return {};
  y = std::clamp(y, 0.0, static_cast<double>(height - 1));
  x = std::clamp(x, 0.0, static_cast<double>(width - 1));
  const auto top = static_cast<std::int64_t>(y);
  const auto left = static_cast<std::int64_t>(x);
  const std::int64_t bottom = std::min(top + 1, height - 1);
  const std::int64_t right = std::min(left + 1, width - 1);
  const double down = y - static_cast<double>(top);
  const double along = x - static_cast<double>(left);
  const auto pixel = [width](std::int64_t row, std::int64_t column) {
    return static_cast<std::size_t>(row * width + column);
  };
  return {{pixel(top, left), pixel(top, right), pixel(bottom, left), pixel(bottom, right)},
          {(1 - down) * (1 - along), (1 - down) * along, down * (1 - along), down * along}};
}

std::vector<Sample> samples_of_bin(const Bins& rows, const Bins& columns, std::array<std::int64_t, 2> bin,
                                   std::array<std::int64_t, 2> image) {
  std::vector<Sample> samples;
  for (std::int64_t i = 0; i < rows.samples; ++i)
    for (std::int64_t j = 0; j < columns.samples; ++j)
      samples.push_back(sample_at(rows.position(bin[0], i), columns.position(bin[1], j), image[0], image[1]));
  return samples;
}

double mean(std::span<const double> channel, const std::vector<Sample>& samples) {
  double total = 0;
  for (const Sample& sample : samples)
    for (std::size_t i = 0; i < 4; ++i) total += sample.weights[i] * channel[sample.pixels[i]];
  return samples.empty() ? 0 : total / static_cast<double>(samples.size());
}

// As ONNX's reference does: the largest of the four weighted pixels, not of their sum.
double maximum(std::span<const double> channel, const std::vector<Sample>& samples) {
  double largest = 0;
  bool is_first = true;
  for (const Sample& sample : samples)
    for (std::size_t i = 0; i < 4; ++i) {
      const double value = sample.weights[i] * channel[sample.pixels[i]];
      largest = is_first ? value : std::max(largest, value);
      is_first = false;
    }
  return largest;
}

void require_fitting(const EvaluateCall& call, const Settings& settings) {
  const Dims& rois = call.inputs[1].dims();
  if (call.inputs[0].rank() != 4 || rois.size() != 2 || rois[1] != 4 ||
      call.inputs[2].dims() != Dims{rois[0]})
    throw UserError("RoiAlign needs x of 4 dims, rois of [count, 4] and batch_indices of [count]");
  if (settings.height < 1 || settings.width < 1 || call.inputs[0].is_empty())
    throw UserError("RoiAlign needs a non-empty input and output");
}

Tensors evaluate(const EvaluateCall& call) {
  const Settings settings = settings_of(call);
  require_fitting(call, settings);
  const Dims& x = call.inputs[0].dims();
  const std::vector<double> pixels = to_doubles(call.inputs[0]);
  const std::vector<double> rois = to_doubles(call.inputs[1]);
  const std::vector<std::int64_t> batches = to_int64s(call.inputs[2]);
  const auto channel_size = static_cast<std::size_t>(x[2] * x[3]);
  const std::int64_t bin_count = settings.height * settings.width;
  const Dims dims = {static_cast<std::int64_t>(batches.size()), x[1], settings.height, settings.width};
  std::vector<double> result(static_cast<std::size_t>(element_count(dims)));
  for (std::size_t r = 0; r < batches.size(); ++r) {
    const Bins columns = bins_between(rois[4 * r], rois[4 * r + 2], settings.width, settings);
    const Bins rows = bins_between(rois[4 * r + 1], rois[4 * r + 3], settings.height, settings);
    const std::int64_t batch = normalize_index(batches[r], x[0]);
    for (std::int64_t bin = 0; bin < bin_count; ++bin) {
      const std::vector<Sample> samples =
          samples_of_bin(rows, columns, {bin / settings.width, bin % settings.width}, {x[2], x[3]});
      for (std::int64_t c = 0; c < x[1]; ++c) {
        const auto channel = std::span(pixels).subspan(
            static_cast<std::size_t>(batch * x[1] + c) * channel_size, channel_size);
        const auto target = (static_cast<std::int64_t>(r) * x[1] + c) * bin_count + bin;
        result[static_cast<std::size_t>(target)] =
            settings.is_maximum ? maximum(channel, samples) : mean(channel, samples);
      }
    }
  }
  return {from_doubles(call.inputs[0].dtype(), dims, result)};
}

std::vector<Operand> infer(const InferCall& call) {
  Shape shape = {Dim(), Dim(), call.attributes().get_int("output_height", 1),
                 call.attributes().get_int("output_width", 1)};
  if (call.inputs[1].has_shape() && !call.inputs[1].shape().empty()) shape[0] = call.inputs[1].shape()[0];
  if (call.inputs[0].has_shape() && call.inputs[0].shape().size() > 1) shape[1] = call.inputs[0].shape()[1];
  return {operand(call.inputs[0].type.dtype, shape)};
}

}  // namespace

OpDefinition roi_align_op() {
  return {
      .name = "RoiAlign",
      .versions = {10, 16, 22},
      .required_inputs = 3,
      .infer = infer,
      .evaluate = evaluate,
      .count_cost = operations_per_output(16),
  };
}

}  // namespace edgeopt
