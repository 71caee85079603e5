// plain [N][C][space] <-> channels last [N][space][C]: one transposition of a matrix per sample.
#include "runtime/reorder.h"

#include <algorithm>
#include <cstring>

namespace edgeopt {
namespace {

// A tile of 16 x 16 floats is read and written in whole cache lines.
constexpr std::int64_t tile = 16;

struct Tile {
  std::int64_t row = 0, column = 0;
  std::int64_t row_end = 0, column_end = 0;
};

template <typename T>
struct Transposition {
  const T* from = nullptr;
  T* to = nullptr;
  std::int64_t rows = 0, columns = 0;

  void move(const Tile& part) const {
    for (std::int64_t i = part.row; i < part.row_end; ++i)
      for (std::int64_t j = part.column; j < part.column_end; ++j) to[j * rows + i] = from[i * columns + j];
  }
};

// to[j][i] = from[i][j]
template <typename T>
void transpose(const T* from, T* to, std::int64_t rows, std::int64_t columns) {
  const Transposition<T> all{from, to, rows, columns};
  for (std::int64_t i = 0; i < rows; i += tile)
    for (std::int64_t j = 0; j < columns; j += tile)
      all.move({i, j, std::min(i + tile, rows), std::min(j + tile, columns)});
}

struct Matrices {
  std::int64_t count = 1;
  std::int64_t rows = 1;
  std::int64_t columns = 1;
  std::size_t element_bytes = 4;
};

template <typename T>
void transpose_all(const Matrices& shape, const std::byte* from, std::byte* to) {
  for (std::int64_t i = 0; i < shape.count; ++i) {
    const std::int64_t offset = i * shape.rows * shape.columns;
    transpose(reinterpret_cast<const T*>(from) + offset, reinterpret_cast<T*>(to) + offset, shape.rows,
              shape.columns);
  }
}

void transpose_all(const Matrices& shape, const std::byte* from, std::byte* to) {
  if (shape.element_bytes == 1) transpose_all<std::uint8_t>(shape, from, to);
  if (shape.element_bytes == 2) transpose_all<std::uint16_t>(shape, from, to);
  if (shape.element_bytes == 4) transpose_all<std::uint32_t>(shape, from, to);
  if (shape.element_bytes == 8) transpose_all<std::uint64_t>(shape, from, to);
}

Matrices matrices_of(const TensorForm& form) {
  const std::int64_t channels = form.dims[1];
  const std::int64_t space = element_count(std::span(form.dims).subspan(2));
  const bool is_plain = form.layout == Layout::plain;
  return {.count = form.dims[0],
          .rows = is_plain ? channels : space,
          .columns = is_plain ? space : channels,
          .element_bytes = static_cast<std::size_t>(bit_count(form.dtype)) / 8};
}

}  // namespace

BoundStep bind_plain_reorder(const TensorForm& from, Slot* source, const TensorForm& to, Slot* target) {
  if (lies_as(from, to.layout))
    return {
        .run = [source, target, bytes = byte_size(from)] { std::memcpy(target->data, source->data, bytes); }};
  return {.run = [shape = matrices_of(from), source, target] {
    transpose_all(shape, source->data, target->data);
  }};
}

Tensor reordered(const Tensor& plain, Layout layout) {
  const TensorForm form{plain.dtype(), plain.dims()};
  if (lies_as(form, layout)) return plain;
  Tensor result(plain.dtype(), plain.dims());
  transpose_all(matrices_of(form), plain.bytes().data(), result.mutable_bytes().data());
  return result;
}

}  // namespace edgeopt
