#include "calibration/training/trainable.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "calibration/layers/weight_matrix.h"
#include "calibration/training/integer_places.h"
#include "calibration/training/learned_constants.h"
#include "calibration/training/soft_rounding.h"
#include "ir/edit.h"
#include "ir/label.h"
#include "support/error.h"

namespace edgeopt {
namespace {

class Unrolling {
 public:
  Unrolling(const Graph& student, const TrainableOptions& options)
      : student_(student), options_(options), edit_(student) {}

  Trainable run() {
    if (options_.drop_probability > 0)
      result_.seed = edit_.add_input("training_seed", {.dtype = DataType::int64, .shape = Shape{}});
    for (const NodeId id : student_.nodes()) {
      const Node& node = student_.node(id);
      if (node.is("DequantizeLinear"))
        unroll(node);
      else
        learn_constants(node);
    }
    for (const std::string& layer : options_.frozen_layers)
      if (!met_.contains(layer))
        throw UserError(fmt::format("there is no layer '{}' with weights or biases to freeze", layer));
    if (result_.parameters.empty())
      throw UserError(
          "the model has none of what is to be learned (a float model has no scales of integers)");
    ModelHeader header = student_.header();
    header.opset_imports.push_back({.domain = "edgeopt", .version = 1});
    edit_.set_header(std::move(header));
    result_.graph = edit_.apply();
    return std::move(result_);
  }

 private:
  ValueId add_parameter(const std::string& name, ParameterRole role, Tensor value,
                        const ParameterPlace& place) {
    Shape shape;
    for (const std::int64_t dim : value.dims()) shape.push_back(Dim(dim));
    const ValueId input =
        edit_.add_input(name + "_trained", {.dtype = DataType::float32, .shape = std::move(shape)});
    result_.parameters.push_back({.name = name, .role = role, .value = std::move(value)});
    result_.places.push_back(place);
    return input;
  }

  void unroll(const Node& dequantize) {
    const std::optional<IntegerPlace> place = integer_place_at(student_, dequantize);
    if (!place) return;
    const ValueId result = dequantize.outputs[0];
    const bool is_frozen = place->kind != IntegerPlace::Kind::activation && serves_frozen(result);
    if (is_frozen) {
      result_.by_name[student_.name_of(result)] = result;
    } else if (place->kind == IntegerPlace::Kind::bias) {
      if (!options_.learns_biases) return;
      edit_.replace(
          result,
          add_parameter(student_.name_of(result), ParameterRole::bias, dequantized(student_, dequantize),
                        {.kind = ParameterPlace::Kind::integer_bias, .dequantize = dequantize.id}));
    } else {
      const bool is_rounded = place->kind == IntegerPlace::Kind::weight && options_.learns_rounding;
      const ValueId value =
          is_rounded ? softly_rounded(dequantize, *place) : fake_quantized(dequantize, *place);
      edit_.replace(result, value);
      result_.by_name[student_.name_of(result)] = value;
    }
  }

  bool is_frozen(const std::string& layer) {
    if (!options_.frozen_layers.contains(layer)) return false;
    met_.insert(layer);
    return true;
  }

  bool serves_frozen(ValueId value) {
    return std::ranges::any_of(student_.uses(value), [&](const Use& use) {
      return is_frozen(label_of(student_, student_.node(use.node)));
    });
  }

