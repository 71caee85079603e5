// Resize of the two spatial dims, nearest or linear, channels last:
//   y = (1-v)((1-u) x[t][l] + u x[t][r]) + v ((1-u) x[b][l] + u x[b][r])
// Where each output row and column lies is asked of the operator's definition, by resizing ramps.
#include <cmath>
#include <cstring>

#include "ir/op.h"
#include "runtime/kernel.h"
#include "runtime/simd.h"

namespace edgeopt {
namespace {

// An output row or column lies between two of the input, `weight` of the way to the second.
struct Position {
  std::int64_t first = 0, second = 0;
  float weight = 0;
};

// Pixels of the input that make up one of the output, and their weights.
struct Corners {
  const float* pixels[4] = {};
  float weights[4] = {};
};

EDGEOPT_VECTORIZED void mix_pixels(const Corners& corners, float* y, std::int64_t channels) {
  const float* a = corners.pixels[0];
  const float* b = corners.pixels[1];
  const float* c = corners.pixels[2];
  const float* d = corners.pixels[3];
  const float wa = corners.weights[0], wb = corners.weights[1], wc = corners.weights[2],
              wd = corners.weights[3];
#pragma omp simd
  for (std::int64_t i = 0; i < channels; ++i) y[i] = wa * a[i] + wb * b[i] + wc * c[i] + wd * d[i];
}

std::optional<std::string> decline_resize(const KernelCall& call) {
  const Dims& in = call.inputs[0].form.dims;
  const Dims& out = call.outputs[0].form.dims;
  const Attributes& attributes = call.node().attributes;
  const std::string mode = attributes.get_string("mode", "nearest");
  if (in.size() != 4 || in[0] != out[0] || in[1] != out[1] || element_count(out) == 0)
    return "it resizes other dims";
  for (std::size_t i = 1; i < call.inputs.size(); ++i)
    if (call.inputs[i].is_present && !call.inputs[i].is_constant()) return "the scales are computed";
  if (mode != "nearest" && mode != "linear") return "the mode is cubic";
  if (mode == "linear" && call.inputs[0].form.dtype != DataType::float32) return "it mixes integers";
  if (attributes.get_int("antialias", 0) != 0 || attributes.get_int("exclude_outside", 0) != 0)
    return "more taps";
  if (attributes.get_string("coordinate_transformation_mode", "") == "tf_crop_and_resize")
    return "it may extrapolate";
  if (call.is_quantized() && call.task.input_quantization[0] != call.task.output_quantization)
    return "the scale changes";
  return bit_count(call.inputs[0].form.dtype) < 8 ? std::optional<std::string>("no whole bytes")
                                                  : std::nullopt;
}

// x[n][c][i][j] = i, or j for axis 3.
Tensor ramp(const Dims& dims, std::size_t axis) {
  Tensor result(DataType::float64, dims);
  const std::int64_t behind = axis == 2 ? dims[3] : 1;
  const auto elements = result.mutable_data<double>();
  for (std::size_t i = 0; i < elements.size(); ++i)
    elements[i] = static_cast<double>(static_cast<std::int64_t>(i) / behind % dims[axis]);
  return result;
}

std::vector<Position> positions(const KernelCall& call, std::size_t axis) {
  const Dims& in = call.inputs[0].form.dims;
  const Dims& out = call.outputs[0].form.dims;
  Tensors inputs = {ramp(in, axis)};
  for (std::size_t i = 1; i < call.inputs.size(); ++i)
    inputs.push_back(call.inputs[i].constant.value_or(Tensor()));
  const Tensor resized =
      find_op(call.node())
          ->evaluate(EvaluateCall{
              .node = call.node(), .opset = call.opset, .inputs = inputs, .run_subgraph = {}})[0];
  std::vector<Position> result;
  for (std::int64_t i = 0; i < out[axis]; ++i) {
    const double at = resized.data<double>()[static_cast<std::size_t>(axis == 2 ? i * out[3] : i)];
    const auto first = static_cast<std::int64_t>(std::floor(at));
    result.push_back({first, std::min(first + 1, in[axis] - 1), static_cast<float>(at - std::floor(at))});
  }
  return result;
}

struct Resizing {
  std::vector<Position> rows, columns;
  std::int64_t samples = 0, height = 0, width = 0;  // of the input
  std::int64_t channels = 0;
  std::size_t pixel_bytes = 0;
};

void mix(const Resizing& how, const std::byte* map, const Position& row, const Position& column,
         std::byte* to) {
  const auto pixel = [&](std::int64_t y, std::int64_t x) {
    return reinterpret_cast<const float*>(map) + (y * how.width + x) * how.channels;
  };
  const float v = row.weight;
  const float u = column.weight;
  mix_pixels({.pixels = {pixel(row.first, column.first), pixel(row.first, column.second),
                         pixel(row.second, column.first), pixel(row.second, column.second)},
              .weights = {(1 - v) * (1 - u), (1 - v) * u, v * (1 - u), v * u}},
             reinterpret_cast<float*>(to), how.channels);
}

void run_resize(const Resizing& how, const std::byte* from, std::byte* to) {
  for (std::int64_t sample = 0; sample < how.samples; ++sample) {
    const std::byte* map = from + static_cast<std::size_t>(sample * how.height * how.width) * how.pixel_bytes;
    for (const Position& row : how.rows)
      for (const Position& column : how.columns) {
        if (row.weight == 0 && column.weight == 0)
          std::memcpy(to,
                      map + static_cast<std::size_t>(row.first * how.width + column.first) * how.pixel_bytes,
                      how.pixel_bytes);
        else
          mix(how, map, row, column, to);
        to += how.pixel_bytes;
      }
  }
}

Layouts choose_resize_layouts(const KernelCall& call) {
  Layouts layouts = plain_layouts(call);
  layouts.inputs[0] = layouts.outputs[0] = Layout::channels_last;
  return layouts;
}

BoundStep bind_resize(const KernelCall& call) {
  const TensorForm& input = call.inputs[0].form;
  const Resizing how{.rows = positions(call, 2),
                     .columns = positions(call, 3),
                     .samples = input.dims[0],
                     .height = input.dims[2],
                     .width = input.dims[3],
                     .channels = input.dims[1],
                     .pixel_bytes = byte_count(input.dtype, input.dims[1])};
  return {.run = [how, from = place_of(call.inputs[0]), to = call.outputs[0].slot] {
    run_resize(how, from->data, to->data);
  }};
}

std::vector<KernelCase> resize_cases() {
  std::vector<KernelCase> cases;
  const auto add = [&](TensorForm form, const std::vector<float>& scales, Attributes attributes) {
    cases.push_back(
        {.op_type = "Resize",
         .inputs = {std::move(form), {}, {}},
         .attributes = std::move(attributes),
         .constants = {{1, Tensor(DataType::float32, {0})}, {2, Tensor::of<float>({4}, scales)}}});
  };
  for (const std::int64_t channels : {1, 15, 16, 17, 53}) {
    add({DataType::float32, {1, channels, 3, 4}}, {1, 1, 2, 2}, {});
    add({DataType::float32, {2, channels, 3, 4}}, {1, 1, 2, 1.5f}, {{"mode", "linear"}});
  }
  add({DataType::float32, {1, 3, 7, 5}}, {1, 1, 0.6f, 0.5f}, {{"mode", "linear"}});
  add({DataType::float32, {1, 3, 4, 5}}, {1, 1, 2, 2},
      {{"mode", "linear"}, {"coordinate_transformation_mode", "align_corners"}});
  add({DataType::uint8, {1, 3, 4, 5}}, {1, 1, 2, 3},
      {{"coordinate_transformation_mode", "asymmetric"}, {"nearest_mode", "floor"}});
  return cases;
}

}  // namespace

Kernel resize_kernel() {
  return {.name = "resize",
          .op_types = {"Resize"},
          .decline = decline_resize,
          .choose_layouts = choose_resize_layouts,
          .bind = bind_resize,
          .cases = resize_cases(),
          // Four products and weights that are rounded to float.
          .tolerance = 1e-6};
}

}  // namespace edgeopt
