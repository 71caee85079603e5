// Operators that only give the same elements other dims: no step at all.
#include "ir/op.h"
#include "runtime/kernel.h"

namespace edgeopt {
namespace {

std::optional<std::string> decline_view(const KernelCall& call) {
  const auto& [task, opset, inputs, outputs, addend, thread_count, scratch] = call;
  if (byte_size(inputs[0].form) != byte_size(outputs[0].form) ||
      inputs[0].form.dtype != outputs[0].form.dtype)
    return "the elements change";
  if (task.is_quantized() && task.input_quantization[0] != task.output_quantization)
    return "the scale changes";
  if (task.is_quantized() && !task.output_quantization) return "the result is read in float";
  if (call.node().is("Dropout") && call.has_input(2)) return "it may drop elements";
  if (outputs.size() > 1 && outputs[1].is_present) return "a mask is wanted";
  return std::nullopt;
}

std::vector<std::string> views() {
  std::vector<std::string> names = {"Dropout"};  // in inference
  for (const OpDefinition& op : all_ops())
    if (op.movement == Movement::in_order) names.push_back(op.name);
  return names;
}

}  // namespace

Kernel view_kernel() {
  return {.name = "view",
          .op_types = views(),
          .decline = decline_view,
          .bind = {},
          .is_view = true,
          .cases = {{.op_type = "Flatten", .inputs = {{DataType::float32, {2, 3, 5}}}},
                    {.op_type = "Identity", .inputs = {{DataType::int64, {17}}}}}};
}

}  // namespace edgeopt
