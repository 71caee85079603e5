// Reading then writing changes nothing but layout.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>

#include "ir/edit.h"
#include "ir/onnx/onnx.h"
#include "tests/support/onnx_normal_form.h"
#include "tests/support/onnx_text.h"

namespace edgeopt {
namespace {

namespace fs = std::filesystem;

Graph graph_of(const std::string& bytes) { return model_from_bytes(std::as_bytes(std::span(bytes))); }
Graph graph_of(const onnx::ModelProto& model) { return graph_of(model.SerializeAsString()); }

std::optional<std::string> round_trip_difference(const std::string& bytes) {
  return difference_of_files(bytes, model_to_bytes(graph_of(bytes)));
}

void check_round_trip(const std::string& bytes) {
  const auto difference = round_trip_difference(bytes);
  CHECK_MESSAGE(!difference, difference.value_or(""));
}

onnx::ModelProto model_from_text(std::string_view text) {
  onnx::ModelProto model;
  REQUIRE(model.ParseFromString(model_bytes_from_text(text)));
  return model;
}

std::vector<fs::path> models_below(const fs::path& folder) {
  std::vector<fs::path> models;
  if (fs::is_directory(folder))
    for (const auto& entry : fs::recursive_directory_iterator(folder))
      if (entry.path().extension() == ".onnx") models.push_back(entry.path());
  std::ranges::sort(models);
  return models;
}

TEST_CASE("real models and ONNX's own test models survive reading and writing") {
  const fs::path shared = EDGEOPT_SOURCE_DIR "/../shared";
  for (const fs::path& folder : {shared / "models", shared / "data" / "onnx-backend-tests"}) {
    const std::vector<fs::path> models = models_below(folder);
    if (models.empty()) MESSAGE("skipped: there are no models in " << folder.filename().string());
    for (const fs::path& path : models) {
      INFO(path.string());
      std::string bytes;
      CHECK_NOTHROW(bytes = model_to_bytes(load_model(path)));
      const auto difference = difference_of_files(read_bytes(path), bytes);
      CHECK_MESSAGE(!difference, difference.value_or(""));
    }
  }
}

constexpr const char* mystery =
    R"(<ir_version: 8, opset_import: ["" : 17, "com.example" : 3], producer_name: "us",
  model_version: 4, doc_string: "words", metadata_props: ["key": "value"]>
g (float[N,4] x, float[4] w = {1, 2, 3, 4}) => (float[N,4] y)
<float[2] b = {5, 6}, float[N,4] t>
{
  t, , u = com.example.Mystery<alpha = 0.5, names = ["p", "q"], table = float[2] {1, 2}>(x, , w)
  y = com.example.Join<axis = -1>(t, u, b)
})";

TEST_CASE("operators and domains that nobody knows pass through untouched") {
  check_round_trip(model_bytes_from_text(mystery));
}

TEST_CASE("operands that are left out stay left out, trailing ones too") {
  const Graph graph = graph_from_text("g (float[2] x) => (float[2] y) { y, , = com.x.Op(x, , ) }");
  const Node& node = graph.node(graph.nodes()[0]);
  CHECK(node.inputs == std::vector{graph.inputs()[0], ValueId::none, ValueId::none});
  CHECK(node.outputs == std::vector{graph.outputs()[0], ValueId::none, ValueId::none});
  check_round_trip(model_bytes_from_text("g (float[2] x) => (float[2] y) { y, , = com.x.Op(x, , ) }"));
}

TEST_CASE("a constant that is listed among the inputs stays both") {
  const Graph graph = graph_from_text(mystery);
  REQUIRE(graph.inputs().size() == 2);
  const Value& weight = graph.value(graph.inputs()[1]);
  CHECK(weight.is_input);
  CHECK(weight.constant == Tensor::of<float>({4}, {1, 2, 3, 4}));
}

// Puts a field that no version of ONNX has yet into every kind of message below `message`.
void add_unknown_fields(google::protobuf::Message& message) {
  const auto& reflection = *message.GetReflection();
  reflection.MutableUnknownFields(&message)->AddLengthDelimited(7777, message.GetTypeName());
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const auto* field : fields) {
    if (field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) continue;
    for (int i = 0; field->is_repeated() && i < reflection.FieldSize(message, field); ++i)
      add_unknown_fields(*reflection.MutableRepeatedMessage(&message, field, i));
    if (!field->is_repeated()) add_unknown_fields(*reflection.MutableMessage(&message, field));
  }
}

