#include "passes/framework/tensor_algebra.h"

#include <doctest/doctest.h>

namespace edgeopt {
namespace {

Tensor doubles(Dims dims, std::vector<double> elements) {
  return Tensor::of<double>(std::move(dims), elements);
}

TEST_CASE("tensor algebra broadcasts as numpy does") {
  const Tensor column = doubles({2, 1}, {10, 20});
  const Tensor row = doubles({3}, {1, 2, 3});
  CHECK(column + row == doubles({2, 3}, {11, 12, 13, 21, 22, 23}));
  CHECK(column - row == doubles({2, 3}, {9, 8, 7, 19, 18, 17}));
  CHECK(row * row == doubles({3}, {1, 4, 9}));
  CHECK(column / doubles({}, {5}) == doubles({2, 1}, {2, 4}));
}

TEST_CASE("an empty tensor stays empty") { CHECK((doubles({0, 2}, {}) + doubles({2}, {1, 2})).is_empty()); }

TEST_CASE("the inverse square root adds epsilon under the root") {
  CHECK(inverse_sqrt(doubles({2}, {3, 0}), 1) == doubles({2}, {0.5, 1}));
}

TEST_CASE("a vector lies along one axis") {
  CHECK(along_axis(doubles({2}, {1, 2}), 3, 1).dims() == Dims{1, 2, 1});
}

TEST_CASE("the axes behind the first ones are summed") {
  CHECK(sum_behind(doubles({2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8}), 1) == doubles({2}, {10, 26}));
}

TEST_CASE("transposing swaps the last two axes") {
  CHECK(transposed(doubles({2, 3}, {1, 2, 3, 4, 5, 6})) == doubles({3, 2}, {1, 4, 2, 5, 3, 6}));
  CHECK(transposed(transposed(doubles({2, 1, 3}, {1, 2, 3, 4, 5, 6}))) ==
        doubles({2, 1, 3}, {1, 2, 3, 4, 5, 6}));
}

TEST_CASE("results round to the model's type once") {
  CHECK(rounded_to(DataType::float32, doubles({1}, {0.1})) == Tensor::of<float>({1}, {0.1f}));
}

}  // namespace
}  // namespace edgeopt
