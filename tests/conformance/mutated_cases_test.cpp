// Damaged conformance cases: a node whose attributes or inputs contradict the spec is refused, never a crash;
// and where it runs, the inferred types say what comes out.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "ir/edit.h"
#include "ir/evaluate.h"
#include "ir/infer.h"
#include "ir/onnx/onnx.h"
#include "support/error.h"
#include "support/random.h"
#include "tests/conformance/backend_cases.h"

namespace edgeopt::conformance {
namespace {

namespace fs = std::filesystem;

// Few: every case of the suite is one more seed of the same operators.
constexpr int mutations_per_case = 3;
// Around what attributes and dims of the cases are; large numbers only ask for memory.
constexpr std::int64_t lowest = -3, highest = 6;

struct Dice {
  RandomStream random;

  std::int64_t roll(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(high - low + 1)));
  }
  bool one_in(std::int64_t count) { return roll(1, count) == 1; }
};

void mutate(Attribute& attribute, Dice& dice) {
  if (auto* number = std::get_if<std::int64_t>(&attribute.data)) *number = dice.roll(lowest, highest);
  if (auto* number = std::get_if<float>(&attribute.data))
    *number = static_cast<float>(dice.roll(lowest, highest)) / 2;
  if (auto* text = std::get_if<std::string>(&attribute.data)) *text = "bogus";
  if (auto* list = std::get_if<std::vector<std::int64_t>>(&attribute.data)) {
    if (dice.one_in(3)) list->resize(static_cast<std::size_t>(dice.roll(0, 5)));
    for (std::int64_t& number : *list)
      if (dice.one_in(2)) number = dice.roll(lowest, highest);
  }
}

// Other dims over the same bytes, repeated; small integers replaced.
Tensor mutated(const Tensor& tensor, Dice& dice) {
  Dims dims = tensor.dims();
  if (dice.one_in(3)) dims.assign(static_cast<std::size_t>(dice.roll(0, 5)), dice.roll(0, 4));
  if (!dims.empty() && dice.one_in(2))
    dims[static_cast<std::size_t>(dice.roll(0, std::ssize(dims) - 1))] = dice.roll(0, highest);
  Tensor result(tensor.dtype(), dims);
  if (tensor.dtype() == DataType::int64) {
    for (std::int64_t& number : result.mutable_data<std::int64_t>()) number = dice.roll(lowest, highest);
  } else if (tensor.dtype() != DataType::string && !tensor.is_empty()) {
    const std::span<std::byte> bytes = result.mutable_bytes();
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = tensor.bytes()[i % tensor.bytes().size()];
  }
  return result;
}

struct Case {
  Graph graph;
  Tensors inputs;
};

bool has_subgraph(const Graph& graph) {
  for (const NodeId id : graph.nodes())
    for (const auto& [name, attribute] : graph.node(id).attributes)
      if (std::holds_alternative<GraphPtr>(attribute.data)) return true;
  return false;
}

// The graph with some attributes changed, and its inputs' types as the tensors are.
Graph mutated(const Graph& graph, const Tensors& inputs, Dice& dice) {
  Edit edit(graph);
  const bool changes_attributes = dice.one_in(2);
  for (const NodeId id : graph.nodes()) {
    Attributes attributes = graph.node(id).attributes;
    for (const auto& [name, original] : graph.node(id).attributes) {
      if (!changes_attributes || dice.one_in(2)) continue;
      Attribute attribute = original;
      mutate(attribute, dice);
      attributes.set(name, std::move(attribute));
    }
    edit.set_attributes(id, std::move(attributes));
  }
  const std::vector<ValueId> required = required_inputs(graph);
  for (std::size_t i = 0; i < required.size(); ++i)
    edit.set_type(required[i], {.dtype = inputs[i].dtype(), .shape = to_shape(inputs[i].dims())}, true);
  for (const ValueId output : graph.outputs())
    if (graph.producer(output)) edit.set_type(output, {}, false);
  return edit.apply();
}

// Empty, or what is wrong: refusing with a UserError is right.
std::string check(const Graph& graph, const Tensors& inputs) {
  Tensors results;
  try {
    results = evaluate(graph, inputs);
  } catch (const UserError&) {
    return "";
  }
  const Graph typed = with_inferred_types(graph);
  for (std::size_t i = 0; i < results.size(); ++i)
    if (std::string found = type_difference(typed.type_of(typed.outputs()[i]), results[i]); !found.empty())
      return found;
  return "";
}

// Nothing for cases with sequences, and for those whose file states types of inner values.
std::optional<Case> load_case(const fs::path& folder) {
  try {
    const Graph graph = load_model(folder / "model.onnx");
    if (graph.nodes().size() != 1 || has_subgraph(graph)) return std::nullopt;
    return Case{graph, load_tensors(folder / "test_data_set_0", "input")};
  } catch (const UserError&) {
    return std::nullopt;
  }
}

void check_mutations(const fs::path& folder) {
  const std::optional<Case> original = load_case(folder);
  if (!original || original->inputs.size() != required_inputs(original->graph).size()) return;
  for (int i = 0; i < mutations_per_case; ++i) {
    Dice dice{RandomStream(static_cast<std::uint64_t>(i), folder.filename().string())};
    Tensors inputs = original->inputs;
    for (Tensor& input : inputs)
      if (dice.one_in(3)) input = mutated(input, dice);
    try {
      if (const std::string found = check(mutated(original->graph, inputs, dice), inputs); !found.empty())
        FAIL_CHECK(fmt::format("{} mutation {}: {}", folder.filename().string(), i, found));
    } catch (const std::exception& error) {
      FAIL_CHECK(fmt::format("{} mutation {}: {}", folder.filename().string(), i, error.what()));
    }
  }
}

TEST_CASE("a damaged conformance case is refused or runs as its types say") {
  const std::vector<fs::path> folders = cases_of("node");
  if (folders.empty()) MESSAGE(fmt::format("skipped: {} holds no node cases", suite_folder().string()));
  for (const fs::path& folder : folders) check_mutations(folder);
}

}  // namespace
}  // namespace edgeopt::conformance
