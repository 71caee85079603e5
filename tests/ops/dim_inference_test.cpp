// Dims that travel through integer tensors: Shape -> arithmetic -> whoever asks for a shape.
#include <doctest/doctest.h>

#include "ir/infer.h"
#include "ir/rules/dim_arithmetic.h"
#include "tests/ops/one_node.h"

namespace edgeopt {
namespace {

// x [N, 3, 4]; y = ConstantOfShape(op(Shape(x), constant))
Shape shape_after(const std::string& op_type, std::int64_t constant) {
  Edit edit{Graph()};
  edit.set_opset("", 21);
  const ValueId x = edit.add_input("x", {.dtype = DataType::float32, .shape = Shape{Dim("N"), 3, 4}});
  const ValueId number = edit.add_constant(int64_tensor(std::vector{constant}));
  const ValueId dims = edit.add_node(op_type, {edit.add_node("Shape", {x}), number});
  const ValueId y = edit.add_node("ConstantOfShape", {dims});
  edit.add_output(y);
  const Graph graph = with_inferred_types(edit.apply());
  return *graph.type_of(graph.outputs()[0]).shape;
}

TEST_CASE("arithmetic on a shape keeps the symbols that it leaves as they are") {
  CHECK(shape_after("Mul", 1) == Shape{Dim("N"), 3, 4});
  CHECK(shape_after("Add", 0) == Shape{Dim("N"), 3, 4});
  CHECK(shape_after("Div", 1) == Shape{Dim("N"), 3, 4});
}

TEST_CASE("arithmetic on a shape computes the numbers and forgets the symbols that it changes") {
  CHECK(shape_after("Mul", 2) == Shape{Dim(), 6, 8});
  CHECK(shape_after("Sub", 2) == Shape{Dim(), 1, 2});
  CHECK(shape_after("Div", 2) == Shape{Dim(), 1, 2});
}

TEST_CASE("a negative result is no dim") { CHECK(shape_after("Sub", 4) == Shape{Dim(), Dim(), 0}); }

TEST_CASE("division by zero is no dim") { CHECK(shape_after("Div", 0) == Shape{Dim(), Dim(), Dim()}); }

TEST_CASE("a symbol minus itself is zero") {
  const DimElement symbol{.symbol = "N"};
  CHECK(subtract_dims(symbol, symbol).is_number(0));
  CHECK(subtract_dims(symbol, {.symbol = "M"}).number == std::nullopt);
}

TEST_CASE("Range counts up to a symbol") {
  Edit edit{Graph()};
  edit.set_opset("", 21);
  const ValueId x = edit.add_input("x", {.dtype = DataType::float32, .shape = Shape{Dim("N")}});
  const auto scalar = [&](std::int64_t number) { return edit.add_constant(Tensor::scalar(number)); };
  const ValueId size = edit.add_node("Size", {x});
  edit.add_output(edit.add_node("Range", {scalar(0), size, scalar(1)}));
  const Graph graph = with_inferred_types(edit.apply());
  CHECK(*graph.type_of(graph.outputs()[0]).shape == Shape{Dim("N")});
}

TEST_CASE("the result of a reduction over unknown axes has an unknown rank, or unknown dims") {
  const ValueType x{.dtype = DataType::float32, .shape = Shape{2, 3}};
  const ValueType axes{.dtype = DataType::int64, .shape = Shape{1}};
  const auto inferred = [&](int keep_dims) {
    const Graph graph = one_node_graph({"ReduceSum", {{"keepdims", keep_dims}}}, {x, axes});
    return graph.type_of(graph.outputs()[0]).shape;
  };
  CHECK_FALSE(inferred(0).has_value());
  CHECK(*inferred(1) == Shape{Dim(), Dim()});
}

TEST_CASE("Einsum infers its result from the letters") {
  const ValueType a{.dtype = DataType::float32, .shape = Shape{Dim("B"), 2, 3}};
  const ValueType b{.dtype = DataType::float32, .shape = Shape{Dim("B"), 3, 5}};
  const Graph graph = one_node_graph({"Einsum", {{"equation", "...ij,...jk->...ik"}}}, {a, b});
  CHECK(*graph.type_of(graph.outputs()[0]).shape == Shape{Dim("B"), 2, 5});
}

}  // namespace
}  // namespace edgeopt
