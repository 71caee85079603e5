// What a node costs, for dims of any size: a file may state dims whose product no integer holds.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "calibration/staged_run.h"
#include "calibration/training/batches.h"
#include "ir/infer.h"
#include "tests/support/onnx_text.h"

namespace edgeopt {
namespace {

constexpr std::int64_t huge = std::int64_t{1} << 47;

Graph huge_model(const std::string& nodes) {
  return with_inferred_types(graph_from_text(fmt::format(
      "g (float[1,{0},{0},{0}] x, float[{0},{0},3,3] w, float[{0},{0},{0}] r) => (float y) {{ {1} }}", huge,
      nodes)));
}

}  // namespace

TEST_CASE("the cost of a node with dims beyond all measure is large and positive") {
  for (const char* nodes :
       {"y = Relu(x)", "y = Conv(x, w)", "y = ConvTranspose(x, w)", "y = MatMul(x, x)", "y = ReduceSum(x)",
        "y = Einsum<equation = \"abcd,defg->ag\">(x, w)", "y = MaxPool<kernel_shape = [3, 3]>(x)",
        "p, y = GRU(r, r, r)", "y = LRN<size = 9223372036854775807>(x)"}) {
    CAPTURE(nodes);
    CHECK(work_per_sample(huge_model(nodes)) > 1e15);
  }
}

TEST_CASE("of values with dims beyond all measure one sample is affordable") {
  CHECK(affordable_sample_count(huge_model("y = Relu(x)"), std::int64_t{1} << 40) == 1);
}

}  // namespace edgeopt
