// How many bits weights and activations get, for the whole model and layer by layer.
#pragma once
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "hwprofiles/profile.h"
#include "ir/graph.h"

namespace edgeopt {

struct LayerScheme {
  bool is_float = false;
  int weight_bits = 8;
  int activation_bits = 8;  // of what the layer reads

  bool is_int8() const { return !is_float && weight_bits == 8 && activation_bits == 8; }
  bool operator==(const LayerScheme&) const = default;
};

/// "int8", "float" or "w<bits>a<bits>": weights of 2 to 8 bits, activations of 2 to 8 or 16.
/// throws  UserError saying what there is
LayerScheme scheme_named(std::string_view name);
std::string name_of(const LayerScheme& scheme);

struct QuantizationWidths {
  LayerScheme scheme;                         // of layers that are not named
  std::map<std::string, LayerScheme> layers;  // by name of the node, or of its output
  bool packs_weights = true;                  // weights of up to 4 bits as int4, else as int8

  bool are_all_int8() const;
  /// True if integers of 4 or 16 bits are written, which begin at opset 21.
  bool need_later_opset() const;
  std::set<std::string> float_layers() const;
};

/// The graph with Value::quantization (type and bits, no scales) on what its layers read, where that is not
/// decided yet.
///
/// A value that several layers read gets the widest of what they want; a value that no layer reads, such as
/// the operands of an Add, stays at the profile's 8 bits. So does what reads the graph's inputs, or makes its
/// outputs, as activations of fewer than 8 bits go: they cost little and matter most (Esser et al., "Learned
/// Step Size Quantization", ICLR 2020, section 3). Weights of what reads the graph's inputs and of depthwise
/// Convs, which are few and whose every output has few inputs to make up for a rounding, keep 8 bits. throws
/// UserError if a named layer is not there or has no integer form
Graph with_widths(const Graph& graph, const QuantizationRules& rules, const QuantizationWidths& widths);

}  // namespace edgeopt
