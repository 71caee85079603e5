#include "ir/data_type.h"

#include <array>

namespace edgeopt {
namespace {

struct Row {
  DataType type;
  std::string_view name;
  int bits;
  char kind;  // f floating point, i signed, u unsigned, - none of them
};

constexpr std::array rows = {
    Row{DataType::undefined, "undefined", 0, '-'},
    Row{DataType::float32, "float", 32, 'f'},
    Row{DataType::uint8, "uint8", 8, 'u'},
    Row{DataType::int8, "int8", 8, 'i'},
    Row{DataType::uint16, "uint16", 16, 'u'},
    Row{DataType::int16, "int16", 16, 'i'},
    Row{DataType::int32, "int32", 32, 'i'},
    Row{DataType::int64, "int64", 64, 'i'},
    Row{DataType::string, "string", 0, '-'},
    Row{DataType::boolean, "bool", 8, '-'},
    Row{DataType::float16, "float16", 16, 'f'},
    Row{DataType::float64, "double", 64, 'f'},
    Row{DataType::uint32, "uint32", 32, 'u'},
    Row{DataType::uint64, "uint64", 64, 'u'},
    Row{DataType::complex64, "complex64", 64, '-'},
    Row{DataType::complex128, "complex128", 128, '-'},
    Row{DataType::bfloat16, "bfloat16", 16, 'f'},
    Row{DataType::float8e4m3fn, "float8e4m3fn", 8, 'f'},
    Row{DataType::float8e4m3fnuz, "float8e4m3fnuz", 8, 'f'},
    Row{DataType::float8e5m2, "float8e5m2", 8, 'f'},
    Row{DataType::float8e5m2fnuz, "float8e5m2fnuz", 8, 'f'},
    Row{DataType::uint4, "uint4", 4, 'u'},
    Row{DataType::int4, "int4", 4, 'i'},
    Row{DataType::float4e2m1, "float4e2m1", 4, 'f'},
    Row{DataType::float8e8m0, "float8e8m0", 8, 'f'},
    Row{DataType::uint2, "uint2", 2, 'u'},
    Row{DataType::int2, "int2", 2, 'i'},
};

const Row* find_row(DataType type) {
  for (const Row& row : rows)
    if (row.type == type) return &row;
  return nullptr;
}

bool is_kind(DataType type, char kind) {
  const Row* row = find_row(type);
  return row && row->kind == kind;
}

}  // namespace

std::string name_of(DataType type) {
  const Row* row = find_row(type);
  return row ? std::string(row->name) : "type" + std::to_string(static_cast<int>(type));
}

std::optional<DataType> data_type_named(std::string_view name) {
  for (const Row& row : rows)
    if (row.name == name) return row.type;
  return std::nullopt;
}

int bit_count(DataType type) {
  const Row* row = find_row(type);
  return row ? row->bits : 0;
}

std::size_t byte_count(DataType type, std::int64_t count) {
  const auto elements = static_cast<std::size_t>(count);
  const auto bits = static_cast<std::size_t>(bit_count(type));
  if (bits != 0 && elements > (SIZE_MAX - 7) / bits) return SIZE_MAX;  // more than any memory
  return (elements * bits + 7) / 8;
}

bool is_floating_point(DataType type) { return is_kind(type, 'f'); }
bool is_integer(DataType type) { return is_kind(type, 'i') || is_kind(type, 'u'); }
bool is_signed(DataType type) { return is_kind(type, 'i') || is_kind(type, 'f'); }

}  // namespace edgeopt
