// MaxPoolGradient and AveragePoolGradient, channels last: window by window, all channels of a pixel at once.
#include <algorithm>
#include <array>

#include "runtime/kernel.h"
#include "runtime/kernels/onednn/window.h"
#include "runtime/simd.h"

namespace edgeopt {
namespace {

/// The pixels that each window sees, windows one behind the other.
struct Taps {
  std::vector<std::int64_t> pixels;
  std::vector<std::size_t> ends;  // of each window's pixels
  std::vector<float> shares;      // what every pixel of a window gets of an average's gradient
};

/// Of one sample.
struct Sample {
  const float* dy;
  const float* x;
  float* dx;
  std::int64_t channels;
};

/// What the channels of one window have seen so far.
struct Largest {
  float* values;
  std::int32_t* taps;
};

// The comparison is the definition's: the first of equals stays, and so does a NaN that comes first.
EDGEOPT_VECTORIZED void give_to_largest(const Sample& of, const Taps& taps, Largest largest) {
  const std::int64_t channels = of.channels;
  std::size_t begin = 0;
  for (std::size_t window = 0; window < taps.ends.size(); ++window) {
    const auto count = static_cast<std::int32_t>(taps.ends[window] - begin);
    const std::int64_t* const pixels = taps.pixels.data() + begin;
    const float* const dy = of.dy + static_cast<std::int64_t>(window) * channels;
    for (std::int32_t tap = 0; tap < count; ++tap) {
      const float* const x = of.x + pixels[tap] * channels;
#pragma omp simd
      for (std::int64_t c = 0; c < channels; ++c) {
        const bool is_larger = tap == 0 || x[c] > largest.values[c];
        largest.values[c] = is_larger ? x[c] : largest.values[c];
        largest.taps[c] = is_larger ? tap : largest.taps[c];
      }
    }
    for (std::int32_t tap = 0; tap < count; ++tap) {
      float* const dx = of.dx + pixels[tap] * channels;
#pragma omp simd
      for (std::int64_t c = 0; c < channels; ++c) dx[c] += largest.taps[c] == tap ? dy[c] : 0;
    }
    begin = taps.ends[window];
  }
}

EDGEOPT_VECTORIZED void spread_evenly(const Sample& of, const Taps& taps) {
  const std::int64_t channels = of.channels;
  std::size_t tap = 0;
  for (std::size_t window = 0; window < taps.ends.size(); ++window) {
    const float* const dy = of.dy + static_cast<std::int64_t>(window) * channels;
    const float share = taps.shares[window];
    for (; tap < taps.ends[window]; ++tap) {
      float* const dx = of.dx + taps.pixels[tap] * channels;
#pragma omp simd
      for (std::int64_t c = 0; c < channels; ++c) dx[c] += dy[c] * share;
    }
  }
}

/// The part of one axis that a window covers, as taps inside the input.
struct Reach {
  std::vector<std::int64_t> positions;
  std::int64_t padded = 0;  // taps inside the input or its declared padding
};

Reach reach_of(const KernelCall& call, std::size_t axis, std::int64_t window) {
  const Dims& input = call.outputs[0].form.dims;
  const Attributes& attributes = call.node().attributes;
  const Window all =
      window_of(call.node(), input, call.inputs[0].form.dims, attributes.get_ints("kernel_shape"));
  // What ceil_mode adds behind the declared padding is no padding.
  const Dims declared = attributes.get_ints("pads");
  const bool is_declared = attributes.get_string("auto_pad", "NOTSET") == "NOTSET";
  const std::int64_t pad_end = !is_declared       ? all.pads_end[axis]
                               : declared.empty() ? 0
                                                  : declared[axis + all.kernel.size()];
  Reach reach;
  for (std::int64_t k = 0; k < all.kernel[axis]; ++k) {
    const std::int64_t position = window * all.strides[axis] + k * all.dilations[axis] - all.pads_begin[axis];
    if (position >= 0 && position < input[axis + 2]) reach.positions.push_back(position);
    reach.padded += position < input[axis + 2] + pad_end;
  }
  return reach;
}

// One, two or three spatial axes; the missing ones have one window of one tap.
std::array<std::vector<Reach>, 3> all_reaches(const KernelCall& call) {
  std::array<std::vector<Reach>, 3> reaches;
  const Dims& windows = call.inputs[0].form.dims;
  const std::size_t missing = 5 - windows.size();
  for (std::size_t axis = 0; axis < 3; ++axis)
    if (axis < missing)
      reaches[axis] = {{.positions = {0}, .padded = 1}};
    else
      for (std::int64_t i = 0; i < windows[axis - missing + 2]; ++i)
        reaches[axis].push_back(reach_of(call, axis - missing, i));
  return reaches;
}

Taps taps_of(const KernelCall& call) {
  const auto reaches = all_reaches(call);
  const Dims& input = call.outputs[0].form.dims;
  const std::int64_t width = input.back(), height = input.size() > 3 ? input[input.size() - 2] : 1;
  const bool pads_count = call.node().attributes.get_int("count_include_pad", 0) != 0;
  Taps taps;
  for (const Reach& a : reaches[0])
    for (const Reach& b : reaches[1])
      for (const Reach& c : reaches[2]) {
        for (const std::int64_t i : a.positions)
          for (const std::int64_t j : b.positions)
            for (const std::int64_t k : c.positions) taps.pixels.push_back((i * height + j) * width + k);
        const std::size_t begin = taps.ends.empty() ? 0 : taps.ends.back();
        const auto inside = static_cast<std::int64_t>(taps.pixels.size() - begin);
        taps.ends.push_back(taps.pixels.size());
        taps.shares.push_back(1 / static_cast<float>(pads_count ? a.padded * b.padded * c.padded : inside));
      }
  return taps;
}

bool is_maximum(const KernelCall& call) { return call.node().op_type == "MaxPoolGradient"; }

std::optional<std::string> decline_gradient(const KernelCall& call) {
  for (const TaskOperand& input : call.inputs)
    if (input.form.dtype != DataType::float32) return "it is not float";
  if (!can_be_channels_last(call.inputs[0].form.dims) || element_count(call.inputs[1].form.dims) == 0)
    return "the operand is not [N,C,space]";
  return std::nullopt;
}

BoundStep bind_gradient(const KernelCall& call) {
  const Dims& dims = call.outputs[0].form.dims;
  const std::int64_t channels = dims[1];
  const std::int64_t from_step = element_count(call.inputs[0].form.dims) / dims[0];
  const std::int64_t to_step = element_count(dims) / dims[0];
  const auto x = is_maximum(call) ? place_of(call.inputs[1]) : nullptr;
  return {.run =
              [taps = taps_of(call), x, samples = dims[0], channels, from_step, to_step,
               dy = place_of(call.inputs[0]), dx = call.outputs[0].slot, scratch = call.scratch] {
                float* const target = reinterpret_cast<float*>(dx->data);
                std::fill(target, target + samples * to_step, 0.0F);
                const Largest largest{reinterpret_cast<float*>(scratch->data),
                                      reinterpret_cast<std::int32_t*>(scratch->data) + channels};
                for (std::int64_t n = 0; n < samples; ++n) {
                  const Sample sample{reinterpret_cast<const float*>(dy->data) + n * from_step,
                                      x ? reinterpret_cast<const float*>(x->data) + n * to_step : nullptr,
                                      target + n * to_step, channels};
                  x ? give_to_largest(sample, taps, largest) : spread_evenly(sample, taps);
                }
              },
          .scratch_bytes = static_cast<std::size_t>(channels) * (sizeof(float) + sizeof(std::int32_t))};
}

std::vector<KernelCase> gradient_cases(bool is_maximum) {
  using Ints = std::vector<std::int64_t>;
  const char* const op = is_maximum ? "edgeopt.MaxPoolGradient" : "edgeopt.AveragePoolGradient";
  std::vector<KernelCase> cases;
  const auto add = [&](Dims y, Dims x, Attributes attributes) {
    cases.push_back({.op_type = op,
                     .inputs = {{DataType::float32, std::move(y)}, {DataType::float32, std::move(x)}},
                     .attributes = std::move(attributes)});
  };
  for (const std::int64_t channels : {1, 15, 16, 17, 53}) {
    add({1, channels, 4, 3}, {1, channels, 9, 7}, {{"kernel_shape", Ints{3, 3}}, {"strides", Ints{2, 2}}});
    add({2, channels, 5, 6}, {2, channels, 5, 6}, {{"kernel_shape", Ints{3, 2}}, {"pads", Ints{1, 0, 1, 1}}});
  }
  for (const int counts : {0, 1}) {
    const Attributes ceiled = {
        {"kernel_shape", Ints{3}}, {"strides", Ints{2}}, {"ceil_mode", 1}, {"pads", Ints{1, 0}}};
    Attributes counted = ceiled;
    if (!is_maximum) counted.set("count_include_pad", counts);
    add({2, 5, 5}, {2, 5, 9}, counted);
  }
  add({1, 17, 3, 3}, {1, 17, 5, 5},
      {{"kernel_shape", Ints{3, 3}}, {"auto_pad", "SAME_LOWER"}, {"strides", Ints{2, 2}}});
  add({1, 3, 2, 2, 3}, {1, 3, 3, 4, 5}, {{"kernel_shape", Ints{2, 3, 3}}});
  return cases;
}

Kernel max_pool_gradient() {
  return {.name = "max_pool_gradient",
          .op_types = {"edgeopt.MaxPoolGradient"},
          .decline = decline_gradient,
          .choose_layouts = channels_last_layouts,
          .bind = bind_gradient,
          .cases = gradient_cases(true),
          // An element may be the largest of several windows: one rounding each.
          .tolerance = 1e-6};
}

}  // namespace

std::vector<Kernel> pool_gradients_table() {
  Kernel average = max_pool_gradient();
  average.name = "average_pool_gradient";
  average.op_types = {"edgeopt.AveragePoolGradient"};
  average.unread_inputs = {1};
  average.cases = gradient_cases(false);
  return {max_pool_gradient(), average};
}

}  // namespace edgeopt
