// What the commands print: tables of passes, sizes and counts, as text and as JSON.
#pragma once
#include <string>
#include <vector>

#include "recipes/fuse.h"
#include "tools/command.h"

namespace edgeopt {

/// Loads or saves a model; failures say which file.
Graph load(const std::string& path);
void save(const Graph& graph, const std::string& path);

struct ModelFiles {
  std::string original;
  std::string result;
};

Answer describe_fuse(const Graph& original, const FuseOutcome& outcome, const ModelFiles& files);

/// "1.2 MB": powers of 1000, three digits.
std::string human_bytes(std::uint64_t bytes);

}  // namespace edgeopt
