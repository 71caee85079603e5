// The header of numpy's .npy format: "\x93NUMPY", version, and a Python dict of descr, fortran_order and
// shape. Source: numpy.lib.format, "Format Version 1.0" to "3.0".
#pragma once
#include <cstddef>
#include <span>
#include <string>

#include "ir/data_type.h"
#include "ir/shape.h"

namespace edgeopt {

struct NpyHeader {
  DataType dtype = DataType::undefined;
  Dims dims;
  std::size_t header_bytes = 0;  // where the elements begin
};

/// Bytes that hold any header that edgeopt reads; numpy itself refuses longer ones (max_header_size=10000).
constexpr std::size_t longest_npy_header = 10000 + 12;

/// Parses the header at the front of `bytes`, which may end after it.
/// throws  UserError: no .npy, a malformed header, fortran order, big-endian or non-numeric elements
NpyHeader parse_npy_header(std::span<const std::byte> bytes);

}  // namespace edgeopt
