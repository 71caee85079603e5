// Where a result comes from: program, libraries, machine, inputs.
#include "reports/provenance.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "support/hash.h"
#include "support/parallel.h"

namespace edgeopt {
namespace {

// What oneDNN, Eigen and ONNX Runtime choose their kernels by.
constexpr std::string_view deciding_flags[] = {
    "sse4_1",   "avx",      "avx2",        "fma",         "f16c",  "avx512f", "avx512bw", "avx512_vnni",
    "avx_vnni", "amx_int8", "avx512_bf16", "avx512_fp16", "asimd", "asimddp", "i8mm",     "sve"};

/// "<key>   <separator> value" -> value, of the first line that begins with the key.
std::string value_in(const std::string& file, const std::string& key, char separator) {
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) {
    const std::size_t at = line.find(separator);
    if (!line.starts_with(key) || at == std::string::npos) continue;
    const std::size_t begin = line.find_first_not_of(" \t\"", at + 1);
    const std::size_t end = line.find_last_not_of(" \t\"");
    return begin == std::string::npos ? "" : line.substr(begin, end - begin + 1);
  }
  return "";
}

std::vector<std::string> cpu_flags() {
  std::string text = value_in("/proc/cpuinfo", "flags", ':');
  if (text.empty()) text = value_in("/proc/cpuinfo", "Features", ':');
  std::istringstream words(text);
  std::vector<std::string> flags;
  for (std::string word; words >> word;)
    if (std::find(std::begin(deciding_flags), std::end(deciding_flags), word) != std::end(deciding_flags))
      flags.push_back(word);
  return flags;
}

/// "protobuf 3.21.12|oneDNN 2.6.3" -> pairs; CMake found these versions when it configured the build.
std::vector<std::pair<std::string, std::string>> library_versions() {
  std::istringstream list(EDGEOPT_LIBRARY_VERSIONS);
  std::vector<std::pair<std::string, std::string>> versions;
  for (std::string entry; std::getline(list, entry, '|');) {
    const std::size_t space = entry.find(' ');
    versions.emplace_back(entry.substr(0, space), entry.substr(space + 1));
  }
  return versions;
}

}  // namespace

Machine this_machine() {
  utsname names{};
  uname(&names);
  Machine machine;
  machine.cpu_model = value_in("/proc/cpuinfo", "model name", ':');
  if (machine.cpu_model.empty()) machine.cpu_model = names.machine;
  machine.isa_flags = cpu_flags();
  machine.core_count = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  machine.memory_bytes =
      static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  machine.operating_system = value_in("/etc/os-release", "PRETTY_NAME", '=');
  machine.kernel = fmt::format("{} {} {}", names.sysname, names.release, names.machine);
  return machine;
}

Provenance current_provenance(const std::vector<std::string>& arguments, std::uint64_t seed) {
  return {
      .edgeopt_version = EDGEOPT_VERSION,
      .compiler = fmt::format("g++ {}", __VERSION__),
      .libraries = library_versions(),
      .arguments = arguments,
      .seed = seed,
      .thread_count = thread_count(),
      .created_at = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr))),
      .machine = this_machine(),
  };
}

NamedFile named_file(const std::string& role, const std::string& path) {
  std::error_code ignored;
  const std::uintmax_t size = std::filesystem::file_size(path, ignored);
  return {.role = role,
          .path = path,
          .sha256 = sha256_of_path(path),
          .size_bytes = ignored ? 0 : static_cast<std::uint64_t>(size)};
}

}  // namespace edgeopt
