// MaxPool, AveragePool and their global forms: in floats, and maxima of integers that share one scale.
#include "runtime/kernels/onednn/onednn.h"
#include "runtime/kernels/onednn/window.h"

namespace edgeopt {
namespace {

bool is_global(const KernelCall& call) { return call.node().op_type.starts_with("Global"); }
bool is_maximum(const KernelCall& call) { return call.node().op_type.ends_with("MaxPool"); }

std::optional<std::string> decline_operand(const KernelCall& call) {
  const Attributes& attributes = call.node().attributes;
  const TensorForm& input = call.inputs[0].form;
  if (!onednn::has_usable_operands(call) || !can_be_channels_last(input.dims))
    return "the operand is not [N,C,space]";
  if (call.outputs.size() > 1 && call.outputs[1].is_present) return "the indices are wanted";
  if (call.is_quantized() &&
      (!is_maximum(call) || call.task.input_quantization[0] != call.task.output_quantization))
    return "the scale changes";
  if (input.dtype != DataType::float32 && !is_maximum(call)) return "it averages integers";
  if (attributes.get_int("ceil_mode", 0) != 0 && attributes.get_int("count_include_pad", 0) != 0)
    return "padding counts, but not where ceil_mode reaches beyond it";
  return std::nullopt;
}

Window pool_window(const KernelCall& call) {
  const Dims& input = call.inputs[0].form.dims;
  if (!is_global(call))
    return window_of(call.node(), input, call.outputs[0].form.dims,
                     call.node().attributes.get_ints("kernel_shape"));
  const Dims space(input.begin() + 2, input.end());
  const Dims ones(space.size(), 1);
  const Dims zeros(space.size(), 0);
  return {.kernel = space, .strides = ones, .dilations = ones, .pads_begin = zeros, .pads_end = zeros};
}

dnnl::algorithm algorithm_of(const KernelCall& call) {
  if (is_maximum(call)) return dnnl::algorithm::pooling_max;
  return call.node().attributes.get_int("count_include_pad", 0) != 0
             ? dnnl::algorithm::pooling_avg_include_padding
             : dnnl::algorithm::pooling_avg_exclude_padding;
}

dnnl::pooling_v2_forward::primitive_desc describe(const KernelCall& call) {
  const Window window = pool_window(call);
  Dims gaps = window.dilations;
  for (std::int64_t& gap : gaps) --gap;
  return {{dnnl::prop_kind::forward_inference, algorithm_of(call), onednn::desc_of(call.inputs[0].form),
           onednn::desc_of(call.outputs[0].form), window.strides, window.kernel, gaps, window.pads_begin,
           window.pads_end},
          onednn::new_attributes(),
          onednn::cpu_engine()};
}

std::optional<std::string> decline_pool(const KernelCall& call) {
  if (auto reason = decline_operand(call)) return reason;
  KernelCall placed = call;
  placed.inputs[0].form.layout = placed.outputs[0].form.layout = Layout::channels_last;
  if (!onednn::is_available([&] { describe(placed); })) return "oneDNN has no such pooling";
  return std::nullopt;
}

BoundStep bind_pool(const KernelCall& call) {
  const dnnl::pooling_v2_forward::primitive_desc description = describe(call);
  auto step = std::make_shared<onednn::PrimitiveStep>(dnnl::pooling_v2_forward(description));
  step->bind(DNNL_ARG_SRC, description.src_desc(), place_of(call.inputs[0]));
  step->bind(DNNL_ARG_DST, description.dst_desc(), place_of(call.outputs[0]));
  const auto scratch = description.scratchpad_desc();
  step->bind(DNNL_ARG_SCRATCHPAD, scratch, place_of({.slot = call.scratch, .is_present = true}));
  return onednn::PrimitiveStep::finish(std::move(step), scratch.get_size());
}

std::vector<KernelCase> pool_cases() {
  using Ints = std::vector<std::int64_t>;
  std::vector<KernelCase> cases;
  for (const char* op : {"MaxPool", "AveragePool"})
    for (const std::int64_t channels : {1, 15, 16, 17, 53}) {
      cases.push_back(
          {.op_type = op,
           .inputs = {{DataType::float32, {1, channels, 9, 7}}},
           .attributes = {{"kernel_shape", Ints{3, 3}}, {"strides", Ints{2, 2}}, {"ceil_mode", 1}}});
      cases.push_back({.op_type = op,
                       .inputs = {{DataType::float32, {2, channels, 5, 6}}},
                       .attributes = {{"kernel_shape", Ints{3, 2}}, {"pads", Ints{1, 0, 1, 1}}}});
    }
  cases.push_back(
      {.op_type = "AveragePool",
       .inputs = {{DataType::float32, {1, 17, 5, 5}}},
       .attributes = {{"kernel_shape", Ints{3, 3}}, {"auto_pad", "SAME_LOWER"}, {"count_include_pad", 1}}});
  for (const char* op : {"GlobalAveragePool", "GlobalMaxPool"})
    cases.push_back({.op_type = op, .inputs = {{DataType::float32, {2, 17, 5, 6}}}});
  cases.push_back({.op_type = "MaxPool",
                   .inputs = {{DataType::uint8, {1, 17, 9, 9}}},
                   .attributes = {{"kernel_shape", Ints{3, 3}}, {"strides", Ints{2, 2}}}});
  return cases;
}

}  // namespace

Kernel pool_kernel() {
  return {.name = "pool",
          .op_types = {"MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool"},
          .decline = decline_pool,
          .choose_layouts = channels_last_layouts,
          .bind = bind_pool,
          .cases = pool_cases(),
          // Sums of up to some dozens of elements in another order.
          .tolerance = 2e-6};
}

}  // namespace edgeopt