onnx::ModelProto model_with_everything() {
  onnx::ModelProto model = model_from_text(mystery);
  onnx::GraphProto& graph = *model.mutable_graph();
  graph.set_doc_string("about the graph");
  graph.mutable_node(0)->set_doc_string("about the node");
  graph.mutable_node(0)->mutable_attribute(0)->set_doc_string("about the attribute");
  graph.mutable_input(0)->set_doc_string("about the input");
  onnx::TypeProto& type = *graph.mutable_input(0)->mutable_type();
  type.set_denotation("IMAGE");
  type.mutable_tensor_type()->mutable_shape()->mutable_dim(0)->set_denotation("DATA_BATCH");
  graph.mutable_initializer(0)->set_doc_string("about the initializer");
  graph.add_quantization_annotation()->set_tensor_name("x");
  onnx::ValueInfoProto& stale = *graph.add_value_info();
  stale.set_name("nobody");
  stale.mutable_type()->mutable_sequence_type()->mutable_elem_type()->mutable_tensor_type()->set_elem_type(1);
  onnx::ValueInfoProto& inner = *graph.add_value_info();
  inner.set_name("u");
  inner.mutable_type()->mutable_optional_type()->mutable_elem_type()->mutable_tensor_type()->set_elem_type(1);
  onnx::TrainingInfoProto& training = *model.add_training_info();
  training.mutable_algorithm()->set_name("step");
  onnx::FunctionProto& function = *model.add_functions();
  function.set_name("Join");
  function.set_domain("com.example");
  function.set_doc_string("about the function");
  for (const char* input : {"a", "b", "c"}) function.add_input(input);
  function.add_output("joined");
  function.add_attribute("axis");
  onnx::NodeProto& node = *function.add_node();
  node.set_op_type("Concat");
  for (const char* input : {"a", "b"}) node.add_input(input);
  node.add_output("joined");
  onnx::AttributeProto& reference = *node.add_attribute();
  reference.set_name("axis");
  reference.set_ref_attr_name("axis");
  reference.set_type(onnx::AttributeProto::INT);
  onnx::OperatorSetIdProto& opset = *function.add_opset_import();
  opset.set_version(17);
  return model;
}

TEST_CASE("words, annotations, functions and training steps survive") {
  const onnx::ModelProto model = model_with_everything();
  check_round_trip(model.SerializeAsString());
  const Graph graph = graph_of(model);
  REQUIRE(graph.header().functions.size() == 1);
  const Function& function = graph.header().functions[0];
  CHECK(function.body->opset() == 17);
  const Node& concat = function.body->node(function.body->nodes()[0]);
  CHECK(concat.attributes.get<AttributeReference>("axis")->name == "axis");
}

TEST_CASE("fields of later ONNX versions survive in every message") {
  onnx::ModelProto model = model_with_everything();
  add_unknown_fields(model);
  check_round_trip(model.SerializeAsString());
}

TEST_CASE("an attribute of a kind that is not known yet survives") {
  onnx::ModelProto model = model_from_text(mystery);
  onnx::AttributeProto& attribute = *model.mutable_graph()->mutable_node(0)->add_attribute();
  // name = "new", type (field 20) = 99, a value in field 50
  REQUIRE(attribute.ParseFromString(std::string("\x0a\x03new\xa0\x01\x63\x92\x03\x02hi", 13)));
  CHECK_FALSE(attribute.has_type());
  check_round_trip(model.SerializeAsString());
}

TEST_CASE("sparse and type attributes survive") {
  onnx::ModelProto model = model_from_text(mystery);
  onnx::AttributeProto& type = *model.mutable_graph()->mutable_node(0)->add_attribute();
  type.set_name("type");
  type.set_type(onnx::AttributeProto::TYPE_PROTO);
  type.mutable_tp()->mutable_tensor_type()->set_elem_type(1);
  onnx::AttributeProto& sparse = *model.mutable_graph()->mutable_node(0)->add_attribute();
  sparse.set_name("sparse");
  sparse.set_type(onnx::AttributeProto::SPARSE_TENSOR);
  sparse.mutable_sparse_tensor()->add_dims(3);
  check_round_trip(model.SerializeAsString());
}

TEST_CASE("a sparse initializer survives and can be read by nodes") {
  onnx::ModelProto model = model_from_text("g (float[3] x) => (float[3] y) { y = com.x.Add(x, x) }");
  onnx::SparseTensorProto& sparse = *model.mutable_graph()->add_sparse_initializer();
  sparse.add_dims(3);
  sparse.mutable_values()->set_name("w");
  sparse.mutable_values()->set_data_type(1);
  model.mutable_graph()->mutable_node(0)->set_input(1, "w");
  check_round_trip(model.SerializeAsString());
}

struct TypedElements {
  int data_type = 0;
  std::int64_t count = 0;
  std::string field;  // the elements as they stand in the message
  std::string raw;    // as a Tensor holds them
};

