// Types and shapes of values, found by the operators' own shape rules.
#pragma once
#include <utility>
#include <vector>

#include "ir/graph.h"

namespace edgeopt {

/// No dim is larger: more elements than the address space of a 64-bit machine has bytes. Sums of a few dims,
/// and a dim times a small stride, stay far from overflow.
constexpr std::int64_t largest_dim = std::int64_t{1} << 48;
/// throws  UserError if a dim exceeds largest_dim
void require_sensible(const Shape& shape);

/// The graph with every type that can be inferred filled in (subgraphs too). What the file declares is kept;
/// where a rule knows more (a number for a symbol), the value carries the sharper type. Unknown operators
/// leave their outputs open. throws  UserError naming the node whose inputs contradict its operator
Graph with_inferred_types(const Graph& graph);

/// Small integer tensors (shapes on their way to Reshape) whose elements follow from the shapes of other
/// values: the elements as dims, symbols included. In the order of the nodes; constants are not listed.
std::vector<std::pair<ValueId, Shape>> known_elements(const Graph& graph);

/// What two statements about one value say together: a dim that is a number beats a symbol beats nothing, and
/// `declared` beats `inferred` where both say something else.
ValueType sharper(const ValueType& declared, const ValueType& inferred);

/// The types of one node's outputs, from the types of its inputs as the graph has them; undefined where
/// unknown.
std::vector<ValueType> infer_output_types(const Graph& graph, const Node& node);

}  // namespace edgeopt
