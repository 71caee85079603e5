// RoiAlign: every region of interest is cut into output_height x output_width bins; a bin is the mean (or
// maximum) of bilinear samples on a grid inside it (He et al., "Mask R-CNN", 2017).
// RoiAlignGradient(dy, x, rois, batch_indices) -> dx in training graphs.
#include <algorithm>
#include <array>
#include <cmath>

#include "ir/gradient_rules.h"
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

std::string coordinates_of(const Attributes& attributes, int opset) {
  return attributes.get_string("coordinate_transformation_mode",
                               opset >= 16 ? "half_pixel" : "output_half_pixel");
}

Settings settings_of(const EvaluateCall& call) {
  const Attributes& attributes = call.attributes();
  return {
      .is_maximum = attributes.get_string("mode", "avg") == "max",
      .is_half_pixel = coordinates_of(attributes, call.opset) == "half_pixel",
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

struct WeightedPixel {
  std::size_t pixel = 0;
  double weight = 0;
};

// As ONNX's reference does: the largest of the four weighted pixels, not of their sum; the first of equal
// ones.
WeightedPixel largest(std::span<const double> channel, const std::vector<Sample>& samples) {
  WeightedPixel found;
  bool is_first = true;
  for (const Sample& sample : samples)
    for (std::size_t i = 0; i < 4; ++i) {
      const WeightedPixel each{sample.pixels[i], sample.weights[i]};
      if (is_first || each.weight * channel[each.pixel] > found.weight * channel[found.pixel]) found = each;
      is_first = false;
    }
  return found;
}

double maximum(std::span<const double> channel, const std::vector<Sample>& samples) {
  const WeightedPixel found = largest(channel, samples);
  return found.weight * channel[found.pixel];
}

/// One channel of one bin: where its image plane begins in x, its place in the result, and its samples.
struct Bin {
  std::size_t plane = 0;
  std::size_t target = 0;
  const std::vector<Sample>& samples;
};

/// The inputs x, rois and batch_indices.
struct Regions {
  const Tensor& x;
  std::vector<double> rois;
  std::vector<std::int64_t> batches;
  Settings settings;

  std::size_t plane_size() const { return static_cast<std::size_t>(x.dims()[2] * x.dims()[3]); }
  Dims result_dims() const {
    return {static_cast<std::int64_t>(batches.size()), x.dims()[1], settings.height, settings.width};
  }
};

Regions regions_of(std::span<const Tensor> inputs, const Settings& settings) {
  const Dims& rois = inputs[1].dims();
  if (inputs[0].rank() != 4 || rois.size() != 2 || rois[1] != 4 || inputs[2].dims() != Dims{rois[0]})
    throw UserError("RoiAlign needs x of 4 dims, rois of [count, 4] and batch_indices of [count]");
  if (settings.height < 1 || settings.width < 1 || inputs[0].is_empty())
    throw UserError("RoiAlign needs a non-empty input and output");
  return {inputs[0], to_doubles(inputs[1]), to_int64s(inputs[2]), settings};
}

template <typename Visit>
void for_each_bin(const Regions& regions, Visit visit) {
  const Settings& settings = regions.settings;
  const Dims& x = regions.x.dims();
  const std::int64_t bin_count = settings.height * settings.width;
  for (std::size_t r = 0; r < regions.batches.size(); ++r) {
    const double* roi = &regions.rois[4 * r];
    const Bins columns = bins_between(roi[0], roi[2], settings.width, settings);
    const Bins rows = bins_between(roi[1], roi[3], settings.height, settings);
    const std::int64_t batch = normalize_index(regions.batches[r], x[0]);
    for (std::int64_t bin = 0; bin < bin_count; ++bin) {
      const std::vector<Sample> samples =
          samples_of_bin(rows, columns, {bin / settings.width, bin % settings.width}, {x[2], x[3]});
      for (std::int64_t c = 0; c < x[1]; ++c)
        visit(Bin{static_cast<std::size_t>(batch * x[1] + c) * regions.plane_size(),
                  static_cast<std::size_t>((static_cast<std::int64_t>(r) * x[1] + c) * bin_count + bin),
                  samples});
    }
  }
}

Tensors evaluate(const EvaluateCall& call) {
  const Settings settings = settings_of(call);
  const Regions regions = regions_of(call.inputs, settings);
  const std::vector<double> pixels = to_doubles(call.inputs[0]);
  std::vector<double> result(static_cast<std::size_t>(element_count(regions.result_dims())));
  for_each_bin(regions, [&](const Bin& bin) {
    const auto channel = std::span(pixels).subspan(bin.plane, regions.plane_size());
    result[bin.target] = settings.is_maximum ? maximum(channel, bin.samples) : mean(channel, bin.samples);
  });
  return {from_doubles(call.inputs[0].dtype(), regions.result_dims(), result)};
}

void spread(double dy, const std::vector<Sample>& samples, std::span<double> channel) {
  for (const Sample& sample : samples)
    for (std::size_t i = 0; i < 4; ++i)
      channel[sample.pixels[i]] += dy * sample.weights[i] / static_cast<double>(samples.size());
}

Tensors evaluate_gradient(const EvaluateCall& call) {
  const Settings settings = settings_of(call);
  const Regions regions = regions_of(call.inputs.subspan(1), settings);
  if (call.inputs[0].dims() != regions.result_dims())
    throw UserError("dy does not have the dims of the operator's result");
  const std::vector<double> dy = to_doubles(call.inputs[0]), pixels = to_doubles(regions.x);
  std::vector<double> dx(pixels.size(), 0);
  for_each_bin(regions, [&](const Bin& bin) {
    const auto channel = std::span(dx).subspan(bin.plane, regions.plane_size());
    if (!settings.is_maximum) return spread(dy[bin.target], bin.samples, channel);
    const WeightedPixel found =
        largest(std::span(pixels).subspan(bin.plane, regions.plane_size()), bin.samples);
    channel[found.pixel] += dy[bin.target] * found.weight;
  });
  return {from_doubles(regions.x.dtype(), regions.x.dims(), dx)};
}

// The coordinates' default depends on the opset of the operator itself, so they are written out.
ValueId gradient_rule(const GradientCall& call, ValueId dy) {
  Attributes attributes = call.attributes();
  attributes.set("coordinate_transformation_mode", coordinates_of(attributes, call.opset));
  return emit_training(call, "RoiAlignGradient",
                       {dy, call.node.inputs[0], call.node.inputs[1], call.node.inputs[2]},
                       std::move(attributes));
}

std::vector<Operand> infer(const InferCall& call) {
  Shape shape = {Dim(), Dim(), call.attributes().get_int("output_height", 1),
                 call.attributes().get_int("output_width", 1)};
  if (call.inputs[1].has_shape() && !call.inputs[1].shape().empty()) shape[0] = call.inputs[1].shape()[0];
  if (call.inputs[0].has_shape() && call.inputs[0].shape().size() > 1) shape[1] = call.inputs[0].shape()[1];
  return {operand(call.inputs[0].type.dtype, shape)};
}

}  // namespace

std::vector<OpDefinition> roi_align_table() {
  return {
      {.name = "RoiAlign",
       .versions = {10, 16, 22},
       .required_inputs = 3,
       .infer = infer,
       .evaluate = evaluate,
       .count_cost = operations_per_output(16),
       .gradient = first_input_gradient(gradient_rule)},
      {.name = "RoiAlignGradient",
       .domain = training_domain,
       .required_inputs = 4,
       .infer = infer_gradient_of_x,
       .evaluate = evaluate_gradient,
       .count_cost = operations_per_output(16)},
  };
}

}  // namespace edgeopt
