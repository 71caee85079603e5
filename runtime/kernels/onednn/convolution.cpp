#include "runtime/kernels/onednn/convolution.h"

namespace edgeopt::onednn {

Dims grouped_dims(const Node& node, Dims weight) {
  const std::int64_t groups = node.attributes.get_int("group", 1);
  if (groups == 1) return weight;
  weight[0] /= groups;
  weight.insert(weight.begin(), groups);
  return weight;
}

ConvolutionShape convolution_shape(const Node& node, const ConvolutionForms& forms) {
  const Dims weight = grouped_dims(node, forms.w.dims);
  ConvolutionShape shape{.x = desc_of(forms.x),
                         .y = desc_of(forms.y),
                         .weights = any_desc(forms.w.dtype, weight),
                         .plain_weights = desc_of({forms.w.dtype, weight}),
                         .window = window_of(node, forms.x.dims, forms.y.dims,
                                             Dims(forms.w.dims.begin() + 2, forms.w.dims.end()))};
  shape.gaps = shape.window.dilations;
  for (std::int64_t& gap : shape.gaps) --gap;
  return shape;
}

}  // namespace edgeopt::onednn
