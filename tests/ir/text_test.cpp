#include <doctest/doctest.h>

#include "ir/edit.h"
#include "support/error.h"
#include "tests/support/onnx_text.h"

namespace edgeopt {
namespace {

constexpr const char* example = R"(<ir_version: 8, opset_import: ["" : 18, "com.example" : 1]>
g (float[1,N,?] x, int64[] s, float scalar, bool flag) => (float[1] y, int64[2] z)
<float[2,1] w = {3, -0.5}, int8[3] k = {-1, 0, 1}, bool[1] b = {1}, double d = {1e+30}, string[1] t = {"a b"}, float[N] c>
{
  c = com.example.Conv<group = 1, pads = [0, 0], auto_pad = "NOTSET">(x, w)
  r = com.example.Resize<cubic_coeff_a = -0.75>(c, , k)
  a, , e = com.example.Mystery<weights = [1.0, 2.5], names = ["p", "q"], table = float[1] {7}>(r)
  y = If<then_branch = yes () => (float[1] o)
    {
      o = com.example.Add(a, e)
    }, else_branch = no () => (float[1] o2)
    {
      o2 = com.example.Neg(a)
    }>(flag)
  z = Constant<value = int64[2] {1, 2}>()
}
)";

TEST_CASE("printing what was parsed gives the same text") {
  CHECK(to_text(graph_from_text(example)) == example);
}

TEST_CASE("parsing what was printed gives the same graph") {
  const Graph graph = graph_from_text(example);
  CHECK(graph_from_text(to_text(graph)) == graph);
}

TEST_CASE("long constants are shortened and odd names are quoted") {
  Edit edit{Graph()};
  const ValueId x = edit.add_input("a/b", {.dtype = DataType::float32, .shape = Shape{17}});
  const ValueId w = edit.add_constant(Tensor(DataType::float32, {17}), "w");
  edit.add_output(edit.add_node({.op_type = "Add", .inputs = {x, w}, .output_names = {"1"}})[0]);
  const std::string text = to_text(edit.apply());
  CHECK(text.find("float[17] \"a/b\"") != std::string::npos);
  CHECK(text.find("float[17] w = {...}") != std::string::npos);
  CHECK(text.find("\"1\" = Add(\"a/b\", w)") != std::string::npos);
  CHECK(to_text(edit.draft(), 17).find("{...}") == std::string::npos);
}

TEST_CASE("half-precision elements keep their point") {
  Edit edit{Graph()};
  edit.add_output(edit.add_constant(cast(Tensor::of<float>({2}, {1.0f, 0.5f}), DataType::float16), "h"));
  CHECK(to_text(edit.apply()).find("float16[2] h = {1.0, 0.5}") != std::string::npos);
}

TEST_CASE("text that is no graph is refused with its line") {
  CHECK_THROWS_WITH_AS(graph_from_text("g (float[2] x) => (float[2] y) { y = Relu(x }"),
                       doctest::Contains("line: 1"), UserError);
}

}  // namespace
}  // namespace edgeopt
