// The words in which operators write their gradient rules: dy is the gradient of an output, dx of an input.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "ir/op.h"

namespace edgeopt {

/// The domain of the operators that exist in training graphs alone.
inline constexpr const char* training_domain = "edgeopt";

/// A node of ONNX's own, or of the training domain; returns its only output.
ValueId emit(const GradientCall& call, std::string op_type, std::vector<ValueId> inputs,
             Attributes attributes = {});
ValueId emit_training(const GradientCall& call, std::string op_type, std::vector<ValueId> inputs,
                      Attributes attributes = {});
/// A node of the training domain with one output per entry of `is_wanted`; ValueId::none where it is false.
std::vector<ValueId> emit_training(const GradientCall& call, NodeSpec spec,
                                   const std::vector<bool>& is_wanted);

/// A scalar of the element type of `like`.
ValueId number(const GradientCall& call, double value, ValueId like);
/// A scalar of the element type of the node's first input.
ValueId number(const GradientCall& call, double value);
/// A one-dimensional int64 constant.
ValueId int_list(const GradientCall& call, const std::vector<std::int64_t>& elements);

/// The dims of a value as what Reshape and Expand read: a constant if all are numbers.
ValueId dims_of(const GradientCall& call, ValueId value);
/// A tensor of the type of `like` with the same number everywhere.
ValueId filled_like(Edit& edit, const Graph& graph, ValueId like, double value);

/// The element type of a value of the graph.
DataType dtype_of(const GradientCall& call, ValueId value);
/// throws UserError if the rank is unknown, which the rule needs
std::size_t rank_of(const GradientCall& call, ValueId value);
/// throws UserError naming the node and what of it has no gradient
[[noreturn]] void reject_gradient(const GradientCall& call, const std::string& what);
/// throws UserError if the node's subgraphs hold random numbers, which would differ when they are run once
/// more
void require_repeatable_subgraphs(const GradientCall& call);
/// throws UserError if a gradient arrives at an output other than the first
void require_first_output(const GradientCall& call);

/// `gradient`, which has the shape of the node's first output, summed over the axes along which the input was
/// broadcast.
ValueId sum_to_input(const GradientCall& call, ValueId gradient, std::size_t input);
/// `gradient`, of dims [N,C,...], summed to [C]: what a bias per channel gets.
ValueId sum_channels(const GradientCall& call, ValueId gradient, std::size_t rank);
/// `gradient` under the dims of the node's first input.
ValueId reshape_to_input(const GradientCall& call, ValueId gradient);

/// f(input) for every input that is wanted.
std::vector<ValueId> for_wanted(const GradientCall& call, const std::function<ValueId(std::size_t)>& f);
/// A rule of an operator whose first input alone has a gradient, a function of the first output's.
GradientRule first_input_gradient(std::function<ValueId(const GradientCall& call, ValueId dy)> f);

/// The type of dx = <operator>Gradient(dy, x, ...): the elements of dy, the dims of x.
std::vector<Operand> infer_gradient_of_x(const InferCall& call);
/// dx = <operator>Gradient(dy, x), an operator of the training domain with the node's attributes.
GradientRule own_gradient_operator();
/// dx = <operator>Gradient(dy, x, the other inputs): for operators that move elements (ir/ops/
/// move_gradient_table.cpp).
GradientRule move_gradient();
/// For operators that are constant almost everywhere.
GradientRule zero_gradient();

/// The operator with this rule.
OpDefinition differentiable(OpDefinition op, GradientRule rule);

}  // namespace edgeopt
