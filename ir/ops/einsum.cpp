// y[output letters] = sum over all other letters of the product of the operands' elements.
#include "ir/rules/einsum_equation.h"

#include <algorithm>
#include <map>
#include <string>

#include "ir/gradient/gradient_rules.h"
#include "ir/rules/op_rules.h"
#include "ir/saturated_counts.h"
#include "support/error.h"

namespace edgeopt {
namespace {

using Sizes = std::map<char, Dim>;

// Letters of the result first, then those that are summed over.
std::string loop_letters(const EinsumEquation& equation) {
  std::string letters = equation.output;
  for (const std::string& term : equation.inputs)
    for (const char letter : term)
      if (letters.find(letter) == std::string::npos) letters += letter;
  return letters;
}

// The size of each letter; a dim of 1 gives way to any other (ellipsis axes broadcast).
Sizes sizes_of(const EinsumEquation& equation, const std::vector<Shape>& shapes) {
  Sizes sizes;
  for (std::size_t i = 0; i < shapes.size(); ++i)
    for (std::size_t axis = 0; axis < shapes[i].size(); ++axis) {
      const auto [place, is_new] = sizes.try_emplace(equation.inputs[i][axis], shapes[i][axis]);
      if (!is_new) place->second = broadcast_shapes({place->second}, {shapes[i][axis]})[0];
    }
  return sizes;
}

Dim size_of(const Sizes& sizes, char letter) {
  const auto found = sizes.find(letter);
  if (found == sizes.end())
    throw UserError(std::string("the Einsum result has the letter '") + letter + "' that no operand has");
  return found->second;
}

// How far one operand moves when the loop letter at each place steps by one.
Dims strides_along(const std::string& letters, const std::string& term, const Dims& dims) {
  const Dims own = strides_of(dims);
  Dims strides(letters.size(), 0);
  for (std::size_t axis = 0; axis < dims.size(); ++axis)
    if (dims[axis] != 1) strides[letters.find(term[axis])] += own[axis];
  return strides;
}

std::int64_t offset_of(std::int64_t position, const Dims& loop, const Dims& strides) {
  std::int64_t offset = 0;
  for (std::size_t axis = loop.size(); axis-- > 0; position /= loop[axis])
    offset += position % loop[axis] * strides[axis];
  return offset;
}

struct Loop {
  Dims output;  // sizes of the result's letters
  Dims all;     // and after them of the letters that are summed over
  std::vector<Dims> strides;
};

Loop make_loop(const EvaluateCall& call) {
  std::vector<std::size_t> ranks;
  std::vector<Shape> shapes;
  for (const Tensor& input : call.inputs) {
    ranks.push_back(input.rank());
    shapes.push_back(to_shape(input.dims()));
  }
  const EinsumEquation equation = parse_einsum(call.attributes().get_string("equation", ""), ranks);
  const Sizes sizes = sizes_of(equation, shapes);
  const std::string letters = loop_letters(equation);
  Loop loop;
  for (const char letter : letters) loop.all.push_back(size_of(sizes, letter).size);
  loop.output =
      Dims(loop.all.begin(), loop.all.begin() + static_cast<std::ptrdiff_t>(equation.output.size()));
  for (std::size_t i = 0; i < call.inputs.size(); ++i)
    loop.strides.push_back(strides_along(letters, equation.inputs[i], call.inputs[i].dims()));
  return loop;
}

template <typename T>
std::vector<T> contract(const std::vector<std::vector<T>>& operands, const Loop& loop) {
  const std::int64_t total = element_count(loop.all);
  std::vector<T> result(static_cast<std::size_t>(element_count(loop.output)), T{0});
  const std::int64_t summed = result.empty() ? 1 : total / static_cast<std::int64_t>(result.size());
  for (std::int64_t position = 0; position < total; ++position) {
    T product{1};
    for (std::size_t i = 0; i < operands.size(); ++i)
      product *= operands[i][static_cast<std::size_t>(offset_of(position, loop.all, loop.strides[i]))];
    result[static_cast<std::size_t>(position / summed)] += product;
  }
  return result;
}

// Integers as unsigned numbers, which wrap around.
std::vector<std::uint64_t> to_unsigned(const Tensor& tensor) {
  const std::vector<std::int64_t> elements = to_int64s(tensor);
  return {elements.begin(), elements.end()};
}

Tensors evaluate(const EvaluateCall& call) {
  const Loop loop = make_loop(call);
  const DataType dtype = call.inputs[0].dtype();
  if (is_floating_point(dtype)) {
    std::vector<std::vector<double>> operands;
    for (const Tensor& input : call.inputs) operands.push_back(to_doubles(input));
    return {from_doubles(dtype, loop.output, contract(operands, loop))};
  }
  std::vector<std::vector<std::uint64_t>> operands;
  for (const Tensor& input : call.inputs) operands.push_back(to_unsigned(input));
  const std::vector<std::uint64_t> result = contract(operands, loop);
  return {from_int64s(dtype, loop.output, {result.begin(), result.end()})};
}

std::vector<Operand> infer(const InferCall& call) {
  const DataType dtype = call.inputs[0].type.dtype;
  std::vector<std::size_t> ranks;
  std::vector<Shape> shapes;
  for (const Operand& input : call.inputs) {
    if (!input.has_shape()) return {operand(dtype, std::nullopt)};
    ranks.push_back(input.shape().size());
    shapes.push_back(input.shape());
  }
  const EinsumEquation equation = parse_einsum(call.attributes().get_string("equation", ""), ranks);
  const Sizes sizes = sizes_of(equation, shapes);
  Shape result;
  for (const char letter : equation.output) result.push_back(size_of(sizes, letter));
  return {operand(dtype, result)};
}

Cost count_cost(const InferCall& call, std::span<const Operand>) {
  std::vector<std::size_t> ranks;
  std::vector<Shape> shapes;
  for (const Operand& input : call.inputs) {
    if (!input.has_shape()) return {};
    ranks.push_back(input.shape().size());
    shapes.push_back(input.shape());
  }
  const EinsumEquation equation = parse_einsum(call.attributes().get_string("equation", ""), ranks);
  Cost cost{.multiply_adds = 1};
  for (const auto& [letter, dim] : sizes_of(equation, shapes))
    if (dim.is_number()) cost.multiply_adds = saturated_product(cost.multiply_adds, dim.size);
  return cost;
}

// The gradient of one operand: dy times the other operands, summed over what this one does not have. Ones of
// the operand's dims bring in the letters that nobody else has.
ValueId operand_gradient(const GradientCall& call, const EinsumEquation& equation, std::size_t operand) {
  const std::string& term = equation.inputs[operand];
  std::string terms = equation.output;
  std::vector<ValueId> factors{call.output_gradients[0]};
  for (std::size_t i = 0; i < equation.inputs.size(); ++i) {
    if (i == operand) continue;
    terms += "," + equation.inputs[i];
    factors.push_back(call.node.inputs[i]);
  }
  const auto is_missing = [&](char letter) { return terms.find(letter) == std::string::npos; };
  if (std::ranges::any_of(term, is_missing)) {
    terms += "," + term;
    factors.push_back(filled_like(call.edit, call.graph, call.node.inputs[operand], 1));
  }
  const ValueId product = emit(call, "Einsum", factors, {{"equation", terms + "->" + term}});
  return emit_training(call, "SumTo", {product, call.node.inputs[operand]});
}

// Every axis with a letter of its own, also those of an ellipsis, so that the terms can be rearranged.
EinsumEquation spelled_out(const GradientCall& call) {
  std::vector<std::size_t> ranks;
  for (const ValueId input : call.node.inputs) ranks.push_back(rank_of(call, input));
  EinsumEquation equation = parse_einsum(call.attributes().get_string("equation", ""), ranks);
  std::string all = equation.output;
  for (const std::string& term : equation.inputs) all += term;
  char next = 'A';
  for (char digit = '0'; digit <= '9'; ++digit) {
    if (all.find(digit) == std::string::npos) continue;
    while (all.find(next) != std::string::npos) ++next;
    std::ranges::replace(equation.output, digit, next);
    for (std::string& term : equation.inputs) std::ranges::replace(term, digit, next);
    ++next;
  }
  return equation;
}

std::vector<ValueId> gradient(const GradientCall& call) {
  const EinsumEquation equation = spelled_out(call);
  return for_wanted(call, [&](std::size_t operand) {
    std::string letters = equation.inputs[operand];
    std::ranges::sort(letters);
    if (std::ranges::adjacent_find(letters) != letters.end())
      reject_gradient(call, "an operand whose diagonal is taken");
    return operand_gradient(call, equation, operand);
  });
}

}  // namespace

OpDefinition einsum_op() {
  return {
      .name = "Einsum",
      .versions = {12},
      .infer = infer,
      .evaluate = evaluate,
      .count_cost = count_cost,
      .gradient = gradient,
  };
}

}  // namespace edgeopt
