// RoiAlign: every region of interest is cut into output_height x output_width bins; a bin is the mean (or
// maximum) of bilinear samples on a grid inside it (He et al., "Mask R-CNN", 2017).
// RoiAlignGradient(dy, x, rois, batch_indices) -> dx, drois in training graphs.
#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

#include "ir/gradient/gradient_rules.h"
#include "ir/rules/op_rules.h"
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

// A pixel of a channel with its weight, and the weight's derivatives by the region's x1, y1, x2, y2.
struct Tap {
  std::size_t pixel = 0;
  double weight = 0;
  std::array<double, 4> slopes{};
};

// Along one axis, with its derivatives by the region's first and last coordinate.
struct Position {
  double at = 0;
  double by_first = 0, by_last = 0;
};

// One axis: the bins' start and size, and the samples per bin.
struct Bins {
  double start = 0;
  double size = 0;
  std::int64_t samples = 0;
  double start_slope = 1;  // by the first coordinate
  double size_slope = 0;   // by the last one, and its negative by the first
  Position position(std::int64_t bin, std::int64_t sample) const {
    const double bins =
        static_cast<double>(bin) + (static_cast<double>(sample) + 0.5) / static_cast<double>(samples);
    return {start + bins * size, start_slope - bins * size_slope, bins * size_slope};
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
  const bool is_stretched = !settings.is_half_pixel && length < 1;
  if (is_stretched) length = 1;
  const double size = length / static_cast<double>(count);
  const std::int64_t samples =
      settings.sampling_ratio > 0 ? settings.sampling_ratio : to_int64(std::ceil(size));
  return {start, size, samples, settings.scale,
          is_stretched ? 0 : settings.scale / static_cast<double>(count)};
}

Position clamped(const Position& position, std::int64_t length) {
  const double last = static_cast<double>(length - 1);
  if (position.at >= 0 && position.at <= last) return position;
  return {std::clamp(position.at, 0.0, last)};
}

// The four pixels around a position; all weights 0 outside the image.
std::array<Tap, 4> taps_at(Position y, Position x, std::int64_t height, std::int64_t width) {
  const bool is_inside =
      y.at >= -1 && y.at <= static_cast<double>(height) && x.at >= -1 && x.at <= static_cast<double>(width);
  if (!is_inside) return {};
  y = clamped(y, height);
  x = clamped(x, width);
  const auto top = static_cast<std::int64_t>(y.at);
  const auto left = static_cast<std::int64_t>(x.at);
  const double down = y.at - static_cast<double>(top);
  const double along = x.at - static_cast<double>(left);
  const auto tap = [&](bool is_bottom, bool is_right) {
    const std::int64_t row = std::min(top + (is_bottom ? 1 : 0), height - 1);
    const std::int64_t column = std::min(left + (is_right ? 1 : 0), width - 1);
    const double by_row = is_bottom ? down : 1 - down, by_column = is_right ? along : 1 - along;
    const double y_slope = is_bottom ? by_column : -by_column, x_slope = is_right ? by_row : -by_row;
    return Tap{static_cast<std::size_t>(row * width + column),
               by_row * by_column,
               {x_slope * x.by_first, y_slope * y.by_first, x_slope * x.by_last, y_slope * y.by_last}};
  };
  return {tap(false, false), tap(false, true), tap(true, false), tap(true, true)};
}

std::vector<Tap> taps_of_bin(const Bins& rows, const Bins& columns, std::array<std::int64_t, 2> bin,
                             std::array<std::int64_t, 2> image) {
  std::vector<Tap> taps;
  for (std::int64_t i = 0; i < rows.samples; ++i)
    for (std::int64_t j = 0; j < columns.samples; ++j) {
      const auto around = taps_at(rows.position(bin[0], i), columns.position(bin[1], j), image[0], image[1]);
      taps.insert(taps.end(), around.begin(), around.end());
    }
  return taps;
}

// As ONNX's reference does: the largest of the weighted pixels, not of their sums; the first of equal ones.
std::span<const Tap> largest(std::span<const double> channel, std::span<const Tap> taps) {
  std::size_t best = 0;
  const auto value = [&](std::size_t i) { return taps[i].weight * channel[taps[i].pixel]; };
  for (std::size_t i = 1; i < taps.size(); ++i)
    if (value(i) > value(best)) best = i;
  return taps.subspan(best, std::min<std::size_t>(1, taps.size()));
}

/// One channel of one bin: the sum of weight * pixel of the taps, over the divisor.
struct Bin {
  std::size_t region = 0;
  std::size_t plane = 0;   // where the channel begins in x
  std::size_t target = 0;  // the place in the result
  std::span<const Tap> taps;
  double divisor = 1;
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
void for_each_bin(const Regions& regions, std::span<const double> pixels, Visit visit) {
  const Settings& settings = regions.settings;
  const Dims& x = regions.x.dims();
  const std::int64_t bin_count = settings.height * settings.width;
  for (std::size_t r = 0; r < regions.batches.size(); ++r) {
    const double* roi = &regions.rois[4 * r];
    const Bins columns = bins_between(roi[0], roi[2], settings.width, settings);
    const Bins rows = bins_between(roi[1], roi[3], settings.height, settings);
    const std::int64_t batch = normalize_index(regions.batches[r], x[0]);
    for (std::int64_t bin = 0; bin < bin_count; ++bin) {
      const std::vector<Tap> taps =
          taps_of_bin(rows, columns, {bin / settings.width, bin % settings.width}, {x[2], x[3]});
      for (std::int64_t c = 0; c < x[1]; ++c) {
        Bin each{
            .region = r,
            .plane = static_cast<std::size_t>(batch * x[1] + c) * regions.plane_size(),
            .target = static_cast<std::size_t>((static_cast<std::int64_t>(r) * x[1] + c) * bin_count + bin),
            .taps = taps};
        if (settings.is_maximum)
          each.taps = largest(pixels.subspan(each.plane), taps);
        else if (!taps.empty())
          each.divisor = static_cast<double>(taps.size()) / 4;
        visit(each);
      }
    }
  }
}

Tensors evaluate(const EvaluateCall& call) {
  const Regions regions = regions_of(call.inputs, settings_of(call));
  const std::vector<double> pixels = to_doubles(call.inputs[0]);
  std::vector<double> result(static_cast<std::size_t>(element_count(regions.result_dims())));
  for_each_bin(regions, pixels, [&](const Bin& bin) {
    double total = 0;
    for (const Tap& tap : bin.taps) total += tap.weight * pixels[bin.plane + tap.pixel];
    result[bin.target] = total / bin.divisor;
  });
  return {from_doubles(call.inputs[0].dtype(), regions.result_dims(), result)};
}

Tensors evaluate_gradient(const EvaluateCall& call) {
  const Regions regions = regions_of(call.inputs.subspan(1), settings_of(call));
  if (call.inputs[0].dims() != regions.result_dims())
    throw UserError("dy does not have the dims of the operator's result");
  const std::vector<double> dy = to_doubles(call.inputs[0]), pixels = to_doubles(regions.x);
  std::vector<double> dx(pixels.size(), 0), drois(regions.rois.size(), 0);
  for_each_bin(regions, pixels, [&](const Bin& bin) {
    const double share = dy[bin.target] / bin.divisor;
    for (const Tap& tap : bin.taps) {
      dx[bin.plane + tap.pixel] += share * tap.weight;
      for (std::size_t k = 0; k < 4; ++k)
        drois[4 * bin.region + k] += share * tap.slopes[k] * pixels[bin.plane + tap.pixel];
    }
  });
  const Tensor& rois = call.inputs[2];
  return {from_doubles(regions.x.dtype(), regions.x.dims(), dx),
          from_doubles(rois.dtype(), rois.dims(), drois)};
}

// The coordinates' default depends on the opset of the operator itself, so they are written out.
std::vector<ValueId> gradient_rule(const GradientCall& call) {
  Attributes attributes = call.attributes();
  attributes.set("coordinate_transformation_mode", coordinates_of(attributes, call.opset));
  std::vector<ValueId> inputs = call.node.inputs;
  inputs.insert(inputs.begin(), call.output_gradients[0]);
  return emit_training(
      call, {.op_type = "RoiAlignGradient", .inputs = std::move(inputs), .attributes = std::move(attributes)},
      call.wanted_inputs);
}

std::vector<Operand> infer_gradient(const InferCall& call) {
  return {operand(call.inputs[1].type.dtype, call.inputs[1].type.shape),
          operand(call.inputs[2].type.dtype, call.inputs[2].type.shape)};
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
       .gradient = gradient_rule},
      {.name = "RoiAlignGradient",
       .domain = training_domain,
       .required_inputs = 4,
       .infer = infer_gradient,
       .evaluate = evaluate_gradient,
       .count_cost = operations_per_output(16)},
  };
}

}  // namespace edgeopt
