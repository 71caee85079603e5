// plain <-> channels last, by oneDNN where it knows the element type.
#include "runtime/reorder.h"

#include "runtime/kernels/onednn/onednn.h"

namespace edgeopt {

BoundStep bind_reorder(const TensorForm& from, Slot* source, const TensorForm& to, Slot* target) {
  const bool is_known = onednn::data_type_of(from.dtype) != dnnl::memory::data_type::undef;
  if (!is_known || lies_as(from, to.layout) || element_count(from.dims) == 0)
    return bind_plain_reorder(from, source, to, target);
  const dnnl::reorder::primitive_desc description(onednn::cpu_engine(), onednn::desc_of(from),
                                                  onednn::cpu_engine(), onednn::desc_of(to),
                                                  onednn::new_attributes());
  auto step = std::make_shared<onednn::PrimitiveStep>(dnnl::reorder(description));
  step->bind(DNNL_ARG_FROM, onednn::desc_of(from), place_of({.slot = source, .is_present = true}));
  step->bind(DNNL_ARG_TO, onednn::desc_of(to), place_of({.slot = target, .is_present = true}));
  return onednn::PrimitiveStep::finish(std::move(step), 0);
}

}  // namespace edgeopt
