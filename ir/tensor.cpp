#include "ir/tensor.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "support/error.h"

namespace edgeopt {
namespace {

// One cache line, and the alignment that AVX-512 loads and oneDNN like best.
constexpr std::align_val_t byte_alignment{64};

struct FreeAligned {
  void operator()(std::byte* memory) const { ::operator delete[](memory, byte_alignment); }
};

}  // namespace

struct Tensor::Storage {
  std::span<const std::byte> bytes;
  std::unique_ptr<std::byte[], FreeAligned> own_bytes;
  std::shared_ptr<const void> owner;
  std::vector<std::string> strings;

  void allocate(std::size_t size) {
    own_bytes.reset(
        static_cast<std::byte*>(::operator new[](std::max<std::size_t>(size, 1), byte_alignment)));
    bytes = {own_bytes.get(), size};
  }
};

Tensor::Tensor(DataType dtype, Dims dims)
    : dtype_(dtype),
      dims_(std::move(dims)),
      element_count_(edgeopt::element_count(dims_)),
      storage_(std::make_shared<Storage>()) {
  if (dtype == DataType::string) {
    storage_->strings.resize(static_cast<std::size_t>(element_count_));
    return;
  }
  storage_->allocate(byte_count(dtype, element_count_));
  std::memset(storage_->own_bytes.get(), 0, storage_->bytes.size());
}

Tensor::Tensor(DataType dtype, Dims dims, std::span<const std::byte> bytes, std::shared_ptr<const void> owner)
    : dtype_(dtype),
      dims_(std::move(dims)),
      element_count_(edgeopt::element_count(dims_)),
      storage_(std::make_shared<Storage>()) {
  const std::size_t wanted = byte_count(dtype, element_count_);
  if (bit_count(dtype) != 0 && bytes.size() != wanted)
    throw UserError(fmt::format("a {} tensor of shape {} needs {} bytes, but {} are there", name_of(dtype),
                                to_string(dims_), wanted, bytes.size()));
  storage_->bytes = bytes;
  storage_->owner = std::move(owner);
}

Tensor Tensor::of_strings(Dims dims, std::vector<std::string> elements) {
  Tensor tensor(DataType::string, std::move(dims));
  if (tensor.element_count_ != static_cast<std::int64_t>(elements.size()))
    throw InternalError(
        fmt::format("{} strings for a tensor of shape {}", elements.size(), to_string(tensor.dims_)));
  tensor.storage_->strings = std::move(elements);
  return tensor;
}

std::span<const std::byte> Tensor::bytes() const {
  return storage_ ? storage_->bytes : std::span<const std::byte>{};
}

std::span<std::byte> Tensor::mutable_bytes() {
  if (!storage_) return {};
  if (storage_.use_count() > 1 || !storage_->own_bytes) {
    auto clone = std::make_shared<Storage>();
    clone->allocate(storage_->bytes.size());
    std::copy(storage_->bytes.begin(), storage_->bytes.end(), clone->own_bytes.get());
    storage_ = std::move(clone);
  }
  return {storage_->own_bytes.get(), storage_->bytes.size()};
}

std::span<const std::string> Tensor::strings() const {
  require(DataType::string);
  return storage_->strings;
}

std::span<std::string> Tensor::mutable_strings() {
  require(DataType::string);
  if (storage_.use_count() > 1) {
    auto clone = std::make_shared<Storage>();
    clone->strings = storage_->strings;
    storage_ = std::move(clone);
  }
  return storage_->strings;
}

Tensor Tensor::reshaped(Dims dims) const {
  if (edgeopt::element_count(dims) != element_count_)
    throw InternalError(fmt::format("cannot view shape {} as {}", to_string(dims_), to_string(dims)));
  Tensor result = *this;
  result.dims_ = std::move(dims);
  return result;
}

bool Tensor::operator==(const Tensor& other) const {
  if (dtype_ != other.dtype_ || dims_ != other.dims_) return false;
  if (storage_ == other.storage_) return true;
  if (dtype_ == DataType::string) return std::ranges::equal(strings(), other.strings());
  return std::ranges::equal(bytes(), other.bytes());
}

void Tensor::require(DataType wanted) const {
  if (dtype_ != wanted)
    throw InternalError(fmt::format("a tensor of {} was read as {}", name_of(dtype_), name_of(wanted)));
}

Tensor int64_tensor(std::span<const std::int64_t> elements) {
  return Tensor::of<std::int64_t>({static_cast<std::int64_t>(elements.size())},
                                  {elements.begin(), elements.end()});
}

}  // namespace edgeopt
