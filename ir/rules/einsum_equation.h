// Einsum equations: "bij,bjk->bik". Each letter is an axis; letters missing on the right are summed over.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "ir/shape.h"

namespace edgeopt {

/// Operands and result as lists of axis letters. The axes of an ellipsis have letters of their own ('0', '1',
/// ..., the last axis of every ellipsis being the same one), so that nothing else needs to know of it.
struct EinsumEquation {
  std::vector<std::string> inputs;
  std::string output;
};

/// `ranks` are those of the operands. Without "->" the result has the letters that occur once, sorted.
/// throws  UserError if the equation does not fit the operands
EinsumEquation parse_einsum(std::string_view equation, const std::vector<std::size_t>& ranks);

}  // namespace edgeopt
