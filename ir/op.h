// One operator, one file: what ir/ops/<name>.cpp says about it. Everything else in edgeopt asks here.
#pragma once
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ir/edit.h"
#include "ir/graph.h"

namespace edgeopt {

/// What is known of an operand before the model runs.
struct Operand {
  ValueType type;
  std::optional<Tensor> constant;
  /// The elements of a small integer tensor (a shape on its way to Reshape) as dims, symbols included. A
  /// scalar has one.
  std::optional<Shape> elements;

  bool is_present = true;  // false for an optional input that is left out
  /// True if the rank is known.
  bool has_shape() const { return type.shape.has_value(); }
  const Shape& shape() const { return *type.shape; }
  /// `elements` as numbers, from the constant if there is one; nothing unless all are numbers.
  std::optional<std::vector<std::int64_t>> int_elements() const;
};

/// One node whose outputs' types are wanted. `inputs` has an entry for every input, left-out ones included.
struct InferCall {
  const Node& node;
  int opset = 0;
  std::span<const Operand> inputs;

  const Attributes& attributes() const { return node.attributes; }
  bool has_input(std::size_t index) const { return index < inputs.size() && inputs[index].is_present; }
};

/// One node to be computed. An input that is left out is an empty Tensor of DataType::undefined.
struct EvaluateCall {
  const Node& node;
  int opset = 0;
  std::span<const Tensor> inputs;
  /// Runs a subgraph of the node; captured values are looked up outside. Empty where there is no enclosing
  /// graph.
  std::function<Tensors(const Graph& subgraph, const Tensors& inputs)> run_subgraph;

  const Attributes& attributes() const { return node.attributes; }
  bool has_input(std::size_t index) const {
    return index < inputs.size() && inputs[index].dtype() != DataType::undefined;
  }
  std::size_t output_count() const { return node.outputs.size(); }
};

/// Types of all outputs (fewer than the node has: the rest is unknown). throws UserError if the inputs
/// contradict the spec
using InferRule = std::function<std::vector<Operand>(const InferCall&)>;
/// The meaning of the operator, slow and obvious, in the words of the ONNX spec. Returns one tensor per
/// output.
using EvaluateRule = std::function<Tensors(const EvaluateCall&)>;

/// What one run of a node costs, for the shapes given; symbols count as 1.
struct Cost {
  std::int64_t multiply_adds = 0;     // of Conv, MatMul and the like
  std::int64_t other_operations = 0;  // additions, comparisons, exponentials: one each
};
/// `outputs` are the inferred types.
using CostRule = std::function<Cost(const InferCall& call, std::span<const Operand> outputs)>;

/// Builds the gradients of a node's inputs from those of its outputs, as nodes added to `edit` (vocabulary:
/// ir/gradient/gradient_rules.h). Returns one value per input, then one per capture, each of its shape and
/// element type; ValueId::none, or fewer values, where one has no gradient (which means zero). Called only at
/// opset 13 and later.
struct GradientCall {
  const Node& node;
  const Graph& graph;
  Edit& edit;
  std::span<const ValueId> output_gradients;  // ValueId::none for outputs that do not matter
  const std::vector<bool>& wanted_inputs;     // only these are read from the result
  const std::vector<bool>& wanted_captures;   // and these, of the outer values that subgraphs read
  int opset = 0;

