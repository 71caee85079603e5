// Gradients by finite differences, to judge gradient graphs with.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "ir/graph.h"

namespace edgeopt {

/// double elements uniform in [low, high), from a stream of this name.
Tensor uniform_doubles(const Dims& dims, double low, double high, const std::string& stream);

/// The sum of all elements of all outputs, by the operators' definitions.
double sum_of_outputs(const Graph& graph, const Tensors& inputs);

/// The derivative of sum_of_outputs by every element of one input, by central differences with step h = 6e-6,
/// the cube root of the rounding unit of double: there h^2 (cutting off the series) equals the unit / h
/// (cancellation), 4e-11, each times derivatives and values of the size of 1 to 100.
std::vector<double> numeric_gradient(const Graph& graph, Tensors inputs, std::size_t input);

/// The largest difference between numeric_gradient and what gradient() gives for these inputs; infinity where
/// the dims differ.
double gradient_error(const Graph& graph, const Tensors& inputs, const std::vector<std::size_t>& learned);

}  // namespace edgeopt
