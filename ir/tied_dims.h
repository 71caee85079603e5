// Which dims shrink together when channels are removed: what the operators' rules share.
#pragma once
#include <functional>
#include <vector>

#include "ir/op.h"

namespace edgeopt {

/// The ties of a node by its operator's rule; for an elementwise operator without one, those of broadcasting.
/// Empty if nothing of the node may shrink, or nothing is known.
std::vector<TiedDims> tied_dims_of(const OpDefinition& op, const InferCall& call);

/// A dim of an input or output, all of its indexes.
OperandDim input_dim(std::size_t operand, std::size_t axis);
OperandDim output_dim(std::size_t operand, std::size_t axis);

/// Inputs broadcast together (numpy): equal sizes are tied, a size of 1 stays.
std::vector<TiedDims> broadcast_ties(const InferCall& call);
/// Input 0 and every output have the same axes; those that `passes` names are tied, the others stay.
std::vector<TiedDims> passing_ties(const InferCall& call,
                                   const std::function<bool(std::size_t axis)>& passes);
/// Axes of input 0 and output 0 that have the same size, counted from the last; for operators that leave an
/// axis alone where they do not change its size.
std::vector<TiedDims> equal_size_ties(const Shape& input, const Shape& output);
/// That for the output's shape as `infer` gives it; none if a shape is unknown.
std::vector<TiedDims> equal_size_ties(const InferCall& call, const InferRule& infer);
/// The same elements in the same order under other dims. A dim that is split, or several that are merged, can
/// shrink by whole blocks (choice 1: along the outermost part) or inside every block (choice 2: along the
/// innermost).
std::vector<TiedDims> reshape_ties(const Shape& input, const Shape& output);
std::vector<TiedDims> reshape_ties(const InferCall& call, const InferRule& infer);
/// Input 0 and the output whole; scales and zero points (inputs 1 and 2) have an element for each index of
/// the attribute "axis", or one for all. None in blocks.
std::vector<TiedDims> scale_ties(const InferCall& call);

}  // namespace edgeopt
