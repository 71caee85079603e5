#include "passes/framework/batch_norm.h"

#include "passes/framework/match.h"
#include "passes/framework/tensor_algebra.h"

namespace edgeopt {
namespace {

constexpr int first_opset_without_is_test = 7;
constexpr int first_opset_without_spatial = 9;
constexpr float default_epsilon = 1e-5f;  // the ONNX spec

}  // namespace

std::variant<Declined, ChannelAffine> affine_of_batch_norm(const Graph& graph, const Node& norm) {
  const Attributes& attributes = norm.attributes;
  const bool trains = attributes.get_int("training_mode", 0) != 0 || used_output_count(graph, norm) > 1 ||
                      (graph.opset() < first_opset_without_is_test && attributes.get_int("is_test", 0) == 0);
  if (trains) return Declined{"the norm is in training mode"};
  if (graph.opset() < first_opset_without_spatial && attributes.get_int("spatial", 1) == 0)
    return Declined{"the norm is not per channel"};

  const auto scale = graph.constant(norm.input(1));
  const auto bias = graph.constant(norm.input(2));
  const auto mean = graph.constant(norm.input(3));
  const auto variance = graph.constant(norm.input(4));
  if (!scale || !bias || !mean || !variance) return Declined{"a parameter is computed, not constant"};
  for (const Tensor& parameter : {*scale, *bias, *mean, *variance})
    if (!has_algebra(parameter)) return Declined{"a parameter is neither float nor double"};

  const Tensor gain = in_double(*scale) *
                      inverse_sqrt(in_double(*variance), attributes.get_float("epsilon", default_epsilon));
  return ChannelAffine{.gain = gain, .shift = in_double(*bias) - gain * in_double(*mean)};
}

}  // namespace edgeopt
