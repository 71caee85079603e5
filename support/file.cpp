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

FileWriter::FileWriter(const fs::path& path) : path_(path) {
  std::error_code ignored;
  const fs::file_status status = fs::status(path, ignored);
  if (fs::is_directory(status)) {
    errno = EISDIR;
    fail("write", path);
  }
  is_device_ = fs::exists(status) && !fs::is_regular_file(status);
  if (is_device_) {
    descriptor_ = open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (descriptor_ < 0) fail("write", path);
    return;
  }
  if (fs::is_symlink(fs::symlink_status(path, ignored))) path_ = fs::weakly_canonical(path);
  open_nameless();
  if (descriptor_ < 0) open_temporary();
}

void FileWriter::open_nameless() {
  // The name is given through /proc; without it, a nameless file could never get one.
  if (access("/proc/self/fd", X_OK) != 0) return;
  const fs::path folder = path_.has_parent_path() ? path_.parent_path() : fs::path(".");
  descriptor_ = open(folder.c_str(), O_WRONLY | O_TMPFILE | O_CLOEXEC, 0666);
}

void FileWriter::open_temporary() {
  temporary_ = fmt::format("{}.{}.tmp", path_.string(), getpid());
  remember_unfinished(temporary_);
  descriptor_ = open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor_ >= 0) return;
  forget_unfinished(temporary_);
  fail("write", path_);
}

FileWriter::~FileWriter() {
  if (descriptor_ >= 0) close(descriptor_);
  if (temporary_.empty()) return;
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

// A complete nameless file gets its name in one step if the name is free, else by way of a temporary name.
void FileWriter::give_name() {
  if (!temporary_.empty()) return;
  const std::string open_file = fmt::format("/proc/self/fd/{}", descriptor_);
  if (linkat(AT_FDCWD, open_file.c_str(), AT_FDCWD, path_.c_str(), AT_SYMLINK_FOLLOW) == 0) return;
  if (errno != EEXIST) fail("write", path_);
  temporary_ = fmt::format("{}.{}.tmp", path_.string(), getpid());
  remember_unfinished(temporary_);
  unlink(temporary_.c_str());
  if (linkat(AT_FDCWD, open_file.c_str(), AT_FDCWD, temporary_.c_str(), AT_SYMLINK_FOLLOW) != 0)
    fail("write", path_);
}

void FileWriter::commit() {
  if (!is_device_) {
    if (fsync(descriptor_) != 0 && errno != EINVAL && errno != EROFS) fail("write", path_);
    give_name();
  }
  if (close(std::exchange(descriptor_, -1)) != 0) fail("write", path_);
  if (temporary_.empty()) return;
  if (rename(temporary_.c_str(), path_.c_str()) != 0) fail("write", path_);
  forget_unfinished(temporary_);
  temporary_.clear();
}

void write_file(const fs::path& path, std::string_view text) {
  FileWriter writer(path);
  writer.write(text);
  writer.commit();
}

void require_writable(const fs::path& path) { FileWriter probe(path); }

void remove_unfinished_files_on_signals() {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) std::signal(signal, on_signal);
  std::signal(SIGXFSZ, SIG_IGN);
}

}  // namespace edgeopt
