// Operands that do not fit, in ways that only a definition or a kernel sees: read or written beyond their end
// before they were refused.
#include <doctest/doctest.h>

#include <limits>

#include "runtime/engine.h"
#include "support/error.h"
#include "tests/ops/one_node.h"

namespace edgeopt {
namespace {

using Ints = std::vector<std::int64_t>;

Tensor zeros(const Dims& dims, DataType dtype = DataType::float32) { return Tensor(dtype, dims); }

// By definition and by kernel.
void check_refused(const OneNode& node, const Tensors& inputs) {
  CHECK_THROWS_AS(run_op(node, inputs), UserError);
  const auto run_kernel = [&] {
    std::vector<ValueType> types;
    for (const Tensor& input : inputs)
      types.push_back({.dtype = input.dtype(), .shape = to_shape(input.dims())});
    compile(one_node_graph(node, types))->run(inputs);
  };
  CHECK_THROWS_AS(run_kernel(), UserError);
}

}  // namespace

TEST_CASE("tensors of different types are not concatenated") {
  check_refused({"Concat", {{"axis", 0}}}, {zeros({100}, DataType::float64), zeros({100}, DataType::int8)});
  check_refused({"Concat", {{"axis", 0}}}, {zeros({100}, DataType::int8), zeros({100}, DataType::float64)});
}

TEST_CASE("indices of GatherElements that reach beyond the data along another axis are refused") {
  check_refused({"GatherElements", {{"axis", 0}}}, {zeros({2, 3}), zeros({2, 300}, DataType::int64)});
}

TEST_CASE("more repeats of Tile than any device holds, or less than none, are refused") {
  for (const std::int64_t repeats : {std::numeric_limits<std::int64_t>::max(), std::int64_t{-1}})
    check_refused({"Tile"}, {zeros({2}), int64_tensor(Ints{repeats})});
}

TEST_CASE("a filling of Pad that has another type or several elements is refused") {
  const Tensor pads = int64_tensor(Ints{1, 1});
  check_refused({"Pad"}, {zeros({2}), pads, zeros({}, DataType::int8)});
  check_refused({"Pad"}, {zeros({2}, DataType::int8), pads, zeros({}, DataType::float64)});
  check_refused({"Pad"}, {zeros({2}), pads, zeros({500})});
  check_refused({"Pad"}, {zeros({2}), pads, zeros({0})});
}

TEST_CASE("a third operand of two is refused") {
  for (const char* op : {"Add", "Less", "Pow", "Mod"}) {
    CAPTURE(op);
    check_refused({op}, {zeros({2}), zeros({2}), zeros({3, 2})});
  }
}

TEST_CASE("a slope of PRelu that is larger than x is refused") {
  check_refused({"PRelu"}, {zeros({2}), zeros({3, 2})});
}

TEST_CASE("groups whose product with the channels overflows are refused") {
  check_refused({"Conv", {{"group", std::int64_t{1} << 62}}}, {zeros({1, 8, 3}), zeros({4, 8, 1})});
}

TEST_CASE("the gradient of a slice that does not fit into x is refused") {
  const OneNode slice{.op_type = "SliceGradient", .attributes = {}, .domain = "edgeopt"};
  check_refused(slice, {zeros({400}), zeros({4}), int64_tensor(Ints{1}), int64_tensor(Ints{3})});
  const OneNode pad{.op_type = "PadGradient", .attributes = {}, .domain = "edgeopt"};
  check_refused(pad, {zeros({4}), zeros({400}), int64_tensor(Ints{1, 1})});
}

}  // namespace edgeopt
