// Files that are damaged, hostile or no ONNX at all: one clear UserError, never a crash.
#include <doctest/doctest.h>

#include <filesystem>
#include <functional>

#include "ir/onnx/onnx.h"
#include "support/error.h"
#include "support/file.h"
#include "support/random.h"
#include "tests/support/onnx_normal_form.h"
#include "tests/support/onnx_text.h"
#include "tests/support/temporary_folder.h"

namespace edgeopt {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t seed = 1;
constexpr int flip_count = 2000;
constexpr int cut_count = 500;

constexpr const char* small_model = R"(
  g (float[2,3] x, bool flag) => (float[2,3] y)
  <float[3] w = {1, 2, 3}, string[1] s = {"a"}>
  {
    a = Add(x, w)
    y = If<then_branch = yes () => (float[2,3] p) { p = Neg(a) },
           else_branch = no () => (float[2,3] q) { q = Relu(a) }>(flag)
  })";

// Reads the file; a file that can be read must also be writable.
void read_or_refuse(const std::string& bytes) {
  try {
    const Graph graph = model_from_bytes(std::as_bytes(std::span(bytes)));
    CHECK_FALSE(model_to_bytes(graph).empty());
  } catch (const UserError& error) {
    CHECK(std::string(error.what()).size() > 10);
  }
}

onnx::ModelProto broken_by(const std::function<void(onnx::GraphProto&)>& break_it) {
  onnx::ModelProto model;
  REQUIRE(model.ParseFromString(model_bytes_from_text(small_model)));
  break_it(*model.mutable_graph());
  return model;
}

void check_refused(const char* message, const std::function<void(onnx::GraphProto&)>& break_it) {
  CAPTURE(message);
  const std::string bytes = broken_by(break_it).SerializeAsString();
  CHECK_THROWS_WITH_AS(model_from_bytes(std::as_bytes(std::span(bytes))), doctest::Contains(message),
                       UserError);
}

std::vector<std::string> victims() {
  std::vector<std::string> files = {model_bytes_from_text(small_model)};
  for (const char* name : {"mnist-cntk.onnx", "silero-vad.onnx"}) {
    const fs::path path = fs::path(EDGEOPT_SOURCE_DIR "/../shared/models") / name;
    if (fs::exists(path)) files.push_back(read_bytes(path.string()));
  }
  return files;
}

TEST_CASE("a file that is cut short anywhere is read or refused") {
  for (const std::string& file : victims()) {
    const std::size_t step = std::max<std::size_t>(1, file.size() / cut_count);
    for (std::size_t length = 0; length < file.size(); length += step) {
      CAPTURE(length);
      CHECK_NOTHROW(read_or_refuse(file.substr(0, length)));
    }
  }
}

TEST_CASE("a file with flipped bytes is read or refused") {
  for (const std::string& file : victims()) {
    RandomStream stream(seed, "flips");
    for (int i = 0; i < flip_count; ++i) {
      std::string damaged = file;
      // The first bytes hold the structure; large weights would swallow most flips.
      const std::size_t reach = i % 2 == 0 ? std::min<std::size_t>(file.size(), 4096) : file.size();
      for (std::uint64_t count = stream.below(4) + 1; count > 0; --count)
        damaged[stream.below(reach)] = static_cast<char>(stream.below(256));
      CAPTURE(i);
      CHECK_NOTHROW(read_or_refuse(damaged));
    }
  }
}

