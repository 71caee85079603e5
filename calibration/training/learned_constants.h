// The constants that layers learned when the model was trained: what learning again may change.
#pragma once
#include <vector>

#include "calibration/training/parameter.h"
#include "ir/graph.h"
#include "ir/subgraph_place.h"

namespace edgeopt {

struct LearnedConstant {
  SubgraphPath path = {};  // of the graph in which it stands
  ValueId constant = ValueId::none;
  std::string name;
  std::string layer;  // label of the node that learned it
  ParameterRole role = ParameterRole::weight;
  Tensor value;             // float
  int channel_axis = -1;    // of a weight: the axis of its output channels; -1: not known
  bool normalizes = false;  // a factor of a normalization
};

/// Those that a node of `graph` reads, directly or behind nodes that only move elements (an exporter's
/// Transpose, or the Slices and Concats that order the gates of an LSTM): the weight, bias or factors of a
/// layer. Of an If and whatever else passes gradients into its subgraphs: what the layers in them read, from
/// wherever around them it comes.
std::vector<LearnedConstant> learned_constants(const Graph& graph, const Node& node);

}  // namespace edgeopt
