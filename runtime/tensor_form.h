// How a value lies in memory while a plan runs: element type, dims, and one of two layouts.
#pragma once
#include <cstddef>

#include "ir/data_type.h"
#include "ir/shape.h"

namespace edgeopt {

/// plain: row-major as in ONNX. channels_last: dims [N,C,spatial...] lie in memory as [N,spatial...,C], which
/// is what the vector kernels of convolution and pooling read fastest.
enum class Layout { plain, channels_last };

struct TensorForm {
  DataType dtype = DataType::undefined;
  Dims dims;
  Layout layout = Layout::plain;
  bool operator==(const TensorForm&) const = default;
};

std::size_t byte_size(const TensorForm& form);
/// Ranks 3 to 5 have channels and space.
bool can_be_channels_last(const Dims& dims);
/// Both layouts put every element at the same place: one channel, or space of one element, or no space.
bool is_layout_free(const Dims& dims);
/// The bytes of the form are those of the same form in `layout`.
bool lies_as(const TensorForm& form, Layout layout);

}  // namespace edgeopt
