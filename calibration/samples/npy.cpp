// "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }" -> NpyHeader.
#include "calibration/samples/npy.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>

#include "support/error.h"

namespace edgeopt {
namespace {

/// Reads the few literals of Python that a header may hold.
class HeaderReader {
 public:
  explicit HeaderReader(std::string_view text) : rest_(text) {}

  bool accept(char wanted) {
    skip_blanks();
    if (rest_.empty() || rest_.front() != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void expect(char wanted) {
    if (!accept(wanted))
      throw UserError(fmt::format("the .npy header is malformed: '{}' expected before '{}'", wanted,
                                  rest_.substr(0, 20)));
  }
  bool is_at_end() {
    skip_blanks();
    return rest_.empty();
  }
  std::string quoted() {
    const char quote = accept('"') ? '"' : '\'';
    if (quote == '\'') expect('\'');
    const std::size_t end = rest_.find(quote);
    if (end == std::string_view::npos) throw UserError("the .npy header is malformed: a string has no end");
    const std::string text(rest_.substr(0, end));
    rest_.remove_prefix(end + 1);
    return text;
  }
  std::string word() {
    skip_blanks();
    const std::size_t end = std::min(rest_.find_first_of(",}) "), rest_.size());
    const std::string text(rest_.substr(0, end));
    rest_.remove_prefix(end);
    return text;
  }
  bool boolean() {
    const std::string text = word();
    if (text != "True" && text != "False")
      throw UserError(fmt::format("the .npy header is malformed: fortran_order is '{}'", text));
    return text == "True";
  }
  std::int64_t number() {
    std::string text = word();
    if (text.ends_with('L')) text.pop_back();  // written by Python 2
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size() || value < 0)
      throw UserError(fmt::format("the .npy header is malformed: '{}' is no dim", text));
    return value;
  }
  Dims dims() {
    Dims dims;
    expect('(');
    while (!accept(')')) {
      dims.push_back(number());
      if (accept(',')) continue;
      expect(')');
      break;
    }
    return dims;
  }

 private:
  void skip_blanks() {
    const std::size_t begin = rest_.find_first_not_of(" \n\t");
    rest_.remove_prefix(std::min(begin, rest_.size()));
  }
  std::string_view rest_;
};

DataType dtype_of(const std::string& descr) {
  struct Entry {
    std::string_view code;
    DataType dtype;
  };
  static constexpr std::array<Entry, 14> entries = {{{"b1", DataType::boolean},
                                                     {"i1", DataType::int8},
                                                     {"u1", DataType::uint8},
                                                     {"i2", DataType::int16},
                                                     {"u2", DataType::uint16},
                                                     {"i4", DataType::int32},
                                                     {"u4", DataType::uint32},
                                                     {"i8", DataType::int64},
                                                     {"u8", DataType::uint64},
                                                     {"f2", DataType::float16},
                                                     {"f4", DataType::float32},
                                                     {"f8", DataType::float64},
                                                     {"c8", DataType::complex64},
                                                     {"c16", DataType::complex128}}};
  if (descr.size() >= 2)
    for (const Entry& entry : entries) {
      if (entry.code != std::string_view(descr).substr(1)) continue;
      if (descr[0] == '<' || descr[0] == '|' || descr[0] == '=') return entry.dtype;
      throw UserError(
          fmt::format("elements of type '{}' are big-endian; save the array with array.astype('<{}')", descr,
                      entry.code));
    }
  throw UserError(fmt::format("elements of type '{}' are not numbers that edgeopt reads", descr));
}

/// The dict's text, which begins behind magic, version and length.
struct HeaderText {
  std::string_view text;
  std::size_t end = 0;
};

HeaderText header_text(std::span<const std::byte> bytes) {
  const auto byte = [&](std::size_t i) { return std::to_integer<std::size_t>(bytes[i]); };
  if (bytes.size() < 10 || std::memcmp(bytes.data(), "\x93NUMPY", 6) != 0)
    throw UserError("this is no .npy array: it does not begin with \\x93NUMPY");
  const std::size_t version = byte(6);
  if (version < 1 || version > 3)
    throw UserError(fmt::format(".npy version {} is unknown; 1, 2 and 3 are read", version));
  const std::size_t begin = version == 1 ? 10 : 12;
  if (bytes.size() < begin) throw UserError("the .npy header is cut off");
  const std::size_t length =
      version == 1 ? byte(8) | byte(9) << 8 : byte(8) | byte(9) << 8 | byte(10) << 16 | byte(11) << 24;
  if (length > longest_npy_header - 12)
    throw UserError(
        fmt::format("the .npy header claims {} bytes; no array of numbers needs that many", length));
  if (bytes.size() < begin + length) throw UserError("the .npy header is cut off");
  return {{reinterpret_cast<const char*>(bytes.data()) + begin, length}, begin + length};
}

}  // namespace

NpyHeader parse_npy_header(std::span<const std::byte> bytes) {
  const HeaderText header = header_text(bytes);
  HeaderReader reader(header.text);
  std::optional<std::string> descr;
  std::optional<bool> is_fortran;
  std::optional<Dims> dims;
  reader.expect('{');
  while (!reader.accept('}')) {
    const std::string key = reader.quoted();
    reader.expect(':');
    if (key == "descr")
      descr = reader.quoted();
    else if (key == "fortran_order")
      is_fortran = reader.boolean();
    else if (key == "shape")
      dims = reader.dims();
    else
      throw UserError(fmt::format("the .npy header is malformed: unknown key '{}'", key));
    if (!reader.accept(',')) {
      reader.expect('}');
      break;
    }
  }
  if (!reader.is_at_end() || !descr || !is_fortran || !dims)
    throw UserError("the .npy header is malformed: descr, fortran_order and shape are expected, each once");
  if (*is_fortran && dims->size() > 1)
    throw UserError("the array lies in fortran order; save it with numpy.ascontiguousarray(array)");
  return {.dtype = dtype_of(*descr), .dims = *dims, .header_bytes = header.end};
}

}  // namespace edgeopt
