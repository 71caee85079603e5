// matmul(A, B) + c == gemm(A, B, c), for matrices A and B and one c per column
#include "passes/framework/match.h"
#include "passes/framework/rewrite.h"

namespace edgeopt {
namespace {

constexpr int first_opset_that_broadcasts = 7;

// [N], [1] or [1, N]: what broadcasts over the rows of a result of N columns without enlarging it.
bool is_row(const Tensor& tensor, const Dim& column_count) {
  if (tensor.rank() < 1 || tensor.rank() > 2) return false;
  if (tensor.rank() == 2 && tensor.dims()[0] != 1) return false;
  return tensor.dims().back() == 1 || is_surely_equal(Dim(tensor.dims().back()), column_count);
}

Plan fuse_matmul_add(const Graph& graph, const Node& add) {
  const auto operand = constant_operand(graph, add);
  if (!operand) return no_match();
  const Node* product = graph.producer(operand->other, "MatMul");
  if (!product) return decline("the other operand is not computed by MatMul");
  if (!graph.has_single_use(operand->other)) return decline("the MatMul result is used elsewhere");
  if (graph.opset() < first_opset_that_broadcasts) return decline("the opset broadcasts by attributes");
  if (rank_of(graph, product->inputs[0]) != std::size_t{2} ||
      rank_of(graph, product->inputs[1]) != std::size_t{2})
    return decline("the MatMul is not of two matrices");
  if (!is_float_or_double(graph, operand->constant))
    return decline("the elements are neither float nor double");
  const auto& shape = graph.type_of(operand->other).shape;
  if (!shape || !is_row(*graph.constant(operand->constant), shape->back()))
    return decline("the constant is not one number per column");

  Edit edit(graph);
  edit.replace(add.outputs[0],
               edit.add_node({.op_type = "Gemm",
                              .inputs = {product->inputs[0], product->inputs[1], operand->constant},
                              .name = product->name,
                              .output_names = {graph.name_of(add.outputs[0])}})[0]);
  return edit;
}

}  // namespace

Pass fuse_matmul_add_pass() {
  return rewrite_pass("fuse_matmul_add",
                      {.roots = {"Add"},
                       .summary = "Make a Gemm out of a MatMul of two matrices and its bias.",
                       .fidelity = Fidelity::rounding,
                       .plan = fuse_matmul_add});
}

}  // namespace edgeopt
