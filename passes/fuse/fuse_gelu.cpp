// gelu(x) = x/2 (1 + erf(x / sqrt 2)), or with tanh(sqrt(2/pi) (x + 0.044715 x^3)) in erf's place, in any
// order of the factors.
#include <fmt/format.h>

#include <cmath>
#include <numbers>

#include "passes/framework/match.h"
#include "passes/framework/rewrite.h"
#include "passes/framework/scaled.h"

namespace edgeopt {
namespace {

constexpr int first_opset_with_gelu = 20;
constexpr double cubic_coefficient = 0.044715;  // Hendrycks, Gimpel, "Gaussian Error Linear Units", 2016

// The constant factor and the computed factors of a tree of products below a value.
struct Product {
  double factor = 1;
  std::vector<ValueId> values;
};

constexpr std::size_t most_factors = 3;

void collect_factors(const Graph& graph, ValueId id, bool is_root, Product& product) {
  if (product.values.size() > most_factors) return;
  const Node* node = graph.producer(id, "Mul");
  const bool is_inside = is_root || graph.has_single_use(id);
  if (const auto scaled = is_inside ? scaled_value(graph, id) : std::nullopt) {
    product.factor *= scaled->factor;
    collect_factors(graph, scaled->value, false, product);
  } else if (node && is_inside) {
    for (const ValueId input : node->inputs) collect_factors(graph, input, false, product);
  } else {
    product.values.push_back(id);
  }
}

// x if the value is x^3, as Pow or as products.
ValueId cube_root(const Graph& graph, ValueId id) {
  if (const Node* power = graph.producer(id, "Pow"))
    return constant_number(graph, power->inputs[1]) == 3.0 ? power->inputs[0] : ValueId::none;
  Product product;
  collect_factors(graph, id, true, product);
  const auto& values = product.values;
  const bool is_cube =
      product.factor == 1 && values.size() == 3 && values[0] == values[1] && values[1] == values[2];
  return is_cube ? values[0] : ValueId::none;
}

bool is_cubic_term(const Graph& graph, ValueId id, ValueId x) {
  const auto scaled = scaled_value(graph, id);
  if (scaled && is_about(scaled->factor, cubic_coefficient)) return cube_root(graph, scaled->value) == x;
  // 0.044715 may also stand inside the product x * x * x.
  Product product;
  collect_factors(graph, id, true, product);
  return is_about(product.factor, cubic_coefficient) && product.values == std::vector<ValueId>(3, x);
}

// sqrt(2/pi) (x + 0.044715 x^3)
bool is_tanh_argument(const Graph& graph, ValueId id, ValueId x) {
  const auto scaled = scaled_value(graph, id);
  const double root = std::sqrt(2 / std::numbers::pi);
  if (!scaled || !is_about(scaled->factor, root)) return false;
  const Node* sum = graph.producer(scaled->value, "Add");
  return sum && ((sum->inputs[0] == x && is_cubic_term(graph, sum->inputs[1], x)) ||
                 (sum->inputs[1] == x && is_cubic_term(graph, sum->inputs[0], x)));
}

bool is_erf_argument(const Graph& graph, ValueId id, ValueId x) {
  const auto scaled = scaled_value(graph, id);
  return scaled && scaled->value == x && is_about(scaled->factor, 1 / std::numbers::sqrt2);
}

// "none" or "tanh", Gelu's attribute, if the value is 1 + erf(..x..) or 1 + tanh(..x..).
std::optional<std::string> approximation_in(const Graph& graph, ValueId id, ValueId x) {
  const auto shifted = shifted_value(graph, id);
  if (!shifted || shifted->second != 1) return std::nullopt;
  const Node* inner = graph.producer(shifted->first);
  if (inner && inner->is("Erf") && is_erf_argument(graph, inner->inputs[0], x)) return "none";
  if (inner && inner->is("Tanh") && is_tanh_argument(graph, inner->inputs[0], x)) return "tanh";
  return std::nullopt;
}

Plan fuse_gelu(const Graph& graph, const Node& root) {
  Product product;
  collect_factors(graph, root.outputs[0], true, product);
  if (product.values.size() != 2 || !is_about(product.factor, 0.5)) return no_match();
  ValueId x = product.values[0];
  auto approximation = approximation_in(graph, product.values[1], x);
  if (!approximation) {
    x = product.values[1];
    approximation = approximation_in(graph, product.values[0], x);
  }
  if (!approximation) return no_match();
  if (graph.opset() < first_opset_with_gelu)
    return decline(fmt::format("Gelu is an operator since opset {}, and the model imports {}",
                               first_opset_with_gelu, graph.opset()));

  Edit edit(graph);
  Attributes attributes;
  if (*approximation != "none") attributes.set("approximate", *approximation);
  edit.replace(root.outputs[0], edit.add_node({.op_type = "Gelu",
                                               .inputs = {x},
                                               .attributes = std::move(attributes),
                                               .output_names = {graph.name_of(root.outputs[0])}})[0]);
  return edit;
}

}  // namespace

Pass fuse_gelu_pass() {
  return rewrite_pass("fuse_gelu", {.roots = {"Mul", "Div"},
                                    .summary = "Make a Gelu out of its Erf or Tanh formula.",
                                    .fidelity = Fidelity::rounding,
                                    .plan = fuse_gelu});
}

}  // namespace edgeopt
