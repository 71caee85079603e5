// Whatever operands and attributes a node has, it runs or is refused with a UserError, by definition and by
// kernel. So do those of domain edgeopt, which a file may hold, though no model is written with them.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "ir/op.h"
#include "runtime/engine.h"
#include "support/error.h"
#include "support/random.h"
#include "tests/ops/one_node.h"

namespace edgeopt {
namespace {

constexpr std::uint64_t trial_count = 100;
constexpr std::uint64_t training_trial_count = 400;  // no other test gives these operands that do not fit
constexpr std::int64_t most_optional_inputs = 2;
constexpr std::int64_t largest_rank = 5, largest_dim = 4;

struct Dice {
  RandomStream random;

  std::int64_t roll(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(high - low + 1)));
  }
  bool one_in(std::int64_t count) { return roll(1, count) == 1; }
};

Dims random_dims(Dice& dice) {
  Dims dims(static_cast<std::size_t>(dice.roll(0, largest_rank)));
  for (std::int64_t& dim : dims) dim = dice.one_in(8) ? 0 : dice.roll(1, largest_dim);
  return dims;
}

// Mostly as the others are, so that more than the first check is reached.
Dims dims_near(const Dims& usual, Dice& dice) {
  if (dice.one_in(4)) return random_dims(dice);
  Dims dims = usual;
  if (!dims.empty() && dice.one_in(3))
    dims[static_cast<std::size_t>(dice.roll(0, std::ssize(dims) - 1))] = dice.roll(0, largest_dim);
  if (dice.one_in(4)) dims.resize(std::min<std::size_t>(dims.size(), 1));
  return dims;
}

Tensor random_operand(const Dims& dims, Dice& dice) {
  constexpr std::array types = {DataType::float64, DataType::int64, DataType::int8};
  const DataType dtype =
      dice.one_in(5) ? types[static_cast<std::size_t>(dice.roll(0, types.size() - 1))] : DataType::float32;
  std::vector<double> elements(static_cast<std::size_t>(element_count(dims)));
  constexpr std::array strange = {std::numeric_limits<double>::quiet_NaN(),
                                  std::numeric_limits<double>::infinity(), -1e30, 1e30};
  const bool is_integer = dtype == DataType::int64 || dtype == DataType::int8;
  for (double& element : elements)
    element = !is_integer && dice.one_in(20) ? strange[static_cast<std::size_t>(dice.roll(0, 3))]
                                             : static_cast<double>(dice.roll(-6, 6)) / 2;
  return from_doubles(dtype, dims, elements);
}

Attributes random_attributes(Dice& dice) {
  Attributes attributes;
  for (const char* name : {"axis", "group", "num_groups", "size", "hidden_size", "layout", "block_size",
                           "batch_dims", "blocksize", "exclusive", "reverse", "training_mode", "p",
                           "output_height", "ceil_mode", "low", "high", "align_corners"})
    if (dice.one_in(3)) attributes.set(name, dice.roll(-2, 4));
  for (const char* name : {"kernel_shape", "pads", "strides", "dilations", "axes", "pads"}) {
    if (!dice.one_in(3)) continue;
    std::vector<std::int64_t> list(static_cast<std::size_t>(dice.roll(0, 4)));
    for (std::int64_t& number : list) number = dice.roll(-1, 3);
    attributes.set(name, std::move(list));
  }
  return attributes;
}

void run_or_refuse(const OpDefinition& op, Dice& dice) {
  const Dims usual = random_dims(dice);
  Tensors inputs;
  for (std::int64_t i = op.required_inputs + dice.roll(0, most_optional_inputs); i > 0; --i)
    inputs.push_back(random_operand(dims_near(usual, dice), dice));
  const OneNode node{.op_type = op.name,
                     .attributes = random_attributes(dice),
                     .output_count = static_cast<int>(dice.roll(1, 3)),
                     .domain = op.domain};
  try {
    run_op(node, inputs);
  } catch (const UserError&) {
  }
  try {
    std::vector<ValueType> types;
    for (const Tensor& input : inputs)
      types.push_back({.dtype = input.dtype(), .shape = to_shape(input.dims())});
    compile(one_node_graph(node, types))->run(inputs);
  } catch (const UserError&) {
  }
}

}  // namespace

TEST_CASE("operators run or refuse whatever operands and attributes a file gives them") {
  for (const OpDefinition& op : all_ops()) {
    const std::uint64_t trials = op.domain == "edgeopt" ? training_trial_count : trial_count;
    for (std::uint64_t trial = 0; trial < trials; ++trial) {
      INFO(op.name << ", trial " << trial);
      Dice dice{RandomStream(trial, op.name)};
      CHECK_NOTHROW(run_or_refuse(op, dice));
    }
  }
}

}  // namespace edgeopt
