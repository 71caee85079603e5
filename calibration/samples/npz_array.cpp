// .npz = zip of .npy files, stored or deflated.
#include "calibration/samples/npz_array.h"

#include <fmt/format.h>
#include <zip.h>

#include <algorithm>
#include <deque>
#include <mutex>

#include "support/error.h"

namespace edgeopt {
namespace {

using Archive = std::unique_ptr<zip_t, void (*)(zip_t*)>;
using Member = std::unique_ptr<zip_file_t, void (*)(zip_file_t*)>;

Archive open_archive(const std::filesystem::path& path) {
  if (!std::filesystem::is_regular_file(path)) throw UserError(fmt::format("'{}' is no file", path.string()));
  int code = 0;
  zip_t* archive = zip_open(path.c_str(), ZIP_RDONLY, &code);
  if (!archive) {
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    const std::string reason = zip_error_strerror(&error);
    zip_error_fini(&error);
    throw UserError(fmt::format("'{}' cannot be read as .npz: {}", path.string(), reason));
  }
  return {archive, [](zip_t* zip) { zip_discard(zip); }};
}

}  // namespace

std::vector<std::string> npz_array_names(const std::filesystem::path& path) {
  const Archive archive = open_archive(path);
  std::vector<std::string> names;
  const zip_int64_t count = zip_get_num_entries(archive.get(), 0);
  for (zip_int64_t i = 0; i < count; ++i) {
    const char* text = zip_get_name(archive.get(), static_cast<zip_uint64_t>(i), 0);
    const std::string name = text ? text : "";
    if (name.ends_with(".npy")) names.push_back(name.substr(0, name.size() - 4));
  }
  if (names.empty()) throw UserError(fmt::format("'{}' holds no .npy arrays", path.string()));
  std::sort(names.begin(), names.end());
  return names;
}

struct NpzArray::State {
  std::string name;
  std::string place;  // "'d.npz': array 'x'", for messages
  Archive archive{nullptr, nullptr};
  zip_int64_t member_index = -1;
  NpyHeader header;
  std::int64_t sample_bytes = 0;
  std::size_t window_samples = 1;

  std::mutex lock;
  Member member{nullptr, nullptr};
  std::deque<Tensor> window;  // samples [next - window.size(), next)
  std::int64_t next = 0;      // the sample at which the open member stands

  [[noreturn]] void fail(const std::string& reason) const {
    throw UserError(fmt::format("{}: {}", place, reason));
  }

  void read_bytes(std::span<std::byte> target) {
    while (!target.empty()) {
      const zip_int64_t got = zip_fread(member.get(), target.data(), target.size());
      if (got < 0) fail(fmt::format("the file is damaged: {}", zip_file_strerror(member.get())));
      if (got == 0) fail("the file is damaged: the array ends early");
      target = target.subspan(static_cast<std::size_t>(got));
    }
  }

  void open_member() {
    zip_file_t* file = zip_fopen_index(archive.get(), static_cast<zip_uint64_t>(member_index), 0);
    if (!file) fail(fmt::format("cannot be read: {}", zip_strerror(archive.get())));
    member = {file, [](zip_file_t* open) { zip_fclose(open); }};
  }

  /// Opens the member and stands before sample 0.
  void rewind() {
    open_member();
    std::vector<std::byte> skipped(header.header_bytes);
    read_bytes(skipped);
    window.clear();
    next = 0;
  }

  /// After the last byte the decoder compares the checksum.
  void check_end() {
    std::byte extra{};
    if (zip_fread(member.get(), &extra, 1) != 0)
      fail(fmt::format("the file is damaged: {}", zip_file_strerror(member.get())));
  }

