#include "tests/ir/gradient/finite_differences.h"

#include <cmath>
#include <limits>

#include "ir/evaluate.h"
#include "ir/gradient/gradient.h"
#include "support/random.h"

namespace edgeopt {

Tensor uniform_doubles(const Dims& dims, double low, double high, const std::string& stream) {
  RandomStream random(1, stream);
  Tensor tensor(DataType::float64, dims);
  for (double& x : tensor.mutable_data<double>()) x = low + (high - low) * random.uniform();
  return tensor;
}

double sum_of_outputs(const Graph& graph, const Tensors& inputs) {
  double sum = 0;
  for (const Tensor& output : evaluate(graph, inputs))
    for (const double element : to_doubles(output)) sum += element;
  return sum;
}

std::vector<double> numeric_gradient(const Graph& graph, Tensors inputs, std::size_t input) {
  constexpr double step = 6e-6;
  std::vector<double> slopes;
  const auto count = static_cast<std::size_t>(inputs[input].element_count());
  for (std::size_t i = 0; i < count; ++i) {
    const double x = inputs[input].data<double>()[i];
    const auto sum_at = [&](double moved) {
      inputs[input].mutable_data<double>()[i] = moved;
      return sum_of_outputs(graph, inputs);
    };
    slopes.push_back((sum_at(x + step) - sum_at(x - step)) / (2 * step));
    inputs[input].mutable_data<double>()[i] = x;
  }
  return slopes;
}

double gradient_error(const Graph& graph, const Tensors& inputs, const std::vector<std::size_t>& learned) {
  std::vector<ValueId> wanted;
  for (const std::size_t i : learned) wanted.push_back(graph.inputs()[i]);
  const Graph backward = gradient(graph, graph.outputs(), wanted);
  verify(backward);
  const Tensors results = evaluate(backward, inputs);
  double largest = 0;
  for (std::size_t i = 0; i < learned.size(); ++i) {
    const Tensor& found = results[graph.outputs().size() + i];
    if (found.dims() != inputs[learned[i]].dims()) return std::numeric_limits<double>::infinity();
    const std::vector<double> expected = numeric_gradient(graph, inputs, learned[i]), got = to_doubles(found);
    for (std::size_t k = 0; k < got.size(); ++k) {
      const double difference = std::abs(expected[k] - got[k]);
      if (!(difference <= largest)) largest = difference;
    }
  }
  return largest;
}

}  // namespace edgeopt
