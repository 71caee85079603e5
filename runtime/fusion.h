// Which neighbours of a node can be computed together with it: the candidates for one task.
#pragma once
#include <optional>
#include <vector>

#include "runtime/shaped_graph.h"
#include "runtime/task.h"

namespace edgeopt {

/// The tasks that begin with this node's operator, the largest first; the last is the node alone.
std::vector<Task> propose_tasks(const ShapedGraph& shaped, const Node& node);

/// The node alone. Values that its subgraphs capture follow its inputs.
Task single_task(const Node& node);

/// Candidates in integer arithmetic: the node between DequantizeLinear and QuantizeLinear; the largest first.
std::vector<Task> propose_quantized_tasks(const ShapedGraph& shaped, const Node& node);

/// The node as an elementwise function of its first input; nothing if it is none, or a bound is not constant.
std::optional<Activation> activation_of(const ShapedGraph& shaped, const Node& node);

/// MatMul(x, w) + row, read as a MatMul with the bias that Gemm would have; nothing if no such Add
/// follows.
std::optional<Task> with_bias(const ShapedGraph& shaped, const Task& task);

/// Adds the activations that follow the task's output, as many as there are, as long as nobody else reads the
/// values in between.
void append_activations(const ShapedGraph& shaped, Task& task);

}  // namespace edgeopt
