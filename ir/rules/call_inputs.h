// What operators ask about their inputs before they compute: is it there, which numbers does it hold.
#pragma once
#include <optional>
#include <string_view>
#include <vector>

#include "ir/op.h"

namespace edgeopt {

/// The input. throws UserError if it is left out
const Operand& required_input(const InferCall& call, std::size_t index);
const Tensor& required_input(const EvaluateCall& call, std::size_t index);

/// The numbers of an integer parameter that is an attribute in old opsets and an input in new ones; nothing
/// if it is left out or (while inferring) not known yet.
std::optional<std::vector<std::int64_t>> parameter_ints(const InferCall& call, std::size_t input,
                                                        std::string_view attribute);
std::optional<std::vector<std::int64_t>> parameter_ints(const EvaluateCall& call, std::size_t input,
                                                        std::string_view attribute);
/// True if the parameter is there, known or not.
bool has_parameter(const InferCall& call, std::size_t input, std::string_view attribute);

/// The integer in a tensor of one element. throws UserError if there are more or none
std::int64_t single_int(const Tensor& tensor);

/// Of the input's element type, nothing known about its shape.
Operand of_unknown_shape(const Operand& like);
Operand of_unknown_dims(DataType dtype, std::size_t rank);
/// `shape`, with the elements of `source` carried along where they are still at most one-dimensional.
Operand moved(const Operand& source, Shape shape);

/// The elements of an integer operand as dims, unknown where a constant is negative; nothing if unknown.
std::optional<Shape> known_elements(const Operand& operand);

/// Every axis normalized against `rank`.
std::vector<std::int64_t> axes_from_front(std::vector<std::int64_t> axes, std::size_t rank);

}  // namespace edgeopt
