// Which values of a graph are quantized, with which scales, and what stays in float and why: decided on a
// const graph.
#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

#include "hwprofiles/profile.h"
#include "ir/graph.h"
#include "ir/label.h"
#include "ir/quantization/quantization_scheme.h"
#include "passes/quantization_layers.h"
#include "passes/scale_groups.h"

namespace edgeopt {

struct KeptFloat {
  std::string node;  // name, or the name of its output
  std::string op_type;
  std::string reason;
};

struct QuantizationPlan {
  std::map<ValueId, ActivationQuantization> activations;  // values that get Q and DQ
  std::vector<Layer> layers;                              // what runs in integers, in topological order
  std::vector<KeptFloat> kept_float;                      // nodes that compute with weights and stay in float
};

/// What the profile says of activations.
QuantizationScheme activation_scheme(const QuantizationRules& rules);
/// What the profile says of a weight of these dims at that node.
QuantizationScheme weight_scheme(const QuantizationRules& rules, const Node& node, const Dims& weight);
/// The scheme of the weight of a node that computes: decided ahead (Value::quantization) or by the profile.
QuantizationScheme weight_scheme(const Graph& graph, const QuantizationRules& rules, const Node& node);

/// Plans the quantization of a graph whose values carry ranges, or scales that were decided ahead.
///
/// Every layer that computes with weights is quantized unless it is named in `keep_float` or cannot be;
/// operators that join or move values follow when their neighbours are quantized on both sides.
QuantizationPlan plan_quantization(const Graph& graph, const QuantizationRules& rules,
                                   const std::set<std::string>& keep_float = {});

}  // namespace edgeopt
