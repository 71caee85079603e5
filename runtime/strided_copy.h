// Moving a block of elements between two tensors whose dims lie at any distances: what Slice, Split,
// Transpose, Pad and Expand do, in any layout.
#pragma once
#include "runtime/kernel.h"

namespace edgeopt {

/// Distances of neighbours along each ONNX dim, in elements, as the form lies in memory.
Dims memory_strides(const TensorForm& form);

/// target[target_offset + sum i_d target_strides[d]] = source[source_offset + sum i_d source_strides[d]] for
/// every index i below counts.
struct StridedCopy {
  Dims counts;
  Dims source_strides;  // 0 repeats, negative runs backwards
  Dims target_strides;
  std::int64_t source_offset = 0;
  std::int64_t target_offset = 0;
  std::size_t element_bytes = 4;  // 1, 2, 4 or 8
};

/// The same copy with dims sorted by how the target lies, and dims that continue each other merged.
StridedCopy simplified(StridedCopy copy);
void run_copy(const StridedCopy& copy, const std::byte* source, std::byte* target);

/// True if elements can be moved: whole bytes, and one scale on both sides where they are quantized.
bool moves_elements_alone(const KernelCall& call);

}  // namespace edgeopt
