// AveragePool over the whole image -> GlobalAveragePool; over windows between integer layers -> a depthwise
// Conv whose weights are all 1 / (kh kw): ten times faster in integers (docs/onnxruntime_fusions.md).
#include <algorithm>
#include <numeric>
#include <set>

#include "ir/op.h"
#include "passes/framework/match.h"
#include "passes/framework/rewrite.h"

namespace edgeopt {
namespace {

constexpr std::size_t image_rank = 4;

struct Window {
  Dims kernel;
  Dims strides;
  Dims pads;  // begins, then ends
  std::string auto_pad;
  bool counts_pads = false;
  bool rounds_up = false;

  bool has_pads() const {
    return auto_pad.starts_with("SAME") || std::ranges::any_of(pads, [](auto pad) { return pad != 0; });
  }
};

Window window_of(const Node& pool) {
  return {.kernel = pool.attributes.get_ints("kernel_shape"),
          .strides = pool.attributes.get_ints("strides", {1, 1}),
          .pads = pool.attributes.get_ints("pads", {0, 0, 0, 0}),
          .auto_pad = pool.attributes.get_string("auto_pad", "NOTSET"),
          .counts_pads = pool.attributes.get_int("count_include_pad", 0) != 0,
          .rounds_up = pool.attributes.get_int("ceil_mode", 0) != 0};
}

bool has_dilations(const Node& pool) {
  const Dims dilations = pool.attributes.get_ints("dilations");
  return std::ranges::any_of(dilations, [](auto dilation) { return dilation != 1; });
}

// Rounding up adds a window only where the strides do not fit.
bool may_add_window(const Window& window, const Shape& image) {
  if (!window.rounds_up) return false;
  for (std::size_t axis = 0; axis < window.kernel.size(); ++axis) {
    const Dim& dim = image[axis + 2];
    if (!dim.is_number()) return true;
    const std::int64_t room = dim.size + window.pads[axis] + window.pads[axis + 2] - window.kernel[axis];
    if (room % window.strides[axis] != 0) return true;
  }
  return false;
}

bool covers_image(const Window& window, const Shape& image) {
  return !window.has_pads() && image[2] == Dim(window.kernel[0]) && image[3] == Dim(window.kernel[1]);
}

// What an integer layer's neighbours may be: they run in integers between such layers.
bool joins_layers(const Node& node) {
  static const std::set<std::string> operators = {"Relu", "Clip",   "LeakyRelu", "Sigmoid",    "Add",
                                                  "Mul",  "Concat", "MaxPool",   "AveragePool"};
  return node.domain.empty() && operators.contains(node.op_type);
}

bool is_computed_by_conv(const Graph& graph, ValueId value) {
  std::vector<ValueId> left = {value};
  std::set<ValueId> seen;
  while (!left.empty()) {
    const Node* node = graph.producer(left.back());
    left.pop_back();
    if (!node || !seen.insert(node->outputs[0]).second) continue;
    if (node->is("Conv")) return true;
    if (joins_layers(*node))
      for (const ValueId input : node->inputs) left.push_back(input);
  }
  return false;
}

bool is_layer(const Node& node) { return node.is("Conv") || node.is("Gemm") || node.is("MatMul"); }

bool is_read_by_layer(const Graph& graph, ValueId value) {
  std::vector<ValueId> left = {value};
  std::set<ValueId> seen;
  while (!left.empty()) {
    const ValueId current = left.back();
    left.pop_back();
    if (current == ValueId::none || !seen.insert(current).second) continue;
    for (const Use& use : graph.uses(current)) {
      const Node& node = graph.node(use.node);
      if (is_layer(node)) return true;
      if (joins_layers(node) || keeps_element_order(node)) left.push_back(node.outputs[0]);
    }
  }
  return false;
}

Edit to_global_pool(const Graph& graph, const Node& pool) {
  Edit edit(graph);
  edit.replace(pool.outputs[0], edit.add_node({.op_type = "GlobalAveragePool",
                                               .inputs = {pool.inputs[0]},
                                               .name = pool.name,
                                               .output_names = {graph.name_of(pool.outputs[0])}})[0]);
  return edit;
}

Edit to_conv(const Graph& graph, const Node& pool, const Window& window, std::int64_t channel_count) {
  Edit edit(graph);
  const std::int64_t tap_count = window.kernel[0] * window.kernel[1];
  const std::vector<float> taps(static_cast<std::size_t>(channel_count * tap_count),
                                1.0f / static_cast<float>(tap_count));
  const Dims dims = {channel_count, 1, window.kernel[0], window.kernel[1]};
  const std::string& name = graph.name_of(pool.outputs[0]);
  const ValueId weight = edit.add_constant(Tensor::of<float>(dims, taps), name + "_weight");
  Attributes attributes = {{"kernel_shape", window.kernel}, {"group", channel_count}};
  for (const char* kept : {"strides", "pads", "auto_pad"})
    if (const Attribute* attribute = pool.attributes.find(kept)) attributes.set(kept, *attribute);
  edit.replace(pool.outputs[0], edit.add_node({.op_type = "Conv",
                                               .inputs = {pool.inputs[0], weight},
                                               .attributes = std::move(attributes),
                                               .name = pool.name,
                                               .output_names = {name}})[0]);
  return edit;
}

Plan replace_average_pool(const Graph& graph, const Node& pool) {
  const auto& image = graph.type_of(pool.inputs[0]).shape;
  if (!image || image->size() != image_rank) return decline("the input is not known to be an image");
  if (graph.type_of(pool.inputs[0]).dtype != DataType::float32) return decline("the elements are not float");
  if (has_dilations(pool)) return decline("the window has dilations");
  const Window window = window_of(pool);
  if (covers_image(window, *image)) return to_global_pool(graph, pool);
  if (!is_computed_by_conv(graph, pool.inputs[0]) || !is_read_by_layer(graph, pool.outputs[0]))
    return decline("it does not lie between integer layers");
  if (!(*image)[1].is_number()) return decline("the number of channels is not known");
  if (window.has_pads() && !window.counts_pads)
    return decline("its windows are smaller at the padded border");
  if (may_add_window(window, *image)) return decline("ceil_mode adds a window beyond the border");
  return to_conv(graph, pool, window, (*image)[1].size);
}

}  // namespace

Pass replace_average_pool_pass() {
  return rewrite_pass(
      "replace_average_pool",
      {.roots = {"AveragePool"},
       .summary = "Write an AveragePool as GlobalAveragePool, or between layers as a depthwise Conv.",
       .fidelity = Fidelity::rounding,
       .plan = replace_average_pool});
}

}  // namespace edgeopt
