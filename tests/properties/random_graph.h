// Random legal graphs for property tests: small float tensors, operators that the passes know, the patterns
// that they look for, and everything in between.
#pragma once
#include <cstdint>

#include "ir/graph.h"

namespace edgeopt {

/// A graph of some `node_count` nodes with inferred types; the same for the same seed. Its opset is one of
/// those in which the operators changed.
Graph random_graph(std::uint64_t seed, int node_count = 12);

}  // namespace edgeopt
