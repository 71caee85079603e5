// Our shape inference against ONNX's own, on whole models: it may know more or less, never something else.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <onnx/onnx_pb.h>
#include <onnx/shape_inference/implementation.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

#include "ir/infer.h"
#include "ir/onnx/onnx.h"
#include "tests/conformance/backend_cases.h"

namespace edgeopt::conformance {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> shared_models() {
  std::vector<fs::path> models;
  const fs::path folder = suite_folder().parent_path().parent_path() / "models";
  if (!fs::exists(folder)) return models;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder))
    if (entry.path().extension() == ".onnx") models.push_back(entry.path());
  std::ranges::sort(models);
  return models;
}

// ONNX's inference takes initializers for constants even where the graph's inputs let a caller override them;
// edgeopt does not. Without these inputs the two mean the same.
constexpr int first_ir_version_with_overridable_inputs = 4;

void remove_overridable_inputs(onnx::GraphProto& graph) {
  std::set<std::string> initialized;
  for (const onnx::TensorProto& tensor : graph.initializer()) initialized.insert(tensor.name());
  auto& inputs = *graph.mutable_input();
  for (int i = inputs.size(); i-- > 0;)
    if (initialized.contains(inputs[i].name())) inputs.DeleteSubrange(i, 1);
}

// The model without the types that its file states for inner values: both sides must find them.
onnx::ModelProto untyped_model(const fs::path& path) {
  onnx::ModelProto model;
  std::ifstream file(path, std::ios::binary);
  REQUIRE(model.ParseFromIstream(&file));
  model.mutable_graph()->clear_value_info();
  if (model.ir_version() >= first_ir_version_with_overridable_inputs)
    remove_overridable_inputs(*model.mutable_graph());
  return model;
}

bool contradicts(const Dim& ours, const onnx::TensorShapeProto_Dimension& theirs) {
  return ours.is_number() && theirs.has_dim_value() && ours.size != theirs.dim_value();
}

// Empty if the two agree wherever both know something.
std::string contradiction(const ValueType& ours, const onnx::TypeProto_Tensor& theirs) {
  if (ours.dtype != DataType::undefined && theirs.elem_type() != 0 &&
      static_cast<std::int32_t>(ours.dtype) != theirs.elem_type())
    return fmt::format("{} against ONNX's element type {}", name_of(ours.dtype), theirs.elem_type());
  if (!ours.shape || !theirs.has_shape()) return "";
  bool fits = static_cast<int>(ours.shape->size()) == theirs.shape().dim_size();
  for (int i = 0; fits && i < theirs.shape().dim_size(); ++i)
    fits = !contradicts((*ours.shape)[static_cast<std::size_t>(i)], theirs.shape().dim(i));
  return fits
             ? ""
             : fmt::format("{} against ONNX's {}", to_string(*ours.shape), theirs.shape().ShortDebugString());
}

// How many dims are known as numbers.
struct Known {
  std::int64_t ours = 0, theirs = 0;
};

void compare(const Graph& ours, const onnx::ValueInfoProto& theirs, Known& known) {
  const std::optional<ValueId> value = ours.find_value(theirs.name());
  if (!value || !theirs.type().has_tensor_type()) return;
  const onnx::TypeProto_Tensor& type = theirs.type().tensor_type();
  if (const std::string found = contradiction(ours.type_of(*value), type); !found.empty())
    FAIL_CHECK(fmt::format("'{}': {}", theirs.name(), found));
  if (const auto& shape = ours.type_of(*value).shape)
    known.ours += std::ranges::count_if(*shape, &Dim::is_number);
  known.theirs +=
      std::ranges::count_if(type.shape().dim(), [](const auto& dim) { return dim.has_dim_value(); });
}

TEST_CASE("shape inference never contradicts ONNX's own") {
  const std::vector<fs::path> models = shared_models();
  if (models.empty()) MESSAGE("skipped: no shared models beside the checkout");
  for (const fs::path& path : models) {
    CAPTURE(path.filename().string());
    onnx::ModelProto model = untyped_model(path);
    const std::string bytes = model.SerializeAsString();
    const Graph ours = with_inferred_types(model_from_bytes(std::as_bytes(std::span(bytes))));
    onnx::shape_inference::InferShapes(model);
    Known known;
    for (const onnx::ValueInfoProto& value : model.graph().value_info()) compare(ours, value, known);
    for (const onnx::ValueInfoProto& value : model.graph().output()) compare(ours, value, known);
    MESSAGE(
        fmt::format("{}: {} dims known, ONNX knows {}", path.filename().string(), known.ours, known.theirs));
    CHECK(known.ours >= known.theirs);
  }
}

}  // namespace
}  // namespace edgeopt::conformance
