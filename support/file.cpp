#include "support/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "support/error.h"

namespace edgeopt {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(std::string_view verb, const fs::path& path) {
  throw UserError(fmt::format("cannot {} '{}': {}", verb, path.string(), std::strerror(errno)));
}

// A signal handler may only touch lock-free atomics and plain memory: the names stand in fixed slots.
constexpr std::size_t slot_count = 16;
constexpr std::size_t longest_name = 4096;
struct Slot {
  std::atomic<bool> used = false;
  std::atomic<bool> ready = false;
  std::array<char, longest_name> name{};
};
std::array<Slot, slot_count> unfinished_files;

void remember_unfinished(const fs::path& path) {
  const std::string name = path.string();
  if (name.size() >= longest_name) return;
  for (Slot& slot : unfinished_files) {
    if (slot.used.exchange(true)) continue;
    std::memcpy(slot.name.data(), name.c_str(), name.size() + 1);
    slot.ready = true;
    return;
  }
}

void forget_unfinished(const fs::path& path) {
  for (Slot& slot : unfinished_files) {
    if (!slot.ready || path.string() != slot.name.data()) continue;
    slot.ready = false;
    slot.used = false;
    return;
  }
}

extern "C" void on_signal(int signal) {
  for (Slot& slot : unfinished_files)
    if (slot.ready) unlink(slot.name.data());
  _exit(128 + signal);
}

}  // namespace

MappedFile::MappedFile(const fs::path& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) fail("read", path);
  struct stat status {};
  if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
    if (S_ISDIR(status.st_mode)) errno = EISDIR;
    const int cause = errno ? errno : EINVAL;
    close(descriptor);
    errno = cause;
    fail("read", path);
  }
  const auto size = static_cast<std::size_t>(status.st_size);
  void* memory = size ? mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0) : nullptr;
  close(descriptor);
  if (memory == MAP_FAILED) fail("map", path);
  bytes_ = {static_cast<const std::byte*>(memory), size};
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

FileWriter::FileWriter(const fs::path& path)
    : path_(path), temporary_(fmt::format("{}.{}.tmp", path.string(), getpid())) {
  if (fs::is_directory(path)) {
    errno = EISDIR;
    fail("write", path);
  }
  remember_unfinished(temporary_);
  descriptor_ = open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor_ >= 0) return;
  forget_unfinished(temporary_);
  fail("write", path);
}

FileWriter::~FileWriter() {
  if (descriptor_ < 0) return;
  close(descriptor_);
  unlink(temporary_.c_str());
  forget_unfinished(temporary_);
}

void FileWriter::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("write", path_);
    size_ += static_cast<std::size_t>(written);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void FileWriter::write(std::string_view text) { write(std::as_bytes(std::span(text))); }

void FileWriter::commit() {
  if (fsync(descriptor_) != 0 && errno != EINVAL && errno != EROFS) fail("write", path_);
  if (close(std::exchange(descriptor_, -1)) != 0) {
    unlink(temporary_.c_str());
    fail("write", path_);
  }
  if (rename(temporary_.c_str(), path_.c_str()) != 0) {
    const int cause = errno;
    unlink(temporary_.c_str());
    errno = cause;
    fail("write", path_);
  }
  forget_unfinished(temporary_);
}

void write_file(const fs::path& path, std::string_view text) {
  FileWriter writer(path);
  writer.write(text);
  writer.commit();
}

void require_writable(const fs::path& path) { FileWriter probe(path); }

void remove_unfinished_files_on_signals() {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) std::signal(signal, on_signal);
}

}  // namespace edgeopt
