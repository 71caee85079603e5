#include "calibration/training/losses.h"

#include "ir/op.h"

namespace edgeopt {
namespace {

// Keeps a division by the energy of an all-zero output finite; far below that of any other in float.
constexpr double least_energy = 1e-12;

}  // namespace

ValueId LossBuilder::divergence(ValueId student, ValueId teacher, std::int64_t axis, double temperature) {
  const ValueId cold = scalar(1 / temperature);
  const ValueId log_q = along("LogSoftmax", node("Mul", {student, cold}), axis);
  const ValueId scaled = node("Mul", {teacher, cold});
  const ValueId p = along("Softmax", scaled, axis);
  const ValueId log_p = along("LogSoftmax", scaled, axis);
  const ValueId terms = node("Mul", {p, node("Sub", {log_p, log_q})});
  const ValueId mean = row_means(rows(sums_along(terms, axis)));
  return node("Mul", {total(mean), scalar(temperature * temperature)});
}

ValueId LossBuilder::cross_entropy(ValueId student, ValueId labels) {
  return node("Neg", {total(node("Mul", {labels, along("LogSoftmax", rows(student), 1)}))});
}

ValueId LossBuilder::squared_error(ValueId student, ValueId teacher) {
  const ValueId error = row_sums(square(node("Sub", {rows(student), rows(teacher)})));
  const ValueId energy = node("Add", {row_sums(square(rows(teacher))), scalar(least_energy)});
  return total(node("Div", {error, energy}));
}

ValueId LossBuilder::cosine(ValueId student, ValueId teacher) {
  const ValueId s = rows(student), t = rows(teacher);
  const ValueId product = row_sums(node("Mul", {s, t}));
  const ValueId energies = node("Mul", {row_sums(square(s)), row_sums(square(t))});
  const ValueId lengths = node("Sqrt", {node("Add", {energies, scalar(least_energy)})});
  return total(node("Sub", {scalar(1), node("Div", {product, lengths})}));
}

void LossBuilder::add(ValueId term, double weight) {
  const ValueId weighted = weight == 1 ? term : node("Mul", {term, scalar(weight)});
  sum_ = sum_ == ValueId::none ? weighted : node("Add", {sum_, weighted});
}

ValueId LossBuilder::node(std::string op, std::vector<ValueId> inputs, Attributes attributes) {
  return edit_.add_node(std::move(op), std::move(inputs), std::move(attributes));
}

ValueId LossBuilder::scalar(double value) {
  return edit_.add_constant(Tensor::scalar(static_cast<float>(value)), "factor");
}

ValueId LossBuilder::along(std::string op, ValueId x, std::int64_t axis) {
  return node(std::move(op), {x}, {{"axis", axis}});
}

ValueId LossBuilder::rows(ValueId x) { return node("Flatten", {x}, {{"axis", 1}}); }
ValueId LossBuilder::square(ValueId x) { return node("Mul", {x, x}); }

ValueId LossBuilder::row_sums(ValueId x) { return sums_along(x, 1); }

ValueId LossBuilder::sums_along(ValueId x, std::int64_t axis) {
  return node("ReduceSum", {x, axes({axis})}, {{"keepdims", 0}});
}

ValueId LossBuilder::row_means(ValueId x) {
  constexpr std::int64_t opset_of_axes_input = 18;
  if (edit_.draft().opset() < opset_of_axes_input)
    return node("ReduceMean", {x}, {{"axes", std::vector<std::int64_t>{1}}, {"keepdims", 0}});
  return node("ReduceMean", {x, axes({1})}, {{"keepdims", 0}});
}

ValueId LossBuilder::axes(std::vector<std::int64_t> numbers) {
  return edit_.add_constant(Tensor::of<std::int64_t>({std::ssize(numbers)}, numbers), "axes");
}

ValueId LossBuilder::total(ValueId x) { return node("ReduceSum", {x}, {{"keepdims", 0}}); }

}  // namespace edgeopt
