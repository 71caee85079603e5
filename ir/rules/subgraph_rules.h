// What operators with subgraphs share. Loop and Scan: a body that runs again and again, and results gathered
// from its runs.
#pragma once
#include "ir/op.h"

namespace edgeopt {

/// True if an attribute holds a graph, or several.
bool has_subgraph(const Node& node);

/// False for a random operator, for one that edgeopt does not know, and for a node with such a one in a
/// subgraph: run a second time it may give something else.
bool is_repeatable(const Node& node);

/// The attribute "body". throws UserError if it is missing
const Graph& body_of(const Attributes& attributes);

/// throws  UserError if the node has more outputs than its subgraphs compute
void require_outputs(const Node& node, std::size_t computed);
/// Of those that a body reads. throws UserError if one from `first` on is left out
void require_operands(std::span<const Operand> inputs, std::size_t first);

/// The subgraph without the outer values that nothing in it reads, and those of the captures that it still
/// has.
Graph without_unused_captures(const Graph& subgraph);
std::vector<Capture> captures_of(const Graph& subgraph, const std::vector<Capture>& captures);

/// How a Scan (opset 9 and later) divides its inputs and the outputs of its body: states first.
struct ScanLayout {
  std::size_t states = 0, scan_inputs = 0, scan_outputs = 0;
  std::vector<std::int64_t> input_axes, output_axes;              // one per scan input and output
  std::vector<std::int64_t> input_directions, output_directions;  // not 0: from the end
};
/// throws  UserError if the attributes do not fit the number of inputs and the body
ScanLayout scan_layout(const Attributes& attributes, std::size_t given_inputs, const Graph& body);

/// Tensors of one shape as one tensor with a new axis. For none of them, an empty tensor of the type that
/// the body declares (unknown dims count as 0). throws UserError if shapes differ
Tensor stacked(const Tensors& slices, const ValueType& type, std::int64_t axis);

/// The type with a new axis of this size.
Operand stacked(const ValueType& type, const Dim& size, std::int64_t axis);

}  // namespace edgeopt
