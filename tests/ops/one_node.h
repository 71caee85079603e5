// A graph of one node, to ask an operator's definition what it computes and infers.
#pragma once
#include <string>
#include <vector>

#include "ir/edit.h"
#include "ir/evaluate.h"
#include "ir/graph.h"
#include "ir/op.h"

namespace edgeopt {

struct OneNode {
  std::string op_type;
  Attributes attributes = {};
  int opset = 21;
  int output_count = 1;
  std::string domain = {};
};

inline Graph one_node_graph(const OneNode& spec, const std::vector<ValueType>& inputs) {
  Edit edit{Graph()};
  edit.set_opset("", spec.opset);
  std::vector<ValueId> ids;
  for (const ValueType& type : inputs) ids.push_back(edit.add_input("x" + std::to_string(ids.size()), type));
  for (const ValueId output : edit.add_node({.op_type = spec.op_type,
                              .inputs = ids,
                              .attributes = spec.attributes,
                              .output_count = spec.output_count,
                              .domain = spec.domain}))
    edit.add_output(output);
  return edit.apply();
}

/// What the operator's definition computes.
inline Tensors run_op(const OneNode& spec, const Tensors& inputs) {
  std::vector<ValueType> types;
  for (const Tensor& input : inputs)
    types.push_back({.dtype = input.dtype(), .shape = to_shape(input.dims())});
  return evaluate(one_node_graph(spec, types), inputs);
}

/// Its first output as doubles.
inline std::vector<double> run_floats(const OneNode& spec, const Tensors& inputs) {
  return to_doubles(run_op(spec, inputs)[0]);
}

inline Tensor floats(const std::vector<float>& elements) {
  return Tensor::of<float>({static_cast<std::int64_t>(elements.size())}, elements);
}

}  // namespace edgeopt
