#include "passes/framework/scaled.h"

#include <cmath>

#include "passes/framework/match.h"

namespace edgeopt {
namespace {

constexpr double written_digits = 1e-4;

// The number of the constant operand if it does not enlarge the other.
std::optional<double> number_of(const Graph& graph, const ConstantOperand& operand) {
  const auto rank = rank_of(graph, operand.other);
  return rank ? constant_scalar(graph, operand.constant, *rank) : std::nullopt;
}

}  // namespace

std::optional<Scaled> scaled_value(const Graph& graph, ValueId id) {
  const Node* node = graph.producer(id);
  if (!node || !(node->is("Mul") || node->is("Div"))) return std::nullopt;
  const auto operand = constant_operand(graph, *node);
  if (!operand || (node->is("Div") && !operand->is_second)) return std::nullopt;
  const auto number = number_of(graph, *operand);
  if (!number || *number == 0) return std::nullopt;
  return Scaled{.value = operand->other, .factor = node->is("Mul") ? *number : 1 / *number};
}

std::optional<std::pair<ValueId, double>> shifted_value(const Graph& graph, ValueId id) {
  const Node* node = graph.producer(id);
  if (!node || !(node->is("Add") || node->is("Sub"))) return std::nullopt;
  const auto operand = constant_operand(graph, *node);
  if (!operand || (node->is("Sub") && !operand->is_second)) return std::nullopt;
  const auto number = number_of(graph, *operand);
  if (!number) return std::nullopt;
  return std::pair(operand->other, node->is("Add") ? *number : -*number);
}

bool is_about(double number, double wanted) {
  return std::abs(number - wanted) <= written_digits * std::abs(wanted);
}

}  // namespace edgeopt
