// The options of `prune --sparsity`.
#pragma once
#include <string>
#include <vector>

#include "recipes/sparsify.h"
#include "tools/command.h"

namespace edgeopt {

struct SparsityFlags {
  std::string pattern;  // empty: weights stay dense
  std::string criterion;
  std::vector<std::string> included;
  bool has_sparse_storage = false;
  bool is_uniform = false;
};

void declare_sparsity_options(CLI::App& app, SparsityFlags& flags);

/// throws  UserError if the pattern cannot be read, or the criterion needs samples and there are none
SparsityOptions sparsity_options(const SparsityFlags& flags, bool has_samples, const RunContext& context);

}  // namespace edgeopt
