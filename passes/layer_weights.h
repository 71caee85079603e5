// The integers of a layer's weight and bias.
#pragma once
#include <optional>

#include "hwprofiles/profile.h"
#include "ir/graph.h"
#include "ir/quantization/quantization_scheme.h"

namespace edgeopt {

/// A constant as integers, with one scale per index of `axis` (-1: one for all).
struct IntegerConstant {
  Tensor integers;
  Tensor scales;
  int axis = -1;
};

/// The integers of the weight of a node that computes.
///
/// Scales that were decided ahead (Value::quantization) are taken as they are; else they are chosen per
/// channel if the profile says so, and so that the bias fits 32 bits.
///
/// input_scale  the scale of the node's first input
/// throws       UserError if what was decided does not fit the weight
IntegerConstant integer_weight(const Graph& graph, const QuantizationRules& rules, const Node& node,
                               float input_scale);

/// The node's bias (input 2) in 32 bits at scale(input) * scale(weight); nothing if there is none.
std::optional<IntegerConstant> integer_bias(const Graph& graph, const Node& node, const Tensor& weight_scales,
                                            float input_scale);

/// A constant operand of a joining operator, in one scale.
struct IntegerOperand {
  Tensor integers;
  QuantizationScheme scheme;
  QuantizationParameters parameters;
};
IntegerOperand integer_operand(const Value& constant, const QuantizationScheme& otherwise);

}  // namespace edgeopt
