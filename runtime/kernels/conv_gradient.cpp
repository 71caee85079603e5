// ConvInputGradient and ConvWeightGradient by oneDNN's backward primitives, channels last as the convolution
// itself.
#include <memory>

#include "runtime/kernels/onednn/composed_step.h"
#include "runtime/kernels/onednn/convolution.h"
#include "runtime/thread_scope.h"

namespace edgeopt {
namespace {

using Desc = dnnl::memory::desc;
using Forward = dnnl::convolution_forward::primitive_desc;
using BackwardData = dnnl::convolution_backward_data::primitive_desc;
using BackwardWeights = dnnl::convolution_backward_weights::primitive_desc;

constexpr auto direct = dnnl::algorithm::convolution_direct;

bool is_of_weights(const KernelCall& call) { return call.node().op_type == "ConvWeightGradient"; }

onednn::ConvolutionShape shape_of(const KernelCall& call) {
  onednn::ConvolutionForms forms{
      .x = call.outputs[0].form, .w = call.inputs[1].form, .y = call.inputs[0].form};
  if (is_of_weights(call)) std::swap(forms.x, forms.w);
  forms.x.layout = forms.y.layout = Layout::channels_last;
  return onednn::convolution_shape(call.node(), forms);
}

// The backward primitives want to know which forward one they belong to.
Forward describe_forward(const onednn::ConvolutionShape& shape) {
  const Window& window = shape.window;
  return {{dnnl::prop_kind::forward_training, direct, shape.x, shape.weights, shape.y, window.strides,
           shape.gaps, window.pads_begin, window.pads_end},
          onednn::cpu_engine()};
}

BackwardData describe_data(const onednn::ConvolutionShape& shape) {
  const Window& window = shape.window;
  return {{direct, shape.x, shape.weights, shape.y, window.strides, shape.gaps, window.pads_begin,
           window.pads_end},
          onednn::new_attributes(),
          onednn::cpu_engine(),
          describe_forward(shape)};
}

BackwardWeights describe_weights(const onednn::ConvolutionShape& shape) {
  const Window& window = shape.window;
  return {{direct, shape.x, shape.weights, shape.y, window.strides, shape.gaps, window.pads_begin,
           window.pads_end},
          onednn::new_attributes(),
          onednn::cpu_engine(),
          describe_forward(shape)};
}

std::optional<std::string> decline_gradient(const KernelCall& call) {
  for (const TaskOperand& input : call.inputs)
    if (input.form.dtype != DataType::float32) return "it is not float";
  if (!onednn::has_usable_operands(call) || !can_be_channels_last(call.inputs[0].form.dims))
    return "it has no elements, or more than three spatial dims";
  const auto describe_it = [&] {
    const onednn::ConvolutionShape shape = shape_of(call);
    is_of_weights(call) ? void(describe_weights(shape)) : void(describe_data(shape));
  };
  if (!onednn::is_available(describe_it)) return "oneDNN has no such gradient";
  return std::nullopt;
}

Layouts choose_layouts(const KernelCall& call) {
  Layouts layouts = plain_layouts(call);
  layouts.inputs[0] = Layout::channels_last;
  (is_of_weights(call) ? layouts.inputs[1] : layouts.outputs[0]) = Layout::channels_last;
  return layouts;
}

BoundStep bind_data(const KernelCall& call) {
  const onednn::ConvolutionShape shape = shape_of(call);
  const BackwardData description = describe_data(shape);
  auto step =
      std::make_shared<onednn::ComposedStep>(dnnl::convolution_backward_data(description), call.scratch);
  step->bind(DNNL_ARG_DIFF_DST, shape.y, place_of(call.inputs[0]));
  step->bind_input(DNNL_ARG_WEIGHTS, shape.plain_weights, description.weights_desc(),
                   place_of(call.inputs[1]));
  step->bind(DNNL_ARG_DIFF_SRC, shape.x, place_of(call.outputs[0]));
  step->bind_scratchpad(description.scratchpad_desc());
  return onednn::ComposedStep::finish(std::move(step));
}

// oneDNN's threads share the sums over the batch, in an order that depends on how many they are. One thread
// gives the same bytes at any thread count; training runs one session per thread anyway.
BoundStep bind_weights(const KernelCall& call) {
  const ThreadScope alone(1);
  const onednn::ConvolutionShape shape = shape_of(call);
  const BackwardWeights description = describe_weights(shape);
  auto step =
      std::make_shared<onednn::ComposedStep>(dnnl::convolution_backward_weights(description), call.scratch);
  step->bind(DNNL_ARG_DIFF_DST, shape.y, place_of(call.inputs[0]));
  step->bind(DNNL_ARG_SRC, shape.x, place_of(call.inputs[1]));
  step->bind_output(DNNL_ARG_DIFF_WEIGHTS, description.diff_weights_desc(), shape.plain_weights,
                    place_of(call.outputs[0]));
  step->bind_scratchpad(description.scratchpad_desc());
  BoundStep bound = onednn::ComposedStep::finish(std::move(step));
  bound.run = [run = std::move(bound.run)] {
    const ThreadScope one_thread(1);
    run();
  };
  return bound;
}

BoundStep bind_gradient(const KernelCall& call) {
  return is_of_weights(call) ? bind_weights(call) : bind_data(call);
}

struct GradientCase {
  Dims x, w, y;
  Attributes attributes = {};
};

KernelCase kernel_case(const GradientCase& shape, bool is_of_weights) {
  const TensorForm x{DataType::float32, shape.x}, w{DataType::float32, shape.w},
      y{DataType::float32, shape.y};
  return {.op_type = is_of_weights ? "edgeopt.ConvWeightGradient" : "edgeopt.ConvInputGradient",
          .inputs = is_of_weights ? std::vector{y, x, w} : std::vector{y, w, x},
          .attributes = shape.attributes};
}

// Channels around the vector width, strides, padding, groups, depthwise.
std::vector<KernelCase> gradient_cases() {
  using Ints = std::vector<std::int64_t>;
  const Attributes padded = {{"pads", Ints{1, 1, 1, 1}}};
  std::vector<GradientCase> shapes;
  for (const std::int64_t channels : {1, 15, 16, 17, 53}) {
    shapes.push_back({{2, 3, 9, 8}, {channels, 3, 3, 3}, {2, channels, 7, 6}});
    shapes.push_back({{2, channels, 5, 6}, {7, channels, 1, 1}, {2, 7, 5, 6}});
    shapes.push_back({{1, channels, 5, 6}, {16, channels, 3, 3}, {1, 16, 5, 6}, padded});
  }
  shapes.push_back(
      {{2, 16, 8, 8}, {32, 16, 3, 3}, {2, 32, 4, 4}, {{"pads", Ints{1, 1, 1, 1}}, {"strides", Ints{2, 2}}}});
  shapes.push_back({{2, 16, 8, 8}, {32, 16, 1, 1}, {2, 32, 4, 4}, {{"strides", Ints{2, 2}}}});
  for (const std::int64_t stride : {1, 2})
    for (const std::int64_t channels : {16, 17})
      shapes.push_back(
          {{2, channels, 9, 9},
           {channels, 1, 3, 3},
           {2, channels, 8 / stride + 1, 8 / stride + 1},
           {{"group", channels}, {"pads", Ints{1, 1, 1, 1}}, {"strides", Ints{stride, stride}}}});
  shapes.push_back({{1, 4, 9, 9},
                    {6, 2, 3, 3},
                    {1, 6, 4, 10},
                    {{"group", 2}, {"strides", Ints{2, 1}}, {"pads", Ints{0, 1, 1, 2}}}});
  shapes.push_back({{1, 2, 11}, {3, 2, 4}, {1, 3, 5}, {{"dilations", Ints{2}}}});
  shapes.push_back({{2, 3, 4, 5, 4}, {5, 3, 2, 3, 2}, {2, 5, 3, 3, 3}});
  std::vector<KernelCase> cases;
  for (const bool is_of_weights : {false, true})
    for (const GradientCase& shape : shapes) cases.push_back(kernel_case(shape, is_of_weights));
  return cases;
}

}  // namespace

Kernel conv_gradient_kernel() {
  return {.name = "conv_gradient",
          .op_types = {"edgeopt.ConvInputGradient", "edgeopt.ConvWeightGradient"},
          .decline = decline_gradient,
          .choose_layouts = choose_layouts,
          .bind = bind_gradient,
          .unread_inputs = {2},
          .cases = gradient_cases(),
          // Sums of up to a few hundred products in another order: a few hundred roundings of 2^-24.
          .tolerance = 1e-5};
}

}  // namespace edgeopt