  void advance() {
    Tensor sample(header.dtype, Dims(header.dims.begin() + 1, header.dims.end()));
    read_bytes(sample.mutable_bytes());
    if (window.size() >= window_samples) window.pop_front();
    window.push_back(std::move(sample));
    ++next;
    if (next == header.dims[0]) check_end();
  }
};

namespace {

/// Deflate shrinks at most 1032:1 (zlib, "Maximum Compression Factor"), so a larger claim is a lie that would
/// only make edgeopt allocate memory.
bool is_plausible(const zip_stat_t& stat, std::uint64_t file_bytes) {
  constexpr std::uint64_t largest_ratio = 1032;
  constexpr zip_uint64_t needed = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE;
  return (stat.valid & needed) == needed && stat.comp_size <= file_bytes &&
         stat.size / largest_ratio <= stat.comp_size;
}

/// The header at the front of the member, of which no more than the longest header is inflated.
NpyHeader read_header(zip_file_t* member, const std::string& place) {
  std::vector<std::byte> front(longest_npy_header);
  std::size_t size = 0;
  while (size < front.size()) {
    const zip_int64_t got = zip_fread(member, front.data() + size, front.size() - size);
    if (got < 0)
      throw UserError(fmt::format("{}: the file is damaged: {}", place, zip_file_strerror(member)));
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  return while_doing(place, [&] { return parse_npy_header(std::span(front).first(size)); });
}

/// The bytes of the elements; refuses an array whose claims contradict the size of its member.
std::int64_t checked_element_bytes(const NpyHeader& header, std::uint64_t member_bytes,
                                   const std::string& place) {
  const std::int64_t count = while_doing(place, [&] { return element_count(header.dims); });
  const std::uint64_t element_bytes = byte_count(header.dtype, 1);
  const std::uint64_t present = member_bytes < header.header_bytes ? 0 : member_bytes - header.header_bytes;
  if (static_cast<std::uint64_t>(count) > present / element_bytes || count * element_bytes != present)
    throw UserError(fmt::format("{}: shape {} of {} does not fit its {} bytes; the file is damaged", place,
                                to_string(header.dims), name_of(header.dtype), present));
  return count * static_cast<std::int64_t>(element_bytes);
}

}  // namespace

NpzArray::NpzArray(const std::filesystem::path& path, std::string name, std::int64_t window_bytes)
    : state_(std::make_unique<State>()) {
  State& state = *state_;
  state.name = std::move(name);
  state.place = fmt::format("'{}': array '{}'", path.string(), state.name);
  state.archive = open_archive(path);
  state.member_index = zip_name_locate(state.archive.get(), (state.name + ".npy").c_str(), 0);
  if (state.member_index < 0) state.fail("there is no such array");
  zip_stat_t stat;
  zip_stat_init(&stat);
  if (zip_stat_index(state.archive.get(), static_cast<zip_uint64_t>(state.member_index), 0, &stat) != 0 ||
      !is_plausible(stat, std::filesystem::file_size(path)))
    state.fail("the file is damaged: the sizes that it states are impossible");
  state.open_member();
  state.header = read_header(state.member.get(), state.place);
  const std::int64_t bytes = checked_element_bytes(state.header, stat.size, state.place);
  if (state.header.dims.empty()) state.fail("it is a single number; the first axis must count the samples");
  if (state.header.dims[0] == 0) state.fail("it has no samples");
  if (bytes == 0) state.fail(fmt::format("its samples are empty: shape {}", to_string(state.header.dims)));
  state.sample_bytes = bytes / state.header.dims[0];
  state.window_samples =
      static_cast<std::size_t>(std::max<std::int64_t>(1, window_bytes / state.sample_bytes));
  state.rewind();
}

NpzArray::~NpzArray() = default;
NpzArray::NpzArray(NpzArray&&) noexcept = default;
NpzArray& NpzArray::operator=(NpzArray&&) noexcept = default;

const std::string& NpzArray::name() const { return state_->name; }
const NpyHeader& NpzArray::header() const { return state_->header; }
std::int64_t NpzArray::sample_count() const { return state_->header.dims[0]; }

Tensor NpzArray::read(std::int64_t index) const {
  State& state = *state_;
  const std::scoped_lock guard(state.lock);
  if (index < state.next - static_cast<std::int64_t>(state.window.size())) state.rewind();
  while (state.next <= index) state.advance();
  return state.window[state.window.size() - static_cast<std::size_t>(state.next - index)];
}

Tensor NpzArray::read_all() const {
  Tensor all(state_->header.dtype, state_->header.dims);
  const std::span<std::byte> bytes = all.mutable_bytes();
  for (std::int64_t i = 0; i < sample_count(); ++i) {
    const Tensor sample = read(i);
    std::copy(sample.bytes().begin(), sample.bytes().end(), bytes.begin() + i * state_->sample_bytes);
  }
  return all;
}

}  // namespace edgeopt
