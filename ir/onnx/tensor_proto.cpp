// TensorProto -> Tensor and back. Whatever field holds the elements, a Tensor holds them as raw_data would.
#include <fmt/format.h>

#include <charconv>
#include <cstring>

#include "ir/infer.h"
#include "ir/onnx/protos.h"
#include "support/error.h"

namespace edgeopt {
namespace {

constexpr std::string_view location_key = "location";
constexpr std::string_view offset_key = "offset";
constexpr std::string_view length_key = "length";
constexpr std::string_view checksum_key = "checksum";  // of the old file: no longer true of a new one

// The low bytes of every element, as many as one element has in memory; sub-byte types are packed already.
template <typename Elements>
Tensor take_elements(DataType dtype, Dims dims, Elements& elements, std::size_t width) {
  auto bytes = std::make_shared<std::vector<std::byte>>(static_cast<std::size_t>(elements.size()) * width);
  std::byte* target = bytes->data();
  for (const auto element : elements) {
    std::memcpy(target, &element, width);
    target += width;
  }
  elements.Clear();
  const std::span<const std::byte> view(*bytes);
  return Tensor(dtype, std::move(dims), view, std::move(bytes));
}

Tensor take_strings(onnx::TensorProto& proto, Dims dims) {
  if (element_count(dims) != proto.string_data_size())
    throw UserError(fmt::format("a string tensor of shape {} has {} elements", to_string(dims),
                                proto.string_data_size()));
  std::vector<std::string> elements(proto.mutable_string_data()->begin(), proto.mutable_string_data()->end());
  proto.clear_string_data();
  return Tensor::of_strings(std::move(dims), std::move(elements));
}

// Which field holds elements of a type: the rule of onnx.proto's TensorProto.
Tensor take_typed_elements(onnx::TensorProto& proto, DataType dtype, Dims dims) {
  const std::size_t width = std::max<std::size_t>(1, static_cast<std::size_t>(bit_count(dtype)) / 8);
  switch (dtype) {
    case DataType::string:
      return take_strings(proto, std::move(dims));
    case DataType::float32:
      return take_elements(dtype, std::move(dims), *proto.mutable_float_data(), width);
    case DataType::complex64:
      return take_elements(dtype, std::move(dims), *proto.mutable_float_data(), width / 2);
    case DataType::float64:
      return take_elements(dtype, std::move(dims), *proto.mutable_double_data(), width);
    case DataType::complex128:
      return take_elements(dtype, std::move(dims), *proto.mutable_double_data(), width / 2);
    case DataType::int64:
      return take_elements(dtype, std::move(dims), *proto.mutable_int64_data(), width);
    case DataType::uint32:
    case DataType::uint64:
      return take_elements(dtype, std::move(dims), *proto.mutable_uint64_data(), width);
    default:
      break;
  }
  if (bit_count(dtype) != 0) return take_elements(dtype, std::move(dims), *proto.mutable_int32_data(), width);
  return Tensor(dtype, std::move(dims), {}, nullptr);  // the elements stay in the message, unread
}

Tensor take_raw(onnx::TensorProto& proto, DataType dtype, Dims dims) {
  const std::shared_ptr<const std::string> raw(proto.release_raw_data());
  return Tensor(dtype, std::move(dims), std::as_bytes(std::span(*raw)), raw);
}

std::size_t parse_size(const std::string& key, const std::string& text) {
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size())
    throw UserError(fmt::format("external data: {} is '{}'; it must be a number of bytes", key, text));
  return number;
}

struct ExternalPlace {
  std::string location;
  std::size_t offset = 0;
  std::optional<std::size_t> length;
};

ExternalPlace take_external_place(onnx::TensorProto& proto) {
  ExternalPlace place;
  google::protobuf::RepeatedPtrField<onnx::StringStringEntryProto> others;
  for (auto& entry : *proto.mutable_external_data()) {
    if (entry.key() == location_key)
      place.location = entry.value();
    else if (entry.key() == offset_key)
      place.offset = parse_size(entry.key(), entry.value());
    else if (entry.key() == length_key)
      place.length = parse_size(entry.key(), entry.value());
    else
      others.Add(std::move(entry));
  }
  proto.mutable_external_data()->Swap(&others);
  proto.clear_data_location();
  return place;
}

Tensor take_external(onnx::TensorProto& proto, DataType dtype, Dims dims, DataFolder& folder) {
  if (dtype == DataType::string) throw UserError("strings cannot be external data");
  const ExternalPlace place = take_external_place(proto);
  const std::shared_ptr<const MappedFile> file = folder.open(place.location);
  const std::size_t size = file->bytes().size();
  const std::size_t wanted = byte_count(dtype, element_count(dims));
  const std::size_t length = place.length.value_or(wanted);
  if (place.offset > size || length > size - place.offset)
    throw UserError(
        fmt::format("external data '{}' has {} bytes, but {} at offset {} are wanted; is it cut short?",
                    place.location, size, length, place.offset));
  Tensor mapped(dtype, std::move(dims), file->bytes().subspan(place.offset, length), file);
  const std::size_t alignment = std::max<std::size_t>(1, static_cast<std::size_t>(bit_count(dtype)) / 8);
  if (place.offset % alignment != 0) mapped.mutable_bytes();  // the elements could not be read in place
  mapped.set_external(true);
  return mapped;
}

void set_external_entry(onnx::TensorProto& proto, std::string_view key, std::string value) {
  onnx::StringStringEntryProto& entry = *proto.add_external_data();
  entry.set_key(std::string(key));
  entry.set_value(std::move(value));
}

void write_external(onnx::TensorProto& proto, const Tensor& tensor, const DataFileLayout& layout,
                    std::size_t offset) {
  google::protobuf::RepeatedPtrField<onnx::StringStringEntryProto> others;
  proto.mutable_external_data()->Swap(&others);
  set_external_entry(proto, location_key, layout.location());
  set_external_entry(proto, offset_key, std::to_string(offset));
  set_external_entry(proto, length_key, std::to_string(tensor.bytes().size()));
  for (auto& entry : others)
    if (entry.key() != checksum_key) proto.mutable_external_data()->Add(std::move(entry));
  proto.set_data_location(onnx::TensorProto::EXTERNAL);
}

}  // namespace

