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

}  // namespace edgeopt
