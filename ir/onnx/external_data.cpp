// External data: tensors in files beside the model. A file is only read if it lies inside the model's folder,
// whatever the model says; a file is written with every tensor on a page of its own, so that it can be
// mapped.
#include <fmt/format.h>

#include <algorithm>

#include "ir/onnx/protos.h"
#include "support/error.h"

namespace edgeopt {
namespace {

namespace fs = std::filesystem;

// The page of x86-64 and most Arm systems; ONNX advises offsets that are multiples of it.
constexpr std::size_t page_bytes = 4096;

bool lies_inside(const fs::path& file, const fs::path& folder) {
  return std::ranges::mismatch(folder, file).in1 == folder.end();
}

void require_local(const std::string& location) {
  const fs::path path(location);
  const bool has_parent = std::ranges::find(path, fs::path("..")) != path.end();
  if (!location.empty() && location.find('\0') == std::string::npos && !path.has_root_path() && !has_parent)
    return;
  throw UserError(fmt::format(
      "external data '{}' must be a path inside the model's folder, without '..' and not absolute",
      location));
}

}  // namespace

std::shared_ptr<const MappedFile> DataFolder::open(const std::string& location) {
  require_local(location);
  if (const auto known = files_.find(location); known != files_.end()) return known->second;
  if (folder_.empty()) throw UserError(fmt::format("external data '{}' has no folder to lie in", location));
  std::error_code error;
  const fs::path folder = fs::canonical(folder_, error);
  const fs::path file = fs::canonical(folder_ / location, error);
  if (error)
    throw UserError(fmt::format("external data '{}' cannot be read: {}; put it beside the model", location,
                                error.message()));
  if (!lies_inside(file, folder))
    throw UserError(
        fmt::format("external data '{}' leads out of the model's folder to '{}'", location, file.string()));
  if (!fs::is_regular_file(file))
    throw UserError(fmt::format("external data '{}' is not a regular file", location));
  auto mapped = std::make_shared<const MappedFile>(file);
  files_.emplace(location, mapped);
  return mapped;
}

std::optional<std::size_t> DataFileLayout::place(const Tensor& tensor) {
  const std::span<const std::byte> bytes = tensor.bytes();
  if (tensor.dtype() == DataType::string || bytes.empty()) return std::nullopt;
  if (!tensor.is_external() && bytes.size() <= largest_inside_) return std::nullopt;
  if (const auto known = offsets_.find(bytes.data()); known != offsets_.end()) return known->second;
  const std::size_t offset = (end_ + page_bytes - 1) / page_bytes * page_bytes;
  offsets_.emplace(bytes.data(), offset);
  tensors_.emplace_back(offset, tensor);
  end_ = offset + bytes.size();
  return offset;
}

void DataFileLayout::write(FileWriter& file) const {
  const std::string padding(page_bytes, '\0');
  for (const auto& [offset, tensor] : tensors_) {
    file.write(std::string_view(padding).substr(0, offset - file.size()));
    file.write(tensor.bytes());
  }
}

}  // namespace edgeopt
