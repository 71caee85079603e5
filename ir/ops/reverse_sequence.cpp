// The first sequence_lens[b] elements of every sequence b in reverse order, the rest as they are.
#include "ir/gradient/gradient_rules.h"
#include "ir/rules/op_rules.h"
#include "support/error.h"

namespace edgeopt {
namespace {

Tensors evaluate(const EvaluateCall& call) {
  const Tensor& x = call.inputs[0];
  if (x.rank() < 2) throw UserError("the input of ReverseSequence must have at least two dims");
  const bool is_time_first = call.attributes().get_int("time_axis", 0) == 0;
  const std::vector<std::int64_t> lengths = to_int64s(call.inputs[1]);
  const std::size_t time_axis = is_time_first ? 0 : 1;
  const std::size_t batch_axis = is_time_first ? 1 : 0;
  if (static_cast<std::int64_t>(lengths.size()) != x.dims()[batch_axis])
    throw UserError("sequence_lens must have one length per sequence");
  const Dims strides = strides_of(x.dims());
  std::vector<std::int64_t> sources(static_cast<std::size_t>(x.element_count()));
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const auto index = static_cast<std::int64_t>(i);
    const std::int64_t time = index / strides[time_axis] % x.dims()[time_axis];
    const std::int64_t sequence = index / strides[batch_axis] % x.dims()[batch_axis];
    const std::int64_t length = lengths[static_cast<std::size_t>(sequence)];
    if (length < 0 || length > x.dims()[time_axis])
      throw UserError("a length in sequence_lens exceeds the time axis");
    sources[i] = time < length ? index + (length - 1 - 2 * time) * strides[time_axis] : index;
  }
  return {pick_elements(x, x.dims(), sources)};
}

}  // namespace

OpDefinition reverse_sequence_op() {
  return {
      .name = "ReverseSequence",
      .versions = {10},
      .required_inputs = 2,
      .infer = same_shape_as_input,
      .evaluate = evaluate,
      .gradient = first_input_gradient([](const GradientCall& call, ValueId dy) {
        return emit(call, "ReverseSequence", {dy, call.node.inputs[1]}, call.attributes());
      }),
  };
}

}  // namespace edgeopt
