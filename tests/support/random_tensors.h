// Seeded inputs and the comparison of results, for tests that run a graph before and after a rewrite.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "ir/graph.h"

namespace edgeopt {

/// One tensor per input that must be given: normal numbers, small integers, both booleans. Symbolic and
/// unknown dims are 2.
Tensors random_inputs(const Graph& graph, std::uint64_t seed);

/// Why two results are further apart than `tolerance` times the largest magnitude of `wanted`, in one
/// sentence; nothing if they are not. Tolerance 0 asks for the same bytes. NaN is close to NaN alone.
std::optional<std::string> difference_beyond(const Tensors& wanted, const Tensors& got, double tolerance);

}  // namespace edgeopt
