#include "calibration/training/with_parameters.h"

#include <map>

#include "calibration/training/integer_places.h"
#include "calibration/training/learned_constants.h"
#include "calibration/training/soft_rounding.h"
#include "ir/edit.h"

namespace edgeopt {
namespace {

class WritingBack {
 public:
  WritingBack(const Graph& student, const Trainable& trainable, const std::vector<Parameter>& parameters)
      : student_(student), trainable_(trainable), parameters_(parameters), edit_(student) {}

  Graph run() {
    using Kind = ParameterPlace::Kind;
    for_kind(Kind::constant, [&](const ParameterPlace& place, const Tensor& value) {
      change_at(edit_, place.path, [&](Edit& edit) { edit.set_constant(place.constant, value); });
      if (place.path.empty()) constants_[place.constant] = value;
    });
    for_kind(Kind::integer_weight, [&](const ParameterPlace& place, const Tensor& value) {
      set_integers(student_.node(place.dequantize), value, scale_of(student_.node(place.dequantize)));
    });
    for_kind(Kind::rounding, [&](const ParameterPlace& place, const Tensor& value) {
      const Node& dequantize = student_.node(place.dequantize);
      set_source(dequantize, hardened(student_, dequantize, place.floor, value));
    });
    for_kind(Kind::integer_bias, [&](const ParameterPlace& place, const Tensor& value) {
      const Node& dequantize = student_.node(place.dequantize);
      const Tensor scale = bias_scale(dequantize);
      edit_.set_input(dequantize.id, 1, edit_.add_constant(scale, student_.name_of(dequantize.inputs[1])));
      set_integers(dequantize, value, scale);
    });
    return edit_.apply();
  }

 private:
  template <typename Function>
  void for_kind(ParameterPlace::Kind kind, const Function& function) {
    for (std::size_t i = 0; i < parameters_.size(); ++i)
      if (trainable_.places[i].kind == kind) function(trainable_.places[i], parameters_[i].value);
  }

  bool has_float_scale(const Node* dequantize) const {
    const auto scale = dequantize ? student_.constant(dequantize->inputs[1]) : std::nullopt;
    return scale && scale->dtype() == DataType::float32;
  }

  Tensor scale_of(const Node& dequantize) const {
    const auto found = constants_.find(dequantize.inputs[1]);
    return found == constants_.end() ? *student_.constant(dequantize.inputs[1]) : found->second;
  }

  // scale(input) * scale(weight) of the layer that adds the bias; what it was if the layer is not found,
  // computes a scale, or has not as many as the bias.
  Tensor bias_scale(const Node& dequantize) const {
    const Node* layer = student_.single_user(dequantize.outputs[0]);
    const Node* input = layer ? student_.producer(layer->input(0), "DequantizeLinear") : nullptr;
    const Node* weight = layer ? student_.producer(layer->input(1), "DequantizeLinear") : nullptr;
    const Tensor own = scale_of(dequantize);
    if (!has_float_scale(input) || !has_float_scale(weight)) return own;
    const Tensor input_scale = scale_of(*input);
    Tensor scale = scale_of(*weight);
    if (input_scale.element_count() != 1 || scale.element_count() != own.element_count()) return own;
    for (float& element : scale.mutable_data<float>()) element *= input_scale.data<float>()[0];
    return scale.reshaped(own.dims());
  }

  void set_integers(const Node& dequantize, const Tensor& value, const Tensor& scale) {
    set_source(dequantize, rounded_to(student_, dequantize, value, scale));
  }

  void set_source(const Node& dequantize, Tensor integers) {
    const Node& reader = student_.node(integer_source_of(student_, dequantize)->reader);
    edit_.set_input(reader.id, 0,
                    edit_.add_constant(std::move(integers), student_.name_of(reader.inputs[0])));
  }

  const Graph& student_;
  const Trainable& trainable_;
  const std::vector<Parameter>& parameters_;
  Edit edit_;
  std::map<ValueId, Tensor> constants_;
};

}  // namespace

Graph with_parameters(const Graph& student, const Trainable& trainable,
                      const std::vector<Parameter>& parameters) {
  return WritingBack(student, trainable, parameters).run();
}

}  // namespace edgeopt