TEST_CASE("elements mean the same whichever field holds them") {
  const std::vector<TypedElements> examples = {
      {.data_type = 3,
       .count = 2,
       .field = {"\x2a\x0b\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x02", 13},
       .raw = "\xff\x02"},
      {.data_type = 10, .count = 1, .field = {"\x2a\x02\x80\x78", 4}, .raw = {"\x00\x3c", 2}},  // float16 1.0
      {.data_type = 9, .count = 2, .field = {"\x2a\x02\x01\x00", 4}, .raw = {"\x01\x00", 2}},   // bool
      {.data_type = 17, .count = 2, .field = {"\x2a\x03\x38\x80\x01", 5}, .raw = "\x38\x80"},  // float8e4m3fn
      {.data_type = 22, .count = 3, .field = {"\x2a\x03\xa1\x01\x03", 5}, .raw = "\xa1\x03"},  // int4, packed
      {.data_type = 12, .count = 1, .field = {"\x5a\x01\x07", 3}, .raw = {"\x07\x00\x00\x00", 4}},   // uint32
      {.data_type = 7, .count = 1, .field = {"\x3a\x01\x07", 3}, .raw = {"\x07\0\0\0\0\0\0\0", 8}},  // int64
      {.data_type = 14,
       .count = 1,
       .field = {"\x22\x08\0\0\x80\x3f\0\0\0\x40", 10},
       .raw = {"\0\0\x80\x3f\0\0\0\x40", 8}},
  };
  for (const TypedElements& example : examples) {
    CAPTURE(example.data_type);
    onnx::TensorProto header;
    header.add_dims(example.count);
    header.set_data_type(example.data_type);
    const std::string bytes = header.SerializeAsString() + example.field;
    const Tensor tensor = tensor_from_bytes(std::as_bytes(std::span(bytes)));
    const std::span<const std::byte> got = tensor.bytes();
    CHECK(std::string(reinterpret_cast<const char*>(got.data()), got.size()) == example.raw);
    header.set_raw_data(example.raw);
    CHECK(tensor_to_bytes(tensor) == header.SerializeAsString());
  }
}

TEST_CASE("element types that the ONNX library does not name survive") {
  onnx::ModelProto model = model_from_text("g (float[3] x) => (float[3] y) { y = com.x.Op(x) }");
  for (const int type : {22, 25, 99}) {
    onnx::TensorProto& tensor = *model.mutable_graph()->add_initializer();
    tensor.set_name("t" + std::to_string(type));
    tensor.set_data_type(type);
    tensor.add_dims(4);
    tensor.set_raw_data(type == 25 ? "a" : "ab");
    onnx::ValueInfoProto& info = *model.mutable_graph()->add_input();
    info.set_name("i" + std::to_string(type));
    info.mutable_type()->mutable_tensor_type()->set_elem_type(type);
  }
  check_round_trip(model.SerializeAsString());
}

TEST_CASE("a tensor file gives its tensor back") {
  const Tensor tensor = Tensor::of<float>({2, 1}, {1.5f, -2.0f});
  const std::string bytes = tensor_to_bytes(tensor, "x");
  CHECK(tensor_from_bytes(std::as_bytes(std::span(bytes))) == tensor);
  const Tensor words = Tensor::of_strings({2}, {"a", "\xff"});
  const std::string word_bytes = tensor_to_bytes(words);
  CHECK(tensor_from_bytes(std::as_bytes(std::span(word_bytes))) == words);
}

TEST_CASE("nodes in any order are sorted, those in order stay where they are") {
  onnx::ModelProto model =
      model_from_text("g (float[2] x) => (float[2] z) { a = Relu(x) b = Neg(x) z = Add(b, a) }");
  const Graph sorted = graph_of(model);
  model.mutable_graph()->mutable_node()->SwapElements(0, 2);
  const Graph graph = graph_of(model);
  CHECK_FALSE(structural_difference(graph, sorted));
  CHECK(graph.node(graph.nodes()[0]).op_type == "Neg");
  CHECK(graph.node(graph.nodes()[2]).op_type == "Add");
  CHECK(sorted.node(sorted.nodes()[0]).op_type == "Relu");
}

TEST_CASE("the same graph gives the same bytes") {
  const std::string once = model_to_bytes(graph_of(model_with_everything()));
  CHECK(model_to_bytes(graph_of(model_with_everything())) == once);
  CHECK(model_to_bytes(graph_of(once)) == once);
}

TEST_CASE("ONNX's own domain is one domain in both spellings") {
  onnx::ModelProto model = model_from_text("g (float[2] x) => (float[2] y) { y = Relu(x) }");
  model.mutable_opset_import(0)->set_domain("ai.onnx");
  model.mutable_graph()->mutable_node(0)->set_domain("ai.onnx");
  const Graph graph = graph_of(model);
  CHECK(graph.node(graph.nodes()[0]).is("Relu"));
  CHECK(graph.opset() == 18);
}

}  // namespace
}  // namespace edgeopt
