// Rounding has no useful derivative; its rules pass the gradient straight through, inside the range.
#include <doctest/doctest.h>

#include "ir/edit.h"
#include "ir/evaluate.h"
#include "ir/gradient/gradient.h"

namespace edgeopt {
namespace {

struct Quantized {
  Graph graph;
  ValueId x, scale;
};

// x -> QuantizeLinear -> DequantizeLinear, in int8 with zero point 0.
Quantized quantize_dequantize(const Shape& x_shape, const Shape& scale_shape) {
  Edit edit{Graph()};
  edit.set_opset("", 21);
  const ValueId x = edit.add_input("x", {.dtype = DataType::float32, .shape = x_shape});
  const ValueId scale = edit.add_input("scale", {.dtype = DataType::float32, .shape = scale_shape});
  Dims zeros = *static_dims(scale_shape);
  const ValueId zero = edit.add_constant(Tensor(DataType::int8, zeros));
  const ValueId q = edit.add_node("QuantizeLinear", {x, scale, zero}, {{"axis", 0}});
  edit.add_output(edit.add_node("DequantizeLinear", {q, scale, zero}, {{"axis", 0}}));
  return {edit.apply(), x, scale};
}

TEST_CASE("quantizing and dequantizing passes the gradient where nothing is clamped") {
  const Quantized q = quantize_dequantize({5}, {});
  const Graph backward = gradient(q.graph, q.graph.outputs(), std::vector{q.x, q.scale});
  verify(backward);
  // 127.4 rounds to the largest integer and is not clamped; 127.6 is.
  const Tensors results = evaluate(
      backward, {Tensor::of<float>({5}, {0.3F, 127.4F, 127.6F, -128.4F, -200}), Tensor::scalar(1.0F)});
  CHECK(results[1] == Tensor::of<float>({5}, {1, 1, 0, 1, 0}));
}

TEST_CASE("the gradient by the scale is that of learned step sizes") {
  const Quantized q = quantize_dequantize({3}, {});
  const Graph backward = gradient(q.graph, q.graph.outputs(), std::vector{q.scale});
  const Tensors results =
      evaluate(backward, {Tensor::of<float>({3}, {0.75F, 100, -100}), Tensor::scalar(0.5F)});
  // Inside: round(x / s) - x / s = 2 - 1.5; clamped: the integer, 127 and -128.
  CHECK(to_double(results[1]) == 0.5 + 127 - 128);
}

TEST_CASE("every channel's scale gets the gradient of its own elements") {
  const Quantized q = quantize_dequantize({2, 2}, {2});
  const Graph backward = gradient(q.graph, q.graph.outputs(), std::vector{q.scale});
  const Tensors results = evaluate(
      backward, {Tensor::of<float>({2, 2}, {0.75F, 0.5F, 100, 1}), Tensor::of<float>({2}, {0.5F, 0.25F})});
  CHECK(results[1] == Tensor::of<float>({2}, {0.5F, 127}));
}

TEST_CASE("fake quantization passes gradients to its input, its scale and its zero point") {
  Edit edit{Graph()};
  edit.set_opset("", 21);
  edit.set_opset("edgeopt", 1);
  std::vector<ValueId> inputs;
  for (const char* name : {"x", "scale", "zero"})
    inputs.push_back(
        edit.add_input(name, {.dtype = DataType::float32, .shape = name[0] == 'x' ? Shape{3} : Shape{}}));
  edit.add_output(edit.add_node({.op_type = "FakeQuantize",
                                 .inputs = inputs,
                                 .attributes = {{"low", -8}, {"high", 7}, {"axis", -1}},
                                 .domain = "edgeopt"})[0]);
  const Graph graph = edit.apply();
  const Tensors values = {Tensor::of<float>({3}, {0.75F, 100, -100}), Tensor::scalar(0.5F),
                          Tensor::scalar(1.0F)};
  const Tensors results = evaluate(gradient(graph, graph.outputs(), inputs), values);
  CHECK(results[1] == Tensor::of<float>({3}, {1, 0, 0}));
  // Inside: round(1.5) - 1.5; clamped: bound - zero point, 6 and -9.
  CHECK(to_double(results[2]) == 0.5 + 6 - 9);
  CHECK(to_double(results[3]) == -0.5 - 0.5);
}

TEST_CASE("integers that no QuantizeLinear made pass nothing on") {
  Edit edit{Graph()};
  edit.set_opset("", 21);
  const ValueId x = edit.add_input("x", {.dtype = DataType::float32, .shape = Shape{2}});
  const auto to = [](DataType dtype) { return Attributes{{"to", static_cast<std::int64_t>(dtype)}}; };
  const ValueId integer = edit.add_node("Cast", {x}, to(DataType::int32));
  edit.add_output(edit.add_node("Cast", {integer}, to(DataType::float32)));
  const Graph graph = edit.apply();
  const Tensors results =
      evaluate(gradient(graph, graph.outputs(), std::vector{x}), {Tensor::of<float>({2}, {1.5F, 2.5F})});
  CHECK(results[1] == Tensor::of<float>({2}, {0, 0}));
}

}  // namespace
}  // namespace edgeopt