  const Attributes& attributes() const { return node.attributes; }
  bool wants(std::size_t input) const { return input < wanted_inputs.size() && wanted_inputs[input]; }
};
using GradientRule = std::function<std::vector<ValueId>(const GradientCall&)>;

/// Some indexes of one dim of one operand, for rules about dims that must shrink together when channels are
/// removed. Index i of the tie stands for the indexes  offset + c * period + i * step + r  with c < copies
/// and r < repeat: one index each as it comes, a block each (`step` = `repeat` = block) behind a Flatten, the
/// same index of every group (`copies`, `period`).
struct OperandDim {
  bool is_output = false;
  int operand = 0;
  int axis = 0;
  std::int64_t offset = 0;
  std::int64_t step = 1;
  std::int64_t repeat = 1;
  std::int64_t copies = 1;
  std::int64_t period = 0;
  bool operator==(const OperandDim&) const = default;
};
/// Dims tied together: index i of one goes with index i of all. A tie of one dim says that its indexes may go
/// by themselves.
struct TiedDims {
  std::vector<OperandDim> dims;
  std::int64_t count = -1;  // how many indexes the tie has; -1: as many as the first dim
  /// 0: always holds. Where a node can shrink in two ways that exclude each other: 1, by whole blocks (groups
  /// of a Conv, attention heads), or 2, by the same index inside every block.
  int choice = 0;
  bool operator==(const TiedDims&) const = default;
};
/// Every index of every dim of an operand that no tie names must stay.
using TiedDimsRule = std::function<std::vector<TiedDims>(const InferCall&)>;

/// How an operator takes part in integer arithmetic; what a device really runs is the profile's say.
enum class QuantizationRole {
  stays_float,  // needs floats: no integer form, or one that costs too much accuracy
  computes,     // has an integer form with scales of its own on inputs and output (Conv, MatMul, Add, ...)
  keeps_scale,  // moves or selects elements: output elements are input elements, so both share one scale
                // (MaxPool, ...)
};

struct QuantizationTraits {
  QuantizationRole role = QuantizationRole::stays_float;
  std::vector<int> quantized_inputs = {};  // the inputs that carry quantized elements; empty: input 0 alone
  int weight_input = -1;                   // which of them holds trained weights when it is constant
  int bias_input = -1;                     // added in int32 at scale(input) * scale(weight)
  /// The axis of the weight that counts output channels; -1 where there is none.
  std::function<int(const Node& node, std::size_t weight_rank)> weight_channel_axis = {};
};

/// What the elements of an output are.
enum class Movement {
  none,      // computed, looked up by the elements of another input (Gather), or some of them added (Pad)
  moves,     // elements of input 0 (Concat: of all inputs); attributes and dims say which one goes where
  in_order,  // all elements of input 0 in their order, under other dims at most; there is one output
};

struct OpDefinition {
  std::string name;
  std::string domain = {};
  /// Every opset version in which ONNX changed the operator, ascending; a rule may ask `opset` of its call.
  std::vector<int> versions = {1};
  /// So many leading inputs must be present; checked before `infer` and `evaluate` see a node.
  int required_inputs = 1;
  InferRule infer = {};
  EvaluateRule evaluate = {};
  CostRule count_cost = {};
  GradientRule gradient = {};
  TiedDimsRule tied_dims = {};
  QuantizationTraits quantization = {};
  // Algebraic facts.
  bool is_elementwise = false;   // output element i depends on input elements i alone (after broadcasting)
  bool is_commutative = false;   // the order of the inputs does not matter
  bool is_idempotent = false;    // f(f(x)) == f(x)
  bool is_homogeneous = false;   // f(s x) == s f(x) for s > 0, with all float inputs in x
  bool is_deterministic = true;  // false for random operators: never folded, never merged
  Movement movement = Movement::none;
};

/// All operators that edgeopt knows; generated from the files in ir/ops.
const std::vector<OpDefinition>& all_ops();
/// Null for an operator that edgeopt does not know.
const OpDefinition* find_op(std::string_view domain, std::string_view name);
inline const OpDefinition* find_op(const Node& node) { return find_op(node.domain, node.op_type); }
/// Movement::none for an operator that edgeopt does not know.
Movement movement_of(const Node& node);
inline bool moves_elements(const Node& node) { return movement_of(node) != Movement::none; }
inline bool keeps_element_order(const Node& node) { return movement_of(node) == Movement::in_order; }
/// throws UserError if one of the op's required inputs is left out
void require_inputs(const OpDefinition& op, const Node& node);

/// What is known about each input of a node in its graph (types, constants).
std::vector<Operand> operands_of(const Graph& graph, const Node& node);
/// An operand of a type alone.
Operand operand(DataType dtype, std::optional<Shape> shape);

}  // namespace edgeopt