  // s * clip(floor(w / s) + h(v), low, high)
  ValueId softly_rounded(const Node& dequantize, const IntegerPlace& place) {
    const std::string& name = student_.name_of(dequantize.outputs[0]);
    const Tensor weight = twin_of(name, integer_source_of(student_, dequantize)->integers.dims())
                              .value_or(dequantized(student_, dequantize));
    const SoftRounding start = soft_rounding_of(weight, *student_.constant(dequantize.inputs[1]), place);
    const ValueId variable = add_parameter(
        name, ParameterRole::rounding, start.variable,
        {.kind = ParameterPlace::Kind::rounding, .dequantize = dequantize.id, .floor = start.floor});
    result_.parameters.back().held = held_of(dequantize);
    const auto scalar = [&](double value) {
      return edit_.add_constant(Tensor::scalar(static_cast<float>(value)), name + "_number");
    };
    const ValueId wide = edit_.add_node(
        "Add", {edit_.add_node("Mul", {edit_.add_node("Sigmoid", {variable}), scalar(rounding_stretch)}),
                scalar((1 - rounding_stretch) / 2)});
    const ValueId up = edit_.add_node("Clip", {wide, scalar(0), scalar(1)});
    const ValueId sum = edit_.add_node("Add", {edit_.add_constant(start.floor, name + "_floor"), up});
    const ValueId integers = edit_.add_node("Clip", {sum, scalar(place.low), scalar(place.high)});
    return edit_.add_node("Mul", {integers, edit_.add_constant(start.scale, name + "_scale")});
  }

  ValueId fake_quantized(const Node& dequantize, const IntegerPlace& place) {
    const bool is_weight = place.kind == IntegerPlace::Kind::weight;
    const ValueId source = is_weight ? weight_source(dequantize) : place.source;
    const auto found = by_source_.find({source, dequantize.inputs[1]});
    if (found != by_source_.end()) return found->second;
    NodeSpec spec{.op_type = "FakeQuantize",
                  .inputs = {source, scale_of(dequantize, is_weight), zero_point_of(dequantize)},
                  .attributes = {{"low", place.low}, {"high", place.high}, {"axis", place.axis}},
                  .domain = "edgeopt"};
    if (!is_weight && result_.seed) {
      spec.inputs.push_back(*result_.seed);
      spec.attributes.set("drop_probability", static_cast<float>(options_.drop_probability));
    }
    const ValueId result = edit_.add_node(std::move(spec))[0];
    by_source_[{source, dequantize.inputs[1]}] = result;
    return result;
  }

  ValueId weight_source(const Node& dequantize) {
    const std::string& name = student_.name_of(dequantize.outputs[0]);
    Tensor value = twin_of(name, integer_source_of(student_, dequantize)->integers.dims())
                       .value_or(dequantized(student_, dequantize));
    if (!options_.learns_weights) return edit_.add_constant(std::move(value), name + "_float");
    HeldElements held = held_of(dequantize);
    const ValueId parameter =
        add_parameter(name, ParameterRole::weight, with_zeros(std::move(value), held),
                      {.kind = ParameterPlace::Kind::integer_weight, .dequantize = dequantize.id});
    result_.parameters.back().held = std::move(held);
    if (const Node* layer = student_.single_user(dequantize.outputs[0])) set_channel_axis(*layer);
    return parameter;
  }

  // Of the weight that was added last.
  void set_channel_axis(const Node& layer) {
    if (const auto matrix = weight_matrix(layer, result_.parameters.back().value.dims()))
      result_.parameters.back().channel_axis = matrix->output_axis;
  }

  HeldElements held_of(const Node& dequantize) const {
    const std::string& name = student_.name_of(dequantize.outputs[0]);
    const Tensor integers = integer_source_of(student_, dequantize)->integers;
    const Graph* twin = options_.sparse_twin ? options_.sparse_twin : options_.float_twin;
    const std::optional<Tensor> weight = twin_in(twin, name, integers.dims());
    return weight ? held_zeros(*weight) : held_integer_zeros(integers);
  }

  static Tensor with_zeros(Tensor value, const HeldElements& held) {
    const std::span<float> elements = value.mutable_data<float>();
    for (std::size_t i = 0; i < held.size(); ++i)
      if (held[i] != 0) elements[i] = 0;
    return value;
  }

  // insert_quantization names what it makes of `w` "w_dequantized".
  std::optional<Tensor> twin_of(const std::string& name, const Dims& dims) const {
    return twin_in(options_.float_twin, name, dims);
  }

