#include "runtime/tensor_form.h"

namespace edgeopt {

std::size_t byte_size(const TensorForm& form) { return byte_count(form.dtype, element_count(form.dims)); }

bool can_be_channels_last(const Dims& dims) { return dims.size() >= 3 && dims.size() <= 5; }

bool is_layout_free(const Dims& dims) {
  if (!can_be_channels_last(dims)) return true;
  return dims[1] == 1 || element_count(std::span(dims).subspan(2)) == 1;
}

bool lies_as(const TensorForm& form, Layout layout) {
  return form.layout == layout || is_layout_free(form.dims);
}

}  // namespace edgeopt
