// What the operators of training graphs share. A file may hold them, too, though no model is written with
// them: they trust no operand.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "ir/gradient/gradient_rules.h"

namespace edgeopt {

/// What these operators do is the same from opset 13 on, so that any such opset does for the operator whose
/// gradient they are.
inline constexpr int training_opset = 21;

/// throws  UserError if dy, the gradient of a result of these dims, (surely) has others
void require_dims_of_result(const Tensor& dy, const Dims& result);
void require_dims_of_result(const Operand& dy, const std::optional<Shape>& result);

/// The node of the operator itself, whose inputs follow dy. throws UserError if a required one is left out
Node forward_node(const Node& gradient, const std::string& op_type);
/// infer_gradient_of_x for the gradient of this operator, whose inputs follow dy: dy must have the dims of
/// its result.
InferRule infer_gradient_of(const std::string& op_type);
/// infer_gradient_of_x where dy must have the dims of x.
std::vector<Operand> infer_gradient_like_x(const InferCall& call);

}  // namespace edgeopt
