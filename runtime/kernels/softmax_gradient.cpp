// SoftmaxGradient(dy, y): dx = y * (dy - sum(dy * y)). LogSoftmaxGradient(dy, y): dx = dy - exp(y) * sum(dy).
#include "runtime/kernels/onednn/onednn.h"

namespace edgeopt {
namespace {

std::optional<std::string> decline_gradient(const KernelCall& call) {
  for (const TaskOperand& input : call.inputs)
    if (input.form.dtype != DataType::float32) return "it is not float";
  if (!onednn::has_usable_operands(call) || call.inputs[0].form.dims != call.inputs[1].form.dims)
    return "there are no elements, or they do not match";
  if (call.inputs[1].form.dims.empty()) return "it has no axis";
  return std::nullopt;
}

// [before, along, behind] the axis.
Dims rows_of(const KernelCall& call) {
  const Dims& dims = call.inputs[1].form.dims;
  const std::span all(dims);
  const auto axis =
      static_cast<std::size_t>(normalize_axis(call.node().attributes.get_int("axis", -1), dims.size()));
  Dims rows{element_count(all.first(axis)), dims[axis], element_count(all.subspan(axis + 1))};
  if (rows[2] == 1) rows.pop_back();
  return rows;
}

template <typename Forward, typename Backward>
BoundStep bind_rows(const KernelCall& call) {
  const auto desc = onednn::desc_of({DataType::float32, rows_of(call)});
  const typename Forward::primitive_desc forward({dnnl::prop_kind::forward_training, desc, 1},
                                                 onednn::cpu_engine());
  const typename Backward::primitive_desc description({desc, desc, 1}, onednn::new_attributes(),
                                                      onednn::cpu_engine(), forward);
  auto step = std::make_shared<onednn::PrimitiveStep>(Backward(description));
  step->bind(DNNL_ARG_DIFF_DST, desc, place_of(call.inputs[0]));
  step->bind(DNNL_ARG_DST, desc, place_of(call.inputs[1]));
  step->bind(DNNL_ARG_DIFF_SRC, desc, place_of(call.outputs[0]));
  const auto scratch = description.scratchpad_desc();
  step->bind(DNNL_ARG_SCRATCHPAD, scratch, place_of({.slot = call.scratch, .is_present = true}));
  return onednn::PrimitiveStep::finish(std::move(step), scratch.get_size());
}

BoundStep bind_gradient(const KernelCall& call) {
  return call.node().op_type == "SoftmaxGradient"
             ? bind_rows<dnnl::softmax_forward, dnnl::softmax_backward>(call)
             : bind_rows<dnnl::logsoftmax_forward, dnnl::logsoftmax_backward>(call);
}

}  // namespace

Kernel softmax_gradient_kernel() {
  Kernel kernel{.name = "softmax_gradient",
                .op_types = {"edgeopt.SoftmaxGradient", "edgeopt.LogSoftmaxGradient"},
                .decline = decline_gradient,
                .bind = bind_gradient,
                .in_place_inputs = {0},
                // Sums of some dozens of products, and oneDNN's polynomial for exp.
                .tolerance = 2e-6};
  for (const std::string& op : kernel.op_types) {
    for (const std::int64_t count : {1, 15, 16, 17, 53}) {
      const TensorForm rows{DataType::float32, {3, count}};
      kernel.cases.push_back({.op_type = op, .inputs = {rows, rows}});
    }
    const TensorForm block{DataType::float32, {2, 5, 7}};
    kernel.cases.push_back({.op_type = op, .inputs = {block, block}, .attributes = {{"axis", 1}}});
  }
  return kernel;
}

}  // namespace edgeopt
