// Files: mapped for reading; written beside their final name and renamed, so that no partial file is ever
// seen.
#pragma once
#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

namespace edgeopt {

/// A whole file mapped read-only into memory.
class MappedFile {
 public:
  /// throws  UserError if the file is missing, a folder, or unreadable
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::span<const std::byte> bytes_;
};

/// Writes a file in pieces and gives it its name only on commit(): before that it has no name at all
/// (O_TMPFILE), so that nothing is left behind whatever ends the process, SIGKILL included. Where the file
/// system knows no nameless files it is "<path>.<pid>.tmp" meanwhile, removed without a commit and on SIGINT,
/// SIGTERM and SIGHUP. Devices and pipes (/dev/stdout) are written directly; a symbolic link keeps pointing
/// to what is written.
class FileWriter {
 public:
  /// throws  UserError if the folder is missing or not writable
  explicit FileWriter(const std::filesystem::path& path);
  ~FileWriter();
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;

  /// throws  UserError, for example when the disk is full
  void write(std::span<const std::byte> bytes);
  void write(std::string_view text);
  std::size_t size() const { return size_; }
  /// Flushes to the disk and renames onto the final name. throws UserError
  void commit();

 private:
  void open_nameless();
  void open_temporary();
  void give_name();

  std::filesystem::path path_;
  std::filesystem::path temporary_;  // empty while the file has no name, or is a device
  bool is_device_ = false;
  int descriptor_ = -1;
  std::size_t size_ = 0;
};

/// Writes `text` to `path` as one FileWriter.
void write_file(const std::filesystem::path& path, std::string_view text);

/// Fails early, before minutes of work, if `path` could not be written later. throws UserError
void require_writable(const std::filesystem::path& path);

/// From now on SIGINT, SIGTERM and SIGHUP remove unfinished files and end the process with 128 + signal, and
/// a file that outgrows its limit (SIGXFSZ) is an error of write().
void remove_unfinished_files_on_signals();

}  // namespace edgeopt
