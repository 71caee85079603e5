// How FakeQuantize and its gradient walk a tensor: rows of neighbours in memory that share a scale or have
// one scale each, and where in row-major order their elements stand (which decides what is dropped).
#pragma once
#include <memory>
#include <optional>

#include "ir/quantization/fake_quantize.h"
#include "runtime/kernel.h"

namespace edgeopt {

struct QuantizedRows {
  std::int64_t count = 1;
  std::int64_t length = 1;
  bool has_scale_each = false;    // element i of every row has scale i; else rows have one:
  std::int64_t scale_period = 1;  // row r has scale r / scale_repeats % scale_period
  std::int64_t scale_repeats = 1;
  std::int64_t space = 0;  // channels last: pixels of a sample; 0: rows follow one another in row-major order

  std::int64_t scale(std::int64_t row) const {
    return has_scale_each ? 0 : row / scale_repeats % scale_period;
  }
  /// Of a row's first element, and from one to the next, in row-major order.
  std::int64_t first_index(std::int64_t row) const {
    return space == 0 ? row * length : row / space * space * length + row % space;
  }
  std::int64_t index_step() const { return space == 0 ? 1 : space; }
};

/// Nothing if channels lie last and the axis is one of space.
std::optional<QuantizedRows> quantized_rows(const TensorForm& x, std::int64_t axis);

/// Why the inputs from x on (x, scale, zero point, seed) cannot be walked so; nothing if they can.
std::optional<std::string> decline_quantized_rows(const KernelCall& call, std::size_t x);

/// x in its layout, or plainly where its rows would have no end; everything else plainly.
Layout layout_of_rows(const KernelCall& call, std::size_t x);

/// What the loops need beside the elements, read at every run.
struct QuantizationGrid {
  const float* scales;
  const float* zero_points;
  float low, high;
  std::uint64_t stream;
  float drop_probability;  // 0: nothing is dropped
};

/// Where the parameters lie that may change from run to run.
struct GridPlaces {
  FakeQuantization settings;
  std::shared_ptr<const Slot> scale, zero_point, seed;
  QuantizationGrid read() const;
};
GridPlaces grid_places(const KernelCall& call, std::size_t x);

}  // namespace edgeopt
