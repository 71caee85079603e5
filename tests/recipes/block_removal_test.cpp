// Which residual blocks go, and that the budget counts what they saved.
#include "recipes/block_removal.h"

#include <doctest/doctest.h>

#include "ir/infer.h"
#include "recipes/prune.h"
#include "support/error.h"
#include "support/random.h"
#include "tests/support/onnx_text.h"
#include "tests/support/random_constants.h"

namespace edgeopt {
namespace {

// Two blocks of equal cost; the weights of the first are a hundredth of the second's.
Graph two_blocks() {
  return with_inferred_types(graph_from_text(with_random_constants(R"(g (float[N,3,4,4] x) => (float[N,4] y)
    <float[8,3,1,1] stem = RANDOM, float[8,8,1,1] a_w = RANDOM, float[8,8,1,1] b_w = RANDOM, float small = {0.01},
     float[8,8,1,1] c_w = RANDOM, float[8,8,1,1] d_w = RANDOM, float[8,4] head = RANDOM>
    { s = Conv(x, stem) r = Relu(s)
      a = Conv(r, a_w) a_r = Relu(a) b = Conv(a_r, b_w) b_s = Mul(b, small) first = Add(r, b_s) t = Relu(first)
      c = Conv(t, c_w) c_r = Relu(c) d = Conv(c_r, d_w) second = Add(t, d) u = Relu(second)
      p = GlobalAveragePool(u) f = Flatten(p) y = MatMul(f, head) })")));
}

SampleSource normal_images(std::int64_t count) {
  return {.count = count, .description = "normal numbers", .read = [](std::int64_t i) {
            RandomStream random(static_cast<std::uint64_t>(i), "block removal test");
            Tensor x(DataType::float32, {1, 3, 4, 4});
            for (float& element : x.mutable_data<float>()) element = static_cast<float>(random.normal());
            return Sample{.inputs = {x}};
          }};
}

}  // namespace

TEST_CASE("the block that adds least goes first") {
  const BlockRemoval removal = remove_blocks(two_blocks(), normal_images(20), {.count = 1});
  REQUIRE(removal.removed.size() == 1);
  CHECK(removal.removed[0].name == "first");
  CHECK(removal.bridged.size() == 1);
}

TEST_CASE("a block that holds an excluded node stays") {
  const BlockRemoval removal =
      remove_blocks(two_blocks(), normal_images(20), {.count = 1, .excluded = {"b"}});
  REQUIRE(removal.removed.size() == 1);
  CHECK(removal.removed[0].name == "second");
}

TEST_CASE("no more blocks go than there are, and each costs more than the one before") {
  const BlockRemoval removal = remove_blocks(two_blocks(), normal_images(20), {.count = 5});
  REQUIRE(removal.removed.size() == 2);
  CHECK(removal.removed[1].damage > removal.removed[0].damage);
  CHECK(removal.graph.nodes().size() == 7);  // stem, three Relus, and the head's three
}

TEST_CASE("a block that is named goes, whatever it costs") {
  const BlockRemoval removal = remove_blocks(two_blocks(), normal_images(20), {.names = {"second"}});
  REQUIRE(removal.removed.size() == 1);
  CHECK(removal.removed[0].name == "second");
  CHECK(removal.removed[0].damage > 0);
}

TEST_CASE("the name of no block is refused with those there are") {
  CHECK_THROWS_WITH_AS(remove_blocks(two_blocks(), normal_images(20), {.names = {"third"}}),
                       "there is no residual block 'third' to remove; there are first, second", UserError);
}

TEST_CASE("none are taken unless asked for") {
  CHECK(remove_blocks(two_blocks(), normal_images(20), {}).graph == two_blocks());
}

TEST_CASE("pruning counts what blocks saved in its budget") {
  const PrunedModel with_block =
      prune_model(two_blocks(), normal_images(60), {.budget = {.keep = 0.5}, .blocks = {.count = 1}});
  CHECK(with_block.blocks.size() == 1);
  CHECK(with_block.meets_budget);
  CHECK(with_block.multiply_adds.result <= 0.5 * with_block.multiply_adds.original);
  // A block is 40 % of the model: fewer channels have to go than without its help.
  const PrunedModel without = prune_model(two_blocks(), normal_images(60), {.budget = {.keep = 0.5}});
  CHECK(with_block.multiply_adds.result > 0.8 * without.multiply_adds.result);
}

TEST_CASE("blocks cannot be chosen without samples") {
  CHECK_THROWS_AS(
      prune_model(two_blocks(), std::nullopt,
                  {.importance = {.method = ImportanceMethod::magnitude}, .blocks = {.count = 1}}),
      UserError);
}

}  // namespace edgeopt
