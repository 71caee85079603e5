// The different slices of x along an axis (its elements, without one): the slices, where each occurs first,
// which of them each slice of x is, and how often. Sorted by value, or in order of first occurrence.
#include <algorithm>
#include <numeric>

#include "ir/rules/op_rules.h"

namespace edgeopt {
namespace {

struct Groups {
  std::vector<std::int64_t> first;    // of each group: the slice that came first
  std::vector<std::int64_t> members;  // of each slice: its group
  std::vector<std::int64_t> counts;
};

// The elements of each slice, in row-major order of the other axes.
template <typename T>
std::vector<std::vector<T>> slices_of(std::span<const T> x, const AxisLines& lines) {
  std::vector<std::vector<T>> slices(static_cast<std::size_t>(lines.length));
  for (std::int64_t line = 0; line < lines.count; ++line)
    for (std::int64_t j = 0; j < lines.length; ++j)
      slices[static_cast<std::size_t>(j)].push_back(
          x[static_cast<std::size_t>(lines.start(line) + j * lines.step)]);
  return slices;
}

template <typename T>
Groups grouped(const std::vector<std::vector<T>>& slices, bool is_sorted) {
  std::vector<std::size_t> order(slices.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return slices[a] < slices[b]; });
  std::vector<std::vector<std::size_t>> groups;  // equal slices stand in their old order
  for (const std::size_t slice : order) {
    if (groups.empty() || slices[groups.back()[0]] < slices[slice]) groups.emplace_back();
    groups.back().push_back(slice);
  }
  if (!is_sorted) std::ranges::sort(groups, {}, [](const auto& group) { return group[0]; });
  Groups result{.members = std::vector<std::int64_t>(slices.size())};
  for (std::size_t g = 0; g < groups.size(); ++g) {
    result.first.push_back(static_cast<std::int64_t>(groups[g][0]));
    result.counts.push_back(static_cast<std::int64_t>(groups[g].size()));
    for (const std::size_t member : groups[g]) result.members[member] = static_cast<std::int64_t>(g);
  }
  return result;
}

Groups groups_of(const Tensor& tensor, const AxisLines& lines, bool is_sorted) {
  if (tensor.dtype() == DataType::string) return grouped(slices_of(tensor.strings(), lines), is_sorted);
  const Tensor x = widened(tensor);
  Groups result;
  visit_type(NativeTypes{}, x.dtype(),
             [&]<typename T>() { result = grouped(slices_of(x.data<T>(), lines), is_sorted); });
  return result;
}

Tensors evaluate(const EvaluateCall& call) {
  const bool has_axis = call.attributes().find("axis") != nullptr;
  const Tensor x = has_axis ? call.inputs[0] : call.inputs[0].reshaped({call.inputs[0].element_count()});
  const std::int64_t axis = normalize_axis(call.attributes().get_int("axis", 0), x.rank());
  const AxisLines from = lines_along(x.dims(), axis);
  const Groups groups = groups_of(x, from, call.attributes().get_int("sorted", 1) != 0);
  Dims dims = x.dims();
  dims[static_cast<std::size_t>(axis)] = static_cast<std::int64_t>(groups.first.size());
  const AxisLines to = lines_along(dims, axis);
  std::vector<std::int64_t> sources(static_cast<std::size_t>(element_count(dims)));
  for (std::int64_t line = 0; line < to.count; ++line)
    for (std::int64_t j = 0; j < to.length; ++j)
      sources[static_cast<std::size_t>(to.start(line) + j * to.step)] =
          from.start(line) + groups.first[static_cast<std::size_t>(j)] * from.step;
  return {pick_elements(x, dims, sources), int64_tensor(groups.first), int64_tensor(groups.members),
          int64_tensor(groups.counts)};
}

std::vector<Operand> infer(const InferCall& call) {
  const ValueType& x = call.inputs[0].type;
  std::optional<Shape> shape = Shape(1);
  if (call.attributes().find("axis")) {
    shape = x.shape;
    if (shape)
      (*shape)[static_cast<std::size_t>(
          normalize_axis(call.attributes().get_int("axis", 0), shape->size()))] = Dim();
  }
  const Operand list = operand(DataType::int64, Shape(1));
  return {operand(x.dtype, shape), list, list, list};
}

}  // namespace

OpDefinition unique_op() {
  return {.name = "Unique", .versions = {11}, .infer = infer, .evaluate = evaluate};
}

}  // namespace edgeopt
