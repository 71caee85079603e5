// What `edgeopt prune --sparsity` prints.
#pragma once
#include <string>

#include "recipes/sparsify.h"

namespace edgeopt {

/// Layers, what was left alone, how close the result is; no headline.
std::string sparsity_text(const SparsityFacts& facts);

}  // namespace edgeopt
