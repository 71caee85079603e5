// y = data; y[targets[i]] = y[targets[i]] (+, *, max, min) updates[i]
#include "ir/rules/scatter_rules.h"

#include <fmt/format.h>

#include <algorithm>

#include "ir/rules/op_rules.h"
#include "support/error.h"

namespace edgeopt {
namespace {

template <typename T>
T combined(const std::string& reduction, T a, T b) {
  using Wide = std::conditional_t<std::is_floating_point_v<T>, T, std::uint64_t>;
  if (reduction == "add") return static_cast<T>(static_cast<Wide>(a) + static_cast<Wide>(b));
  if (reduction == "mul") return static_cast<T>(static_cast<Wide>(a) * static_cast<Wide>(b));
  if (reduction == "max") return std::max(a, b);
  if (reduction == "min") return std::min(a, b);
  throw UserError("reduction must be none, add, mul, max or min, not '" + reduction + "'");
}

Tensor overwritten(const Tensor& data, const Tensor& updates, const std::vector<std::int64_t>& targets) {
  std::vector<std::int64_t> sources(static_cast<std::size_t>(data.element_count()), -1);
  for (std::size_t i = 0; i < targets.size(); ++i)
    sources[static_cast<std::size_t>(targets[i])] = static_cast<std::int64_t>(i);
  return merge_elements(updates, sources, data);
}

}  // namespace

Tensor scattered(const Tensor& data, const Tensor& updates, const std::vector<std::int64_t>& targets,
                 const std::string& reduction) {
  require_element_type(updates, data.dtype());
  if (reduction == "none") return overwritten(data, updates, targets);
  Tensor result = widened(data);
  const Tensor changes = widened(updates);
  visit_type(NumberTypes{}, result.dtype(), [&]<typename T>() {
    const std::span<T> elements = result.mutable_data<T>();
    for (std::size_t i = 0; i < targets.size(); ++i) {
      T& element = elements[static_cast<std::size_t>(targets[i])];
      element = combined(reduction, element, changes.data<T>()[i]);
    }
  });
  return cast(result, data.dtype());
}

GradientRule scatter_gradient(std::string gather) {
  return [gather = std::move(gather)](const GradientCall& call) -> std::vector<ValueId> {
    const std::string reduction = call.attributes().get_string("reduction", "none");
    if (reduction != "none" && reduction != "add")
      reject_gradient(call, fmt::format("reduction '{}'", reduction));
    const ValueId dy = call.output_gradients[0], indices = call.node.inputs[1];
    std::vector<ValueId> gradients(3, ValueId::none);
    if (call.wants(0) && reduction == "add") gradients[0] = dy;
    if (call.wants(0) && reduction == "none") {
      const ValueId zeros = filled_like(call.edit, call.graph, call.node.inputs[2], 0);
      gradients[0] = emit(call, call.node.op_type, {dy, indices, zeros}, call.attributes());
    }
    if (!call.wants(2)) return gradients;
    Attributes attributes = call.attributes();
    attributes.remove("reduction");
    gradients[2] = emit(call, gather, {dy, indices}, std::move(attributes));
    return gradients;
  };
}

}  // namespace edgeopt
