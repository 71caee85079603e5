// External data: mapped from inside the model's folder, and from nowhere else.
#include <doctest/doctest.h>

#include <filesystem>
#include <functional>

#include "ir/edit.h"
#include "ir/onnx/onnx.h"
#include "support/error.h"
#include "support/file.h"
#include "tests/support/onnx_normal_form.h"
#include "tests/support/onnx_text.h"
#include "tests/support/temporary_folder.h"

namespace edgeopt {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t page_bytes = 4096;

void set_entry(onnx::TensorProto& tensor, const std::string& key, const std::string& text) {
  onnx::StringStringEntryProto& entry = *tensor.add_external_data();
  entry.set_key(key);
  entry.set_value(text);
}

// y = x + w, where w are two floats at offset 4 of the file at `location`.
onnx::ModelProto model_with_weight_at(const std::string& location) {
  onnx::ModelProto model;
  REQUIRE(model.ParseFromString(
      model_bytes_from_text("g (float[2] x) => (float[2] y) <float[2] w = {0, 0}> { y = com.x.Add(x, w) }")));
  onnx::TensorProto& weight = *model.mutable_graph()->mutable_initializer(0);
  weight.clear_float_data();
  weight.set_data_location(onnx::TensorProto::EXTERNAL);
  set_entry(weight, "location", location);
  set_entry(weight, "offset", "4");
  set_entry(weight, "length", "8");
  return model;
}

std::string four_floats() {
  const std::vector<float> floats = {1, 2, 3, 4};
  return {reinterpret_cast<const char*>(floats.data()), floats.size() * sizeof(float)};
}

Tensor weight_of(const Graph& graph) { return graph.constant(*graph.find_value("w")).value(); }

TEST_CASE("external data is read from its place in the file") {
  const TemporaryFolder folder;
  write_file(folder / "w.bin", four_floats());
  write_file(folder / "m.onnx", model_with_weight_at("w.bin").SerializeAsString());
  const Tensor weight = weight_of(load_model(folder / "m.onnx"));
  CHECK(weight.is_external());
  CHECK(std::ranges::equal(weight.data<float>(), std::vector<float>{2, 3}));
}

TEST_CASE("external data at an odd offset is copied into place") {
  const TemporaryFolder folder;
  write_file(folder / "w.bin", "?" + four_floats());
  onnx::ModelProto model = model_with_weight_at("w.bin");
  model.mutable_graph()->mutable_initializer(0)->mutable_external_data(1)->set_value("1");
  write_file(folder / "m.onnx", model.SerializeAsString());
  const Tensor weight = weight_of(load_model(folder / "m.onnx"));
  CHECK(std::ranges::equal(weight.data<float>(), std::vector<float>{1, 2}));
}

TEST_CASE("what came from external data is saved as external data, on pages of its own") {
  const TemporaryFolder folder;
  write_file(folder / "w.bin", four_floats());
  onnx::ModelProto model = model_with_weight_at("w.bin");
  onnx::TensorProto& second = *model.mutable_graph()->add_initializer();
  second = model.graph().initializer(0);
  second.set_name("v");
  second.mutable_external_data(1)->set_value("8");
  set_entry(second, "checksum", "of the old file");
  write_file(folder / "m.onnx", model.SerializeAsString());

  const Graph graph = load_model(folder / "m.onnx");
  save_model(graph, folder / "saved.onnx");
  const Graph saved = load_model(folder / "saved.onnx");
  CHECK(weight_of(saved) == weight_of(graph));
  CHECK(weight_of(saved).is_external());
  CHECK(fs::file_size(folder / "saved.onnx.data") == page_bytes + 8);
  onnx::ModelProto written;
  REQUIRE(written.ParseFromString(read_bytes(folder / "saved.onnx")));
  const onnx::TensorProto& moved = written.graph().initializer(1);
  REQUIRE(moved.external_data_size() == 3);
  CHECK(moved.external_data(0).value() == "saved.onnx.data");
  CHECK(moved.external_data(1).value() == std::to_string(page_bytes));
}

TEST_CASE("a model may be saved over the file that its weights are mapped from") {
  const TemporaryFolder folder;
  write_file(folder / "m.onnx.data", four_floats());
  write_file(folder / "m.onnx", model_with_weight_at("m.onnx.data").SerializeAsString());
  const Graph graph = load_model(folder / "m.onnx");
  save_model(graph, folder / "m.onnx");
  CHECK(weight_of(load_model(folder / "m.onnx")) == weight_of(graph));
  CHECK(std::ranges::equal(weight_of(graph).data<float>(), std::vector<float>{2, 3}));
}

TEST_CASE("a model that is too large for one message moves its large tensors outside") {
  const TemporaryFolder folder;
  Edit edit{Graph()};
  edit.set_header({.ir_version = 8, .opset_imports = {{.domain = "", .version = 18}}});
  const ValueId large = edit.add_constant(Tensor(DataType::float32, {1000}), "large");
  const ValueId small = edit.add_constant(Tensor(DataType::float32, {4}), "small");
  edit.add_output(edit.add_node({.op_type = "Sum", .inputs = {large, small}, .domain = "com.x"})[0]);
  const Graph graph = edit.apply();
  save_model(graph, folder / "whole.onnx");
  CHECK_FALSE(fs::exists(folder / "whole.onnx.data"));
  save_model(graph, folder / "split.onnx", {.largest_message_bytes = 2000});
  CHECK(fs::file_size(folder / "split.onnx.data") == 4000);
  const Graph split = load_model(folder / "split.onnx");
  CHECK(split.constant(*split.find_value("large"))->is_external());
  CHECK_FALSE(split.constant(*split.find_value("small"))->is_external());
  CHECK(split == graph);
}

TEST_CASE("external data never leads out of the model's folder") {
  const TemporaryFolder folder;
  fs::create_directory(folder / "model");
  write_file(folder / "w.bin", four_floats());
  fs::create_symlink(folder / "w.bin", folder / "model" / "link.bin");
  fs::create_directory_symlink(folder.path(), folder / "model" / "outside");
  const std::vector<std::string> escapes = {"../w.bin",
                                            (folder / "w.bin").string(),
                                            "link.bin",
                                            "outside/w.bin",
                                            "a/../../w.bin",
                                            "",
                                            ".",
                                            "missing.bin",
                                            "/dev/zero"};
  for (const std::string& location : escapes) {
    CAPTURE(location);
    write_file(folder / "model" / "m.onnx", model_with_weight_at(location).SerializeAsString());
    CHECK_THROWS_WITH_AS(load_model(folder / "model" / "m.onnx"), doctest::Contains("external data"),
                         UserError);
  }
}

TEST_CASE("external data that is cut short or badly described is refused") {
  const TemporaryFolder folder;
  write_file(folder / "w.bin", four_floats());
  const std::vector<std::pair<int, std::string>> mistakes = {
      {1, "12"}, {1, "-4"}, {1, "18446744073709551615"}, {1, "four"},
      {2, "4"},  {2, "12"}, {2, "18446744073709551612"}};
  for (const auto& [entry, text] : mistakes) {
    CAPTURE(text);
    onnx::ModelProto model = model_with_weight_at("w.bin");
    model.mutable_graph()->mutable_initializer(0)->mutable_external_data(entry)->set_value(text);
    write_file(folder / "m.onnx", model.SerializeAsString());
    CHECK_THROWS_WITH_AS(load_model(folder / "m.onnx"), doctest::Contains("initializer 'w'"), UserError);
  }
}

TEST_CASE("a model from bytes has no folder for external data") {
  const std::string bytes = model_with_weight_at("w.bin").SerializeAsString();
  CHECK_THROWS_WITH_AS(model_from_bytes(std::as_bytes(std::span(bytes))), doctest::Contains("no folder"),
                       UserError);
}

}  // namespace
}  // namespace edgeopt
