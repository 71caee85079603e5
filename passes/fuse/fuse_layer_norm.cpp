// d = x - mean(x); d / sqrt(mean(d^2) + epsilon) * scale + bias == layer_norm(x), means over the last axes
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "passes/framework/match.h"
#include "passes/framework/rewrite.h"
#include "passes/framework/scaled.h"
#include "passes/framework/tensor_algebra.h"

namespace edgeopt {
namespace {

constexpr int first_opset_with_layer_norm = 17;
constexpr int first_opset_with_axes_input = 18;  // of ReduceMean

using Axes = std::vector<std::int64_t>;

// The axes of a ReduceMean that keeps dims, counted from the front and sorted; nothing if it is none.
std::optional<Axes> mean_axes(const Graph& graph, const Node* mean) {
  if (!mean || !mean->is("ReduceMean") || mean->attributes.get_int("keepdims", 1) == 0) return std::nullopt;
  const auto rank = rank_of(graph, mean->inputs[0]);
  auto axes = constant_ints(graph, *mean, "axes", graph.opset() < first_opset_with_axes_input ? -1 : 1);
  if (!rank || !axes || axes->empty()) return std::nullopt;
  for (std::int64_t& axis : *axes) axis = normalize_axis(axis, *rank);
  std::ranges::sort(*axes);
  return axes;
}

// d if the value is d^2.
ValueId square_root(const Graph& graph, ValueId id) {
  if (const Node* power = graph.producer(id, "Pow"))
    return constant_number(graph, power->inputs[1]) == 2.0 ? power->inputs[0] : ValueId::none;
  const Node* product = graph.producer(id, "Mul");
  return product && product->inputs[0] == product->inputs[1] ? product->inputs[0] : ValueId::none;
}

// A value minus its mean over some axes.
struct Centered {
  ValueId x = ValueId::none;
  Axes axes;
  bool operator==(const Centered&) const = default;
};

std::optional<Centered> centered(const Graph& graph, ValueId id) {
  const Node* difference = graph.producer(id, "Sub");
  const Node* mean = difference ? graph.producer(difference->inputs[1], "ReduceMean") : nullptr;
  const auto axes = mean_axes(graph, mean);
  if (!axes || mean->inputs[0] != difference->inputs[0]) return std::nullopt;
  return Centered{.x = mean->inputs[0], .axes = *axes};
}

struct Match {
  Centered centered;
  double epsilon = 0;
};

// d / sqrt(mean(d^2) + epsilon); exporters may write d twice.
std::optional<Match> match_norm(const Graph& graph, const Node& division) {
  const auto above = centered(graph, division.inputs[0]);
  const Node* root = graph.producer(division.inputs[1], "Sqrt");
  const auto sum = root ? shifted_value(graph, root->inputs[0]) : std::nullopt;
  const Node* variance = sum ? graph.producer(sum->first, "ReduceMean") : nullptr;
  const auto axes = mean_axes(graph, variance);
  if (!above || !axes || *axes != above->axes) return std::nullopt;
  const ValueId below = square_root(graph, variance->inputs[0]);
  if (below == ValueId::none || centered(graph, below) != above) return std::nullopt;
  return Match{.centered = *above, .epsilon = sum->second};
}

// The dims of the last axes, if `axes` are those and the dims are numbers.
std::optional<Dims> normalized_dims(const Graph& graph, const Centered& centered) {
  const auto& shape = graph.type_of(centered.x).shape;
  if (!shape || centered.axes.size() > shape->size()) return std::nullopt;
  Axes last(centered.axes.size());
  std::iota(last.begin(), last.end(), static_cast<std::int64_t>(shape->size() - last.size()));
  if (last != centered.axes) return std::nullopt;
  return static_dims(Shape(shape->end() - static_cast<std::ptrdiff_t>(last.size()), shape->end()));
}

// The Mul or Add that alone reads the value, with a constant of exactly these dims.
std::optional<ConstantOperand> following(const Graph& graph, ValueId id, std::string_view op_type,
                                         const Dims& dims) {
  const Node* user = graph.single_user(id);
  if (!user || !user->is(op_type)) return std::nullopt;
  const auto operand = constant_operand(graph, *user);
  if (!operand || graph.constant(operand->constant)->dims() != dims) return std::nullopt;
  return operand;
}

Plan fuse_layer_norm(const Graph& graph, const Node& division) {
  const auto match = match_norm(graph, division);
  if (!match) return no_match();
  if (graph.opset() < first_opset_with_layer_norm)
    return decline(fmt::format("LayerNormalization is an operator since opset {}, and the model imports {}",
                               first_opset_with_layer_norm, graph.opset()));
  const auto dims = normalized_dims(graph, match->centered);
  if (!dims) return decline("the axes are not the last ones, or their dims are not known");
  const DataType dtype = graph.type_of(match->centered.x).dtype;
  if (dtype != DataType::float32) return decline("the elements are not float");

  ValueId last = division.outputs[0];
  const auto scale = following(graph, last, "Mul", *dims);
  if (scale) last = graph.single_user(last)->outputs[0];
  const auto bias = following(graph, last, "Add", *dims);
  if (bias) last = graph.single_user(last)->outputs[0];

  Edit edit(graph);
  const auto ones = [&] { return rounded_to(dtype, filled(element_count(*dims), 1)).reshaped(*dims); };
  std::vector<ValueId> inputs = {match->centered.x,
                                 scale ? scale->constant : edit.add_constant(ones(), "scale")};
  if (bias) inputs.push_back(bias->constant);
  edit.replace(last, edit.add_node({.op_type = "LayerNormalization",
                                    .inputs = std::move(inputs),
                                    .attributes = {{"axis", -static_cast<std::int64_t>(dims->size())},
                                                   {"epsilon", static_cast<float>(match->epsilon)}},
                                    .output_names = {graph.name_of(last)}})[0]);
  return edit;
}

}  // namespace

Pass fuse_layer_norm_pass() {
  return rewrite_pass("fuse_layer_norm", {.roots = {"Div"},
                                          .summary = "Make a LayerNormalization out of its formula.",
                                          .fidelity = Fidelity::rounding,
                                          .plan = fuse_layer_norm});
}

}  // namespace edgeopt
