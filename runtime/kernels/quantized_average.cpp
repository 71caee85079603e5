// AveragePool and GlobalAveragePool of 8-bit integers, channels last:
//   y_q = zero_y + round((mean of x_q over the window - zero_x) s_x / s_y)
#include <algorithm>

#include "runtime/kernel.h"
#include "runtime/kernels/onednn/window.h"
#include "runtime/simd.h"

namespace edgeopt {
namespace {

struct Map {
  std::int64_t channels = 0, height = 0, width = 0;
};

struct Rescale {
  float scale = 1;  // s_x / s_y
  float zero_x = 0, zero_y = 0;
  float least = 0, most = 0;
  bool is_signed = false;
};

EDGEOPT_VECTORIZED void add_pixel_u8(const std::uint8_t* pixel, std::int32_t* sums, std::int64_t channels) {
#pragma omp simd
  for (std::int64_t c = 0; c < channels; ++c) sums[c] += pixel[c];
}

EDGEOPT_VECTORIZED void add_pixel_s8(const std::int8_t* pixel, std::int32_t* sums, std::int64_t channels) {
#pragma omp simd
  for (std::int64_t c = 0; c < channels; ++c) sums[c] += pixel[c];
}

EDGEOPT_VECTORIZED void finish_pixel(const std::int32_t* sums, std::int8_t* pixel, std::int64_t channels,
                                     float count, Rescale by) {
#pragma omp simd
  for (std::int64_t c = 0; c < channels; ++c) {
    const float mean = static_cast<float>(sums[c]) / count;
    const float real = clamped((mean - by.zero_x) * by.scale, by.least - by.zero_y, by.most - by.zero_y);
    const float kept = rounded_to_even(real) + by.zero_y;
    pixel[c] = static_cast<std::int8_t>(static_cast<std::int32_t>(kept));
  }
}

struct Pooling {
  Map in, out;
  std::int64_t samples = 0;
  Window window;
  bool counts_padding = false;
  Rescale by;
};

struct Reach {
  std::int64_t begin = 0, end = 0;
};

// The part of the window along one axis that lies inside the map.
Reach inside(const Window& window, std::size_t axis, std::int64_t at, std::int64_t size) {
  const std::int64_t begin = at * window.strides[axis] - window.pads_begin[axis];
  return {std::max<std::int64_t>(begin, 0), std::min(begin + window.kernel[axis], size)};
}

struct Pixel {
  std::int64_t y = 0, x = 0;
  std::int8_t* place = nullptr;
};

void average_pixel(const Pooling& pool, const std::byte* map, const Pixel& pixel, std::int32_t* sums) {
  const std::int64_t channels = pool.in.channels;
  const Reach rows = inside(pool.window, 0, pixel.y, pool.in.height);
  const Reach columns = inside(pool.window, 1, pixel.x, pool.in.width);
  std::fill(sums, sums + channels, 0);
  for (std::int64_t row = rows.begin; row < rows.end; ++row)
    for (std::int64_t column = columns.begin; column < columns.end; ++column) {
      const std::byte* from = map + (row * pool.in.width + column) * channels;
      if (pool.by.is_signed)
        add_pixel_s8(reinterpret_cast<const std::int8_t*>(from), sums, channels);
      else
        add_pixel_u8(reinterpret_cast<const std::uint8_t*>(from), sums, channels);
    }
  const std::int64_t count = (rows.end - rows.begin) * (columns.end - columns.begin);
  const std::int64_t padding =
      pool.counts_padding ? pool.window.kernel[0] * pool.window.kernel[1] - count : 0;
  // Padding is real 0: the integer zero_x.
  for (std::int64_t c = 0; padding > 0 && c < channels; ++c)
    sums[c] += static_cast<std::int32_t>(padding) * static_cast<std::int32_t>(pool.by.zero_x);
  finish_pixel(sums, pixel.place, channels, static_cast<float>(count + padding), pool.by);
}

void run_pooling(const Pooling& pool, const std::byte* from, std::byte* to, std::int32_t* sums) {
  for (std::int64_t sample = 0; sample < pool.samples; ++sample) {
    const std::byte* map = from + sample * pool.in.height * pool.in.width * pool.in.channels;
    for (std::int64_t y = 0; y < pool.out.height; ++y)
      for (std::int64_t x = 0; x < pool.out.width; ++x) {
        average_pixel(pool, map, {y, x, reinterpret_cast<std::int8_t*>(to)}, sums);
        to += pool.out.channels;
      }
  }
}

std::optional<std::string> decline_quantized_average(const KernelCall& call) {
  if (!call.is_quantized() || !call.task.output_quantization) return "the operands are not integers";
  const DataType type = call.inputs[0].form.dtype;
  if (call.inputs[0].form.dims.size() != 4 || call.outputs[0].form.dtype != type)
    return "not a map of one type";
  if (type != DataType::uint8 && type != DataType::int8) return "it is not of 8 bits";
  if (call.task.input_quantization[0]->is_per_channel() || call.task.output_quantization->is_per_channel())
    return "a scale per channel";
  const Attributes& attributes = call.node().attributes;
  if (attributes.get_int("ceil_mode", 0) != 0 || attributes.find("dilations"))
    return "ceil_mode or dilations";
  if (!call.task.activations.empty()) return "an activation follows";
  return std::nullopt;
}

Map map_of(const Dims& dims) { return {.channels = dims[1], .height = dims[2], .width = dims[3]}; }

Pooling pooling_of(const KernelCall& call) {
  const Dims& in = call.inputs[0].form.dims;
  const Dims& out = call.outputs[0].form.dims;
  const Quantization& x = *call.task.input_quantization[0];
  const Quantization& y = *call.task.output_quantization;
  const bool is_global = call.node().op_type == "GlobalAveragePool";
  const Dims kernel = is_global ? Dims{in[2], in[3]} : call.node().attributes.get_ints("kernel_shape");
  Pooling pool{.in = map_of(in), .out = map_of(out), .samples = in[0]};
  pool.window = window_of(call.node(), in, out, kernel);
  pool.counts_padding = call.node().attributes.get_int("count_include_pad", 0) != 0;
  pool.by = {.scale = x.scale() / y.scale(),
             .zero_x = static_cast<float>(x.zero_point()),
             .zero_y = static_cast<float>(y.zero_point()),
             .least = y.dtype == DataType::uint8 ? 0.0f : -128.0f,
             .is_signed = x.dtype == DataType::int8};
  pool.by.most = pool.by.least + 255;
  return pool;
}

BoundStep bind_quantized_average(const KernelCall& call) {
  const Pooling pool = pooling_of(call);
  return {.run =
              [pool, from = place_of(call.inputs[0]), to = call.outputs[0].slot, scratch = call.scratch] {
                run_pooling(pool, from->data, to->data, reinterpret_cast<std::int32_t*>(scratch->data));
              },
          .scratch_bytes = static_cast<std::size_t>(pool.in.channels) * sizeof(std::int32_t)};
}

// Scales whose ratio is no simple fraction: means of few integers would else lie exactly between two results.
std::vector<KernelCase> quantized_average_cases() {
  using Ints = std::vector<std::int64_t>;
  std::vector<KernelCase> cases;
  for (const DataType type : {DataType::uint8, DataType::int8})
    for (const std::int64_t channels : {1, 15, 16, 17, 53}) {
      const KernelCase global{.op_type = "GlobalAveragePool",
                              .inputs = {{type, {2, channels, 5, 6}}},
                              .input_quantization = {Quantization{type, {0.03f}, {7}}},
                              .output_quantization = Quantization{type, {0.0131f}, {3}}};
      KernelCase window = global;
      window.op_type = "AveragePool";
      window.attributes = {{"kernel_shape", Ints{3, 2}}, {"pads", Ints{1, 0, 1, 1}}};
      cases.push_back(global);
      cases.push_back(window);
      window.attributes.set("count_include_pad", 1);
      cases.push_back(window);
    }
  return cases;
}

}  // namespace

Kernel quantized_average_kernel() {
  return {.name = "quantized_average",
          .op_types = {"AveragePool", "GlobalAveragePool"},
          .decline = decline_quantized_average,
          .choose_layouts = channels_last_layouts,
          .bind = bind_quantized_average,
          .cases = quantized_average_cases()};
}

}  // namespace edgeopt
