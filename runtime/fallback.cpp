#include "runtime/fallback.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "ir/evaluate.h"
#include "support/error.h"

namespace edgeopt {

Tensor read_operand(const FallbackCall& call, const FallbackOperand& operand, bool is_kept) {
  if (!operand.is_present) return {};
  if (operand.is_dynamic) return call.dynamic[operand.dynamic_index];
  const std::size_t size = byte_size(operand.form);
  if (!is_kept) return Tensor(operand.form.dtype, operand.form.dims, {operand.slot->data, size}, nullptr);
  Tensor copy(operand.form.dtype, operand.form.dims);
  if (size > 0) std::memcpy(copy.mutable_bytes().data(), operand.slot->data, size);
  return copy;
}

void write_output(FallbackCall& call, const FallbackOperand& output, const Tensor& result) {
  if (!output.is_present) return;
  if (output.is_dynamic) {
    call.dynamic[output.dynamic_index] = result;
    return;
  }
  if (result.dtype() != output.form.dtype || result.dims() != output.form.dims)
    throw InternalError(fmt::format("{} computed {} {}, but its shape rule says {} {}", call.node.op_type,
                                    name_of(result.dtype()), to_string(result.dims()),
                                    name_of(output.form.dtype), to_string(output.form.dims)));
  if (const auto bytes = result.bytes(); !bytes.empty())
    std::memmove(output.slot->data, bytes.data(), bytes.size());
}

namespace {

Tensors evaluate_call(const FallbackCall& call, const Tensors& operands) {
  const std::size_t input_count = call.node.inputs.size();
  const Tensors inputs(operands.begin(), operands.begin() + static_cast<std::ptrdiff_t>(input_count));
  return evaluate_node(call.graph, call.node, inputs, [&](const std::string& name) {
    for (std::size_t i = 0; i < call.node.captures.size(); ++i)
      if (call.node.captures[i].name == name) return operands[input_count + i];
    throw InternalError(fmt::format("a subgraph reads '{}', which its node does not capture", name));
  });
}

void run_fallback(FallbackCall& call) {
  const bool is_kept = std::any_of(call.outputs.begin(), call.outputs.end(),
                                   [](const FallbackOperand& output) { return output.is_dynamic; });
  Tensors operands;
  for (const FallbackOperand& input : call.inputs) operands.push_back(read_operand(call, input, is_kept));
  const Tensors results = while_doing(fmt::format("node '{}' ({})", call.node.name, call.node.op_type),
                                      [&] { return evaluate_call(call, operands); });
  for (std::size_t i = 0; i < std::min(results.size(), call.outputs.size()); ++i)
    write_output(call, call.outputs[i], results[i]);
}

}  // namespace

BoundStep bind_fallback(FallbackCall call) {
  return {.run = [call = std::move(call)]() mutable { run_fallback(call); }};
}

}  // namespace edgeopt
