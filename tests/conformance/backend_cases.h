// ONNX's own conformance suite: folders with model.onnx and test_data_set_K/{input,output}_J.pb.
#pragma once
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "ir/graph.h"

namespace edgeopt::conformance {

/// Something that runs models: the slow evaluation, or an engine.
using Runner = std::function<Tensors(const Graph& graph, const Tensors& inputs)>;

/// The folders of a family ("node"), sorted; empty if the suite is not there.
std::vector<std::filesystem::path> cases_of(const std::string& family);
/// ../shared/data/onnx-backend-tests beside the checkout, or $EDGEOPT_ONNX_BACKEND_TESTS.
std::filesystem::path suite_folder();

/// The tensors <prefix>_0.pb, <prefix>_1.pb, ... of a data set. throws UserError if one is no tensor
Tensors load_tensors(const std::filesystem::path& folder, const std::string& prefix);

enum class Verdict { passed, failed, unknown };
struct Outcome {
  Verdict verdict = Verdict::passed;
  std::string reason;  // why it failed, or which operator is unknown
};

/// Runs every data set of a case and checks values and inferred types against the results.
Outcome run_case(const std::filesystem::path& folder, const Runner& run);

/// Name -> reason, from the lines "name: reason" of a list in tests/conformance/.
std::map<std::string, std::string> expected_failures(const std::string& list);

/// Where two results differ beyond ONNX's own tolerance (relative 1e-3, absolute 1e-7), in words; empty if
/// nowhere.
std::string difference(const Tensor& expected, const Tensor& actual);

/// How a result contradicts the type that was inferred for it, in words; empty if it does not.
std::string type_difference(const ValueType& inferred, const Tensor& result);

}  // namespace edgeopt::conformance
