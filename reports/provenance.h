// Where a result comes from: program, libraries, machine, inputs. Enough to do it again and to doubt it well.
#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace edgeopt {

struct Machine {
  std::string cpu_model;
  std::vector<std::string> isa_flags;  // of those that decide which kernels run
  int core_count = 0;
  std::uint64_t memory_bytes = 0;
  std::string operating_system;
  std::string kernel;
};

struct NamedFile {
  std::string role;  // "model", "samples", "profile", "result", ...
  std::string path;
  std::string sha256;
  std::uint64_t size_bytes = 0;  // 0 for what is no single file
};

struct Provenance {
  std::string edgeopt_version;
  std::string compiler;
  std::vector<std::pair<std::string, std::string>> libraries;  // name, version
  std::vector<std::string> arguments;                          // of the command line
  std::uint64_t seed = 0;
  int thread_count = 0;
  std::string created_at;  // UTC, ISO 8601; only reports carry it, never a model
  Machine machine;
  std::vector<NamedFile> files;
};

/// This program on this machine; `files` stay to be filled.
Provenance current_provenance(const std::vector<std::string>& arguments, std::uint64_t seed);

/// A file with its hash and size. throws UserError if it cannot be read
NamedFile named_file(const std::string& role, const std::string& path);

Machine this_machine();

}  // namespace edgeopt