TEST_CASE("a file that is no ONNX model is named with what it is not") {
  const TemporaryFolder folder;
  const std::vector<std::pair<std::string, std::string>> files = {
      {"", "the file is empty"},
      {"Just some words in a text file.\n", "no ONNX model"},
      {"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "git lfs pull"},
      {"\xff\xd8\xff\xe0JFIF", "no ONNX model"},
      {std::string(100, '\0'), "no ONNX model"},
      {tensor_to_bytes(Tensor::of<float>({2}, {1, 2}), "x"), "no ONNX model"},
  };
  for (const auto& [content, message] : files) {
    CAPTURE(message);
    write_file(folder / "m.onnx", content);
    CHECK_THROWS_WITH_AS(load_model(folder / "m.onnx"), doctest::Contains(message.c_str()), UserError);
    CHECK_THROWS_WITH_AS(load_model(folder / "m.onnx"), doctest::Contains("loading '"), UserError);
  }
  CHECK_THROWS_WITH_AS(load_model(folder / "absent.onnx"), doctest::Contains("absent.onnx"), UserError);
  CHECK_THROWS_AS(load_model(folder.path()), UserError);
}

TEST_CASE("graphs that contradict themselves are refused with the place") {
  using Graphs = onnx::GraphProto;
  check_refused("node 'a' (Add): input 1 is 'absent', which no input",
                [](Graphs& g) { g.mutable_node(0)->set_input(1, "absent"); });
  check_refused("'x' has the name of another value",
                [](Graphs& g) { g.mutable_node(0)->set_output(0, "x"); });
  check_refused("'w' has the name of another value",
                [](Graphs& g) { *g.add_initializer() = g.initializer(0); });
  check_refused("'x' has the name of another value", [](Graphs& g) { *g.add_input() = g.input(0); });
  check_refused("has no name", [](Graphs& g) { g.add_input(); });
  check_refused("the nodes form a cycle", [](Graphs& g) { g.mutable_node(0)->set_input(0, "y"); });
  check_refused("the output 'z' is computed by no node",
                [](Graphs& g) { g.mutable_output(0)->set_name("z"); });
  check_refused("attribute 'then_branch' is given twice",
                [](Graphs& g) { *g.mutable_node(1)->add_attribute() = g.node(1).attribute(0); });
}

TEST_CASE("tensors whose bytes do not fit their dims are refused") {
  using Graphs = onnx::GraphProto;
  check_refused("initializer 'w': a tensor has the shape -3",
                [](Graphs& g) { g.mutable_initializer(0)->set_dims(0, -3); });
  check_refused("initializer 'w': a float tensor of shape [4] needs 16 bytes",
                [](Graphs& g) { g.mutable_initializer(0)->set_dims(0, 4); });
  check_refused("initializer 'w'", [](Graphs& g) { g.mutable_initializer(0)->clear_float_data(); });
  check_refused("initializer 'w'", [](Graphs& g) {
    g.mutable_initializer(0)->set_dims(0, std::int64_t{1} << 40);
    g.mutable_initializer(0)->add_dims(std::int64_t{1} << 40);
  });
  // 2^59 elements of 32 bits: the bits overflow 64 bits to no bytes at all.
  check_refused("initializer 'w'", [](Graphs& g) {
    g.mutable_initializer(0)->clear_float_data();
    g.mutable_initializer(0)->set_dims(0, std::int64_t{1} << 59);
  });
  check_refused("a dim of more than 2^48", [](Graphs& g) {
    g.mutable_input(0)->mutable_type()->mutable_tensor_type()->mutable_shape()->mutable_dim(0)->set_dim_value(
        INT64_MAX);
  });
  check_refused("initializer 's'",
                [](Graphs& g) { g.mutable_initializer(1)->set_dims(0, std::int64_t{1} << 60); });
}

TEST_CASE("subgraphs that are nested without end are refused") {
  for (const int depth : {66, 90, 5000}) {
    onnx::ModelProto model = broken_by([](auto&) {});
    onnx::GraphProto innermost;
    for (int i = 0; i < depth; ++i) {
      onnx::GraphProto wrapped;
      onnx::NodeProto& node = *wrapped.add_node();
      node.set_op_type("If");
      onnx::AttributeProto& attribute = *node.add_attribute();
      attribute.set_name("then_branch");
      attribute.set_type(onnx::AttributeProto::GRAPH);
      attribute.mutable_g()->Swap(&innermost);
      innermost.Swap(&wrapped);
    }
    *model.mutable_graph()->mutable_node(1)->mutable_attribute(0)->mutable_g() = innermost;
    const std::string bytes = model.SerializeAsString();
    CHECK_THROWS_AS(model_from_bytes(std::as_bytes(std::span(bytes))), UserError);
  }
}

TEST_CASE("names that are no UTF-8 are kept as they are") {
  const std::string bytes =
      broken_by([](onnx::GraphProto& g) { g.mutable_node(0)->set_name("\xff\xfe"); }).SerializeAsString();
  const Graph graph = model_from_bytes(std::as_bytes(std::span(bytes)));
  CHECK(graph.node(graph.nodes()[0]).name == "\xff\xfe");
  CHECK_FALSE(difference_of_files(bytes, model_to_bytes(graph)));
}

TEST_CASE("sequences and optionals are no tensors") {
  onnx::TensorProto element;
  element.add_dims(1);
  element.set_data_type(1);
  element.set_raw_data("abcd");
  // SequenceProto: name (1), elem_type (2) = 1, tensor_values (3)
  const std::string tensor = element.SerializeAsString();
  const std::string sequence =
      std::string("\x0a\x01s\x10\x01\x1a") + static_cast<char>(tensor.size()) + tensor;
  CHECK_THROWS_WITH_AS(tensor_from_bytes(std::as_bytes(std::span(sequence))), doctest::Contains("sequence"),
                       UserError);
}

}  // namespace
}  // namespace edgeopt
