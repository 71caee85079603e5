// Files that appear complete or not at all.
#include "support/file.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "support/error.h"
#include "tests/support/temporary_folder.h"

namespace edgeopt {
namespace {

namespace fs = std::filesystem;

std::string content_of(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::ptrdiff_t file_count(const fs::path& folder) {
  return std::distance(fs::directory_iterator(folder), fs::directory_iterator());
}

}  // namespace

TEST_CASE("a file has no name before it is complete") {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "out";
  FileWriter writer(path);
  writer.write("half");
  CHECK_FALSE(fs::exists(path));
  writer.commit();
  CHECK(content_of(path) == "half");
  CHECK(file_count(folder.path()) == 1);
}

TEST_CASE("a writer that is given up leaves nothing, and what was there stays") {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "out";
  write_file(path, "old");
  {
    FileWriter writer(path);
    writer.write("new");
  }
  CHECK(content_of(path) == "old");
  CHECK(file_count(folder.path()) == 1);
}

TEST_CASE("a complete file takes the place of the old one") {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "out";
  write_file(path, "a longer old text");
  write_file(path, "new");
  CHECK(content_of(path) == "new");
  CHECK(file_count(folder.path()) == 1);
}

TEST_CASE("a symbolic link keeps pointing to what is written") {
  const TemporaryFolder folder;
  write_file(folder.path() / "target", "old");
  fs::create_symlink("target", folder.path() / "link");
  write_file(folder.path() / "link", "new");
  CHECK(fs::is_symlink(folder.path() / "link"));
  CHECK(content_of(folder.path() / "target") == "new");
}

TEST_CASE("a device is written, not replaced") {
  write_file("/dev/null", "text");
  CHECK(fs::is_character_file("/dev/null"));
  CHECK_THROWS_AS(write_file("/dev/full", "text"), UserError);
}

TEST_CASE("a folder that is missing is found before the work") {
  const TemporaryFolder folder;
  CHECK_THROWS_AS(require_writable(folder.path() / "no" / "out"), UserError);
  CHECK_THROWS_AS(require_writable(folder.path()), UserError);
  CHECK_NOTHROW(require_writable(folder.path() / "out"));
  CHECK(file_count(folder.path()) == 0);
}

}  // namespace edgeopt
