// states..., scanned... = body(states..., slices...) for every slice of the scan inputs along their axes.
// Results: the last states, then every scanned value stacked. Opset 8 does so for every entry of a batch.
#include <fmt/format.h>

#include <algorithm>

#include "ir/gradient/scan_gradient.h"
#include "ir/rules/call_inputs.h"
#include "ir/rules/move_elements.h"
#include "ir/rules/subgraph_rules.h"
#include "support/error.h"

namespace edgeopt {
namespace {

// The slice at `index` of an axis, the axis gone.
Tensor slice_at(const Tensor& tensor, std::int64_t axis, std::int64_t index) {
  const auto along = static_cast<std::size_t>(normalize_axis(axis, tensor.rank()));
  if (index < 0 || index >= tensor.dims()[along])
    throw UserError(fmt::format("slice {} is asked for along axis {} of shape {}", index, along,
                                to_string(tensor.dims())));
  auto indices = all_indices(tensor.dims());
  indices[along] = {index};
  Dims dims = tensor.dims();
  dims.erase(dims.begin() + static_cast<std::ptrdiff_t>(along));
  return select_indices(tensor, indices).reshaped(std::move(dims));
}

std::int64_t length_of(const ScanLayout& layout, std::span<const Tensor> inputs) {
  const Tensor& first = inputs[layout.states];
  return first.dims()[static_cast<std::size_t>(normalize_axis(layout.input_axes[0], first.rank()))];
}

// A sequence of opset 8 may be shorter than the axis.
void require_lengths(const ScanLayout& layout, std::span<const Tensor> inputs, std::int64_t length,
                     bool may_be_shorter) {
  for (std::size_t i = 0; i < layout.scan_inputs; ++i) {
    const Tensor& input = inputs[layout.states + i];
    const std::int64_t size =
        input.dims()[static_cast<std::size_t>(normalize_axis(layout.input_axes[i], input.rank()))];
    if (length < 0 || length > size || (length < size && !may_be_shorter))
      throw UserError(fmt::format("scan input {} has shape {}, which does not fit a sequence of {}", i,
                                  to_string(input.dims()), length));
  }
}

// A state keeps its shape from slice to slice.
void replace_states(Tensors& states, const Tensors& results) {
  for (std::size_t i = 0; i < states.size(); ++i) {
    if (results[i].dims() != states[i].dims())
      throw UserError(fmt::format("state {} of the scan changes its shape from {} to {}", i,
                                  to_string(states[i].dims()), to_string(results[i].dims())));
    states[i] = results[i];
  }
}

// One scan over `length` slices; `inputs` are the initial states and the scan inputs.
Tensors scan(const EvaluateCall& call, const ScanLayout& layout, std::span<const Tensor> inputs,
             std::int64_t length) {
  require_lengths(layout, inputs, length, call.opset < 9);
  const Graph& body = body_of(call.attributes());
  Tensors states(inputs.begin(), inputs.begin() + static_cast<std::ptrdiff_t>(layout.states));
  std::vector<Tensors> scanned(layout.scan_outputs);
  for (std::int64_t t = 0; t < length; ++t) {
    Tensors given = states;
    for (std::size_t i = 0; i < layout.scan_inputs; ++i)
      given.push_back(slice_at(inputs[layout.states + i], layout.input_axes[i],
                               layout.input_directions[i] != 0 ? length - 1 - t : t));
    const Tensors results = call.run_subgraph(body, given);
    replace_states(states, results);
    for (std::size_t i = 0; i < scanned.size(); ++i) scanned[i].push_back(results[layout.states + i]);
  }
  Tensors outputs = states;
  for (std::size_t i = 0; i < scanned.size(); ++i) {
    if (layout.output_directions[i] != 0) std::ranges::reverse(scanned[i]);
    outputs.push_back(
        stacked(scanned[i], body.type_of(body.outputs()[layout.states + i]), layout.output_axes[i]));
  }
  return outputs;
}

// Opset 8: inputs are sequence lengths (optional), states and scan inputs, all with a batch axis in front.
Tensors scan_batch(const EvaluateCall& call) {
  const std::span<const Tensor> operands = call.inputs.subspan(1);
  const ScanLayout layout = scan_layout(call.attributes(), operands.size(), body_of(call.attributes()));
  const std::int64_t batch =
      layout.states + layout.scan_inputs == 0 || operands[0].rank() == 0 ? 0 : operands[0].dims()[0];
  const std::vector<std::int64_t> lengths =
      call.has_input(0) ? to_int64s(call.inputs[0]) : std::vector<std::int64_t>{};
  if (call.has_input(0) && std::ssize(lengths) != batch)
    throw UserError(fmt::format("{} sequence lengths are given for a batch of {}", lengths.size(), batch));
  std::vector<Tensors> results;
  for (std::int64_t n = 0; n < batch; ++n) {
    Tensors entry;
    for (const Tensor& tensor : operands) entry.push_back(slice_at(tensor, 0, n));
    const std::int64_t length =
        lengths.empty() ? length_of(layout, entry) : lengths[static_cast<std::size_t>(n)];
    results.push_back(scan(call, layout, entry, length));
  }
  Tensors outputs;
  for (std::size_t i = 0; i < layout.states + layout.scan_outputs; ++i) {
    Tensors slices;
    for (const Tensors& result : results) slices.push_back(result[i]);
    outputs.push_back(stacked(slices, {}, 0));
  }
  return outputs;
}

Tensors evaluate(const EvaluateCall& call) {
  if (call.opset < 9) return scan_batch(call);
  const ScanLayout layout = scan_layout(call.attributes(), call.inputs.size(), body_of(call.attributes()));
  return scan(call, layout, call.inputs, length_of(layout, call.inputs));
}

std::vector<Operand> infer(const InferCall& call) {
  const Graph& body = body_of(call.attributes());
  const std::size_t first = call.opset < 9 ? 1 : 0;
  if (call.inputs.size() < first) throw UserError("Scan has no inputs");
  const ScanLayout layout = scan_layout(call.attributes(), call.inputs.size() - first, body);
  require_operands(call.inputs, first);
  require_outputs(call.node, body.outputs().size());
  std::vector<Operand> outputs;
  for (std::size_t i = 0; i < layout.states; ++i)
    outputs.push_back(operand(call.inputs[first + i].type.dtype, call.inputs[first + i].type.shape));
  Dim length;
  if (const Operand& scanned = call.inputs[layout.states]; call.opset >= 9 && scanned.has_shape())
    length =
        scanned
            .shape()[static_cast<std::size_t>(normalize_axis(layout.input_axes[0], scanned.shape().size()))];
  for (std::size_t i = 0; i < layout.scan_outputs; ++i) {
    const ValueType& type = body.type_of(body.outputs()[layout.states + i]);
    outputs.push_back(call.opset < 9 ? operand(type.dtype, std::nullopt)
                                     : stacked(type, length, layout.output_axes[i]));
  }
  return outputs;
}

}  // namespace

OpDefinition scan_op() {
  return {
      .name = "Scan",
      .versions = {8, 9, 11, 16, 19, 21, 23, 24, 25},
      .required_inputs = 0,
      .infer = infer,
      .evaluate = evaluate,
      .gradient = scan_gradient,
  };
}

}  // namespace edgeopt