  static std::optional<Tensor> twin_in(const Graph* graph, const std::string& name, const Dims& dims) {
    constexpr std::string_view suffix = "_dequantized";
    if (!graph || !name.ends_with(suffix)) return std::nullopt;
    const auto found = graph->find_value(name.substr(0, name.size() - suffix.size()));
    const std::optional<Tensor> twin = found ? graph->constant(*found) : std::nullopt;
    return twin && twin->dims() == dims && twin->dtype() == DataType::float32 ? twin : std::nullopt;
  }

  ValueId scale_of(const Node& dequantize, bool is_weight) {
    const ValueId scale = dequantize.inputs[1];
    const bool is_learned = is_weight ? options_.learns_weight_scales : options_.learns_activation_scales;
    if (!is_learned) return scale;
    if (const auto found = scales_.find(scale); found != scales_.end()) return found->second;
    const auto role = is_weight ? ParameterRole::weight_scale : ParameterRole::activation_scale;
    return scales_[scale] =
               add_parameter(student_.name_of(scale), role, *student_.constant(scale), {.constant = scale});
  }

  ValueId zero_point_of(const Node& dequantize) {
    const Dims dims = student_.constant(dequantize.inputs[1])->dims();
    if (!dequantize.has_input(2)) return edit_.add_constant(Tensor(DataType::float32, dims), "zero_point");
    const Tensor floats = cast(*student_.constant(dequantize.inputs[2]), DataType::float32);
    return edit_.add_constant(floats.reshaped(dims), student_.name_of(dequantize.inputs[2]));
  }

  bool is_wanted(const LearnedConstant& constant) const {
    if (constant.normalizes && !options_.learns_normalizations) return false;
    return constant.role == ParameterRole::weight ? options_.learns_weights : options_.learns_biases;
  }

  void learn_constants(const Node& node) {
    for (LearnedConstant& each : learned_constants(student_, node)) {
      if (is_frozen(each.layer) || !is_wanted(each)) continue;
      if (!learned_.insert({each.path, each.constant}).second) continue;
      HeldElements held = each.role == ParameterRole::weight ? held_zeros(each.value) : HeldElements{};
      replace_at(edit_, each.path, each.constant,
                 add_parameter(each.name, each.role, std::move(each.value),
                               {.constant = each.constant, .path = each.path}));
      result_.parameters.back().held = std::move(held);
      result_.parameters.back().channel_axis = each.channel_axis;
    }
  }

  const Graph& student_;
  const TrainableOptions& options_;
  Edit edit_;
  Trainable result_;
  std::map<ValueId, ValueId> scales_;
  std::map<std::pair<ValueId, ValueId>, ValueId> by_source_;
  std::set<std::pair<SubgraphPath, ValueId>> learned_;
  std::set<std::string> met_;  // of the layers to be frozen
};

}  // namespace

std::string_view name_of(ParameterRole role) {
  switch (role) {
    case ParameterRole::weight:
      return "weight";
    case ParameterRole::bias:
      return "bias";
    case ParameterRole::weight_scale:
      return "weight scale";
    case ParameterRole::activation_scale:
      return "activation scale";
    case ParameterRole::rounding:
      return "rounding";
  }
  throw InternalError("an unknown role of a parameter");
}

std::optional<ValueId> counterpart_of(const Trainable& trainable, const std::string& name) {
  const auto found = trainable.by_name.find(name + "_dequantized");
  return found != trainable.by_name.end() ? found->second : trainable.graph.find_value(name);
}

Trainable make_trainable(const Graph& student, const TrainableOptions& options) {
  return Unrolling(student, options).run();
}

Graph without_dropping(const Graph& graph) {
  Edit edit(graph);
  for (const NodeId id : graph.nodes()) {
    Attributes attributes = graph.node(id).attributes;
    if (!attributes.find("drop_probability")) continue;
    attributes.remove("drop_probability");
    edit.set_attributes(id, std::move(attributes));
  }
  return edit.apply();
}

}  // namespace edgeopt
