// Small questions that many patterns ask.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ir/graph.h"

namespace edgeopt {

/// The number that every element of a constant is (within its own element type); nothing if the value is not
/// constant, is empty, or has different elements.
std::optional<double> constant_number(const Graph& graph, ValueId id);

/// The same, for constants whose broadcasting cannot enlarge the other operand: scalars and shapes of ones no
/// longer than `rank`.
std::optional<double> constant_scalar(const Graph& graph, ValueId id, std::size_t rank);

/// A node of two inputs, one of which is constant.
struct ConstantOperand {
  ValueId other;  // the input that is computed
  ValueId constant;
  bool is_second;  // the constant is inputs[1]
};
/// Nothing unless exactly one of the node's two inputs is constant.
std::optional<ConstantOperand> constant_operand(const Graph& graph, const Node& node);

/// How many of the node's outputs are read by somebody or are outputs of the graph.
int used_output_count(const Graph& graph, const Node& node);

/// Why `same` cannot stand in for `output`, which may be an output of the graph; nothing if it can. (An
/// output needs a node that computes it under its own name.)
std::optional<std::string> obstacle_to_replacing(const Graph& graph, ValueId output, ValueId same);

/// True if both have a known shape, and the shapes are surely the same.
bool has_same_shape(const Graph& graph, ValueId a, ValueId b);

/// The rank if it is known.
std::optional<std::size_t> rank_of(const Graph& graph, ValueId id);

/// Integers that older opsets keep in an attribute and newer ones in an input (axes, pads, starts); nothing
/// if the input is computed. `input_index` -1 or left out: the attribute alone. An absent input gives an
/// empty list.
std::optional<std::vector<std::int64_t>> constant_ints(const Graph& graph, const Node& node,
                                                       std::string_view attribute, int input_index);

/// The element type of a value is one of float32 and float64: what the fusions do arithmetic in.
bool is_float_or_double(const Graph& graph, ValueId id);

}  // namespace edgeopt