Tensor take_tensor(onnx::TensorProto& proto, DataFolder& folder) {
  const auto dtype = static_cast<DataType>(proto.data_type());
  Dims dims(proto.dims().begin(), proto.dims().end());
  for (const std::int64_t dim : dims)
    if (dim < 0)
      throw UserError(
          fmt::format("a tensor has the shape {}; a dim cannot be negative", fmt::join(dims, ",")));
  require_sensible(to_shape(dims));
  proto.clear_data_type();
  proto.clear_dims();
  if (proto.has_data_location() && proto.data_location() == onnx::TensorProto::EXTERNAL)
    return take_external(proto, dtype, std::move(dims), folder);
  proto.clear_data_location();
  if (proto.has_raw_data() && dtype != DataType::string) return take_raw(proto, dtype, std::move(dims));
  return take_typed_elements(proto, dtype, std::move(dims));
}

void write_tensor(onnx::TensorProto& proto, const Tensor& tensor, DataFileLayout* layout) {
  proto.set_data_type(static_cast<std::int32_t>(tensor.dtype()));
  proto.mutable_dims()->Assign(tensor.dims().begin(), tensor.dims().end());
  if (const auto offset = layout ? layout->place(tensor) : std::nullopt) {
    write_external(proto, tensor, *layout, *offset);
    return;
  }
  proto.clear_external_data();
  if (tensor.dtype() == DataType::string) {
    for (const std::string& element : tensor.strings()) proto.add_string_data(element);
    return;
  }
  const std::span<const std::byte> bytes = tensor.bytes();
  if (!bytes.empty()) proto.set_raw_data(bytes.data(), bytes.size());
}

Tensor tensor_from_bytes(std::span<const std::byte> bytes) {
  onnx::TensorProto proto;
  parse_message(proto, bytes, "TensorProto");
  // Sequences and optionals have a string where a tensor has its dims, and elements where it has a segment.
  if (proto.has_segment() || proto.unknown_fields().field_count() > 0)
    throw UserError(
        "this is no tensor but perhaps a sequence or an optional, which edgeopt does not read as data");
  DataFolder nowhere("");
  return take_tensor(proto, nowhere);
}

Tensor load_tensor(const std::filesystem::path& path) {
  return while_doing(fmt::format("loading '{}'", path.string()),
                     [&] { return tensor_from_bytes(MappedFile(path).bytes()); });
}

std::string tensor_to_bytes(const Tensor& tensor, std::string_view name) {
  onnx::TensorProto proto;
  if (!name.empty()) proto.set_name(std::string(name));
  write_tensor(proto, tensor, nullptr);
  return rest_of(proto);
}

}  // namespace edgeopt
