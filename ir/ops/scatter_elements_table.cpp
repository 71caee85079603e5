// ScatterElements (Scatter before opset 11): y = data, y[.., indices[p], ..] = updates[p] at every position
// p.
#include <string>
#include <utility>
#include <vector>

#include "ir/rules/op_rules.h"
#include "ir/rules/scatter_rules.h"
#include "support/error.h"

namespace edgeopt {
namespace {

// The element of `data` that each update goes to.
std::vector<std::int64_t> targets_of(const Tensor& data, const Tensor& indices, std::int64_t axis) {
  const std::vector<std::int64_t> along_axis = to_int64s(indices);
  const Dims index_strides = strides_of(indices.dims());
  const Dims data_strides = strides_of(data.dims());
  std::vector<std::int64_t> targets(along_axis.size(), 0);
  for (std::size_t i = 0; i < targets.size(); ++i)
    for (std::size_t d = 0; d < data.rank(); ++d) {
      const std::int64_t own = static_cast<std::int64_t>(i) / index_strides[d] % indices.dims()[d];
      const std::int64_t position = static_cast<std::int64_t>(d) == axis ? along_axis[i] : own;
      targets[i] += normalize_index(position, data.dims()[d]) * data_strides[d];
    }
  return targets;
}

Tensors evaluate(const EvaluateCall& call) {
  const Tensor& data = call.inputs[0];
  const Tensor& indices = call.inputs[1];
  if (indices.rank() != data.rank() || call.inputs[2].dims() != indices.dims())
    throw UserError("indices and updates must have one shape, of the rank of the data");
  const std::int64_t axis = normalize_axis(call.attributes().get_int("axis", 0), data.rank());
  return {scattered(data, call.inputs[2], targets_of(data, indices, axis),
                    call.attributes().get_string("reduction", "none"))};
}

OpDefinition scatter(std::string name, std::vector<int> versions) {
  return {
      .name = std::move(name),
      .versions = std::move(versions),
      .required_inputs = 3,
      .infer = same_shape_as_input,
      .evaluate = evaluate,
  };
}

}  // namespace

std::vector<OpDefinition> scatter_elements_table() {
  OpDefinition elements = scatter("ScatterElements", {11, 13, 16, 18});
  elements.gradient = scatter_gradient("GatherElements");
  return {scatter("Scatter", {9, 11}), elements};
}

}  // namespace edgeopt
