#include "tests/conformance/backend_cases.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>

#include "ir/edit.h"
#include "ir/infer.h"
#include "ir/onnx/onnx.h"
#include "ir/op.h"
#include "support/error.h"

namespace edgeopt::conformance {
namespace {

namespace fs = std::filesystem;

// Those of ONNX's own runner, onnx/backend/test/case/test_case.py.
constexpr double relative_tolerance = 1e-3;
constexpr double absolute_tolerance = 1e-7;

// The first operator of the graph or its subgraphs that edgeopt does not know; empty if it knows all.
std::string unknown_operator(const Graph& graph) {
  for (const NodeId id : graph.nodes()) {
    const Node& node = graph.node(id);
    const OpDefinition* op = find_op(node);
    if (!op || !op->evaluate) return node.domain.empty() ? node.op_type : node.domain + "." + node.op_type;
    for (const auto& [name, attribute] : node.attributes)
      if (const auto* subgraph = std::get_if<GraphPtr>(&attribute.data))
        if (std::string inner = unknown_operator(**subgraph); !inner.empty()) return inner;
  }
  return "";
}

// What the file declares about outputs taken away, so that the rules must find the types themselves.
Graph without_output_types(const Graph& graph) {
  Edit edit(graph);
  for (const ValueId output : graph.outputs())
    if (graph.producer(output)) edit.set_type(output, {}, false);
  return edit.apply();
}

bool is_close(double expected, double actual) {
  if (std::isnan(expected) || std::isnan(actual)) return std::isnan(expected) == std::isnan(actual);
  if (std::isinf(expected) || std::isinf(actual)) return expected == actual;
  return std::abs(expected - actual) <= absolute_tolerance + relative_tolerance * std::abs(expected);
}

std::string check_data_set(const Graph& graph, const Graph& typed, const fs::path& folder,
                           const Runner& run) {
  const Tensors results = run(graph, load_tensors(folder, "input"));
  const Tensors expected = load_tensors(folder, "output");
  if (results.size() != expected.size())
    return fmt::format("{} outputs, {} expected", results.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (std::string found = difference(expected[i], results[i]); !found.empty())
      return fmt::format("output {}: {}", i, found);
    if (std::string found = type_difference(typed.type_of(typed.outputs()[i]), results[i]); !found.empty())
      return fmt::format("output {}: {}", i, found);
  }
  return "";
}

}  // namespace

fs::path suite_folder() {
  if (const char* given = std::getenv("EDGEOPT_ONNX_BACKEND_TESTS")) return given;
  return fs::path(EDGEOPT_SOURCE_DIR).parent_path() / "shared" / "data" / "onnx-backend-tests";
}

Tensors load_tensors(const fs::path& folder, const std::string& prefix) {
  Tensors tensors;
  for (int i = 0; fs::exists(folder / fmt::format("{}_{}.pb", prefix, i)); ++i)
    tensors.push_back(load_tensor(folder / fmt::format("{}_{}.pb", prefix, i)));
  return tensors;
}

std::vector<fs::path> cases_of(const std::string& family) {
  std::vector<fs::path> folders;
  if (!fs::exists(suite_folder() / family)) return folders;
  for (const fs::directory_entry& entry : fs::directory_iterator(suite_folder() / family))
    if (fs::exists(entry.path() / "model.onnx")) folders.push_back(entry.path());
  std::ranges::sort(folders);
  return folders;
}

Outcome run_case(const fs::path& folder, const Runner& run) {
  try {
    const Graph graph = load_model(folder / "model.onnx");
    if (std::string unknown = unknown_operator(graph); !unknown.empty()) return {Verdict::unknown, unknown};
    const Graph typed = with_inferred_types(without_output_types(graph));
    for (int set = 0; fs::exists(folder / fmt::format("test_data_set_{}", set)); ++set)
      if (std::string found =
              check_data_set(graph, typed, folder / fmt::format("test_data_set_{}", set), run);
          !found.empty())
        return {Verdict::failed, found};
    return {};
  } catch (const std::exception& error) {
    return {Verdict::failed, error.what()};
  }
}

std::map<std::string, std::string> expected_failures(const std::string& list) {
  std::map<std::string, std::string> listed;
  std::ifstream file(fs::path(EDGEOPT_SOURCE_DIR) / "tests" / "conformance" / list);
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (!line.starts_with("#") && colon != std::string::npos)
      listed[line.substr(0, colon)] = line.substr(colon + 2);
  }
  return listed;
}

std::string type_difference(const ValueType& inferred, const Tensor& result) {
  if (!inferred.is_tensor()) return "";
  if (inferred.dtype != DataType::undefined && inferred.dtype != result.dtype())
    return fmt::format("inferred {}, but the result is {}", name_of(inferred.dtype), name_of(result.dtype()));
  if (!inferred.shape) return "";
  bool fits = inferred.shape->size() == result.rank();
  for (std::size_t i = 0; fits && i < result.rank(); ++i)
    fits = !(*inferred.shape)[i].is_number() || (*inferred.shape)[i].size == result.dims()[i];
  return fits ? ""
              : fmt::format("inferred {}, but the result is {}", to_string(*inferred.shape),
                            to_string(result.dims()));
}

std::string difference(const Tensor& expected, const Tensor& actual) {
  if (expected.dtype() != actual.dtype())
    return fmt::format("{} expected, {} found", name_of(expected.dtype()), name_of(actual.dtype()));
  if (expected.dims() != actual.dims())
    return fmt::format("shape {} expected, {} found", to_string(expected.dims()), to_string(actual.dims()));
  if (!is_floating_point(expected.dtype())) return expected == actual ? "" : "elements differ";
  const std::vector<double> wanted = to_doubles(expected), found = to_doubles(actual);
  for (std::size_t i = 0; i < wanted.size(); ++i)
    if (!is_close(wanted[i], found[i]))
      return fmt::format("element {} is {}, {} expected", i, found[i], wanted[i]);
  return "";
}

}  // namespace edgeopt::conformance
