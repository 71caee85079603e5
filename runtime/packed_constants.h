// Constants in the form that a kernel reads, made once and shared by all sessions that run the same tensor.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "ir/tensor.h"

namespace edgeopt {

/// A 64-byte-aligned copy of a constant in a kernel's own format.
struct PackedConstant {
  Tensor source;  // keeps the address that identifies it
  Tensor packed;  // bytes
  std::byte* data() const { return const_cast<std::byte*>(packed.bytes().data()); }
};

/// The packed form of `tensor` under `format`, from the sessions that hold it already or from `pack`, which
/// fills `byte_count` bytes. The same tensor and format must always mean the same bytes.
std::shared_ptr<const PackedConstant> packed_constant(const Tensor& tensor, const std::string& format,
                                                      std::size_t byte_count,
                                                      const std::function<void(std::byte* target)>& pack);

}  // namespace edgeopt
