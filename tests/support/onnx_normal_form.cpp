#include "tests/support/onnx_normal_form.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <set>
#include <stdexcept>

namespace edgeopt {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using Attribute = onnx::AttributeProto;

constexpr int deepest_message = 1000;
constexpr std::size_t longest_report = 2000;

template <typename Elements>
void move_to_raw(onnx::TensorProto& tensor, Elements& elements, std::size_t width) {
  std::string raw;
  for (const auto element : elements) raw.append(reinterpret_cast<const char*>(&element), width);
  if (!raw.empty()) tensor.set_raw_data(raw);
  elements.Clear();
}

// int32_data holds every type of up to 32 bits, in the low bytes of its elements.
std::size_t width_in_int32_data(int data_type) {
  if (data_type == onnx::TensorProto::INT32) return 4;
  const std::set<int> two_bytes = {onnx::TensorProto::INT16, onnx::TensorProto::UINT16,
                                   onnx::TensorProto::FLOAT16, onnx::TensorProto::BFLOAT16};
  return two_bytes.contains(data_type) ? 2 : 1;
}

void normalize(onnx::TensorProto& tensor) {
  move_to_raw(tensor, *tensor.mutable_float_data(), sizeof(float));
  move_to_raw(tensor, *tensor.mutable_double_data(), sizeof(double));
  move_to_raw(tensor, *tensor.mutable_int64_data(), sizeof(std::int64_t));
  move_to_raw(tensor, *tensor.mutable_int32_data(), width_in_int32_data(tensor.data_type()));
  move_to_raw(tensor, *tensor.mutable_uint64_data(), tensor.data_type() == onnx::TensorProto::UINT32 ? 4 : 8);
  if (tensor.raw_data().empty()) tensor.clear_raw_data();
  if (tensor.data_location() == onnx::TensorProto::DEFAULT) tensor.clear_data_location();
}

void normalize(onnx::GraphProto& graph) {
  std::set<std::string> described;
  for (const auto& value : graph.input()) described.insert(value.name());
  for (const auto& value : graph.output()) described.insert(value.name());
  auto& infos = *graph.mutable_value_info();
  std::stable_sort(infos.begin(), infos.end(),
                   [](const auto& a, const auto& b) { return a.name() < b.name(); });
  for (int i = 0; i < infos.size();)
    if (described.insert(infos[i].name()).second)
      ++i;
    else
      infos.DeleteSubrange(i, 1);
}

void normalize(Attribute& attribute) {
  if (!attribute.ref_attr_name().empty()) return;
  if (attribute.type() == Attribute::INT) attribute.set_i(attribute.i());
  if (attribute.type() == Attribute::FLOAT) attribute.set_f(attribute.f());
  if (attribute.type() == Attribute::STRING) attribute.set_s(attribute.s());
}

void normalize_one(Message& message) {
  if (auto* tensor = dynamic_cast<onnx::TensorProto*>(&message)) normalize(*tensor);
  if (auto* graph = dynamic_cast<onnx::GraphProto*>(&message)) normalize(*graph);
  if (auto* attribute = dynamic_cast<Attribute*>(&message)) normalize(*attribute);
  if (auto* node = dynamic_cast<onnx::NodeProto*>(&message))
    if (node->domain() == "ai.onnx") node->clear_domain();
  if (auto* opset = dynamic_cast<onnx::OperatorSetIdProto*>(&message))
    if (opset->domain() == "ai.onnx") opset->clear_domain();
  if (auto* dim = dynamic_cast<onnx::TensorShapeProto::Dimension*>(&message))
    if (dim->has_dim_value() && dim->dim_value() < 0) dim->clear_dim_value();
}

void walk(Message& message) {
  normalize_one(message);
  const auto& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    const bool is_text = field->type() == FieldDescriptor::TYPE_STRING && !field->is_repeated();
    if (is_text && reflection.GetString(message, field).empty()) reflection.ClearField(&message, field);
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (!field->is_repeated()) walk(*reflection.MutableMessage(&message, field));
    for (int i = 0; field->is_repeated() && i < reflection.FieldSize(message, field); ++i)
      walk(*reflection.MutableRepeatedMessage(&message, field, i));
  }
}

}  // namespace

onnx::ModelProto normal_form(std::string_view bytes) {
  onnx::ModelProto model;
  google::protobuf::io::CodedInputStream stream(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                                static_cast<int>(bytes.size()));
  stream.SetRecursionLimit(deepest_message);
  if (!model.ParseFromCodedStream(&stream)) throw std::runtime_error("the file cannot be parsed");
  walk(model);
  return model;
}

std::optional<std::string> difference_of_files(std::string_view before, std::string_view after) {
  google::protobuf::util::MessageDifferencer differencer;
  std::string report;
  differencer.ReportDifferencesToString(&report);
  if (differencer.Compare(normal_form(before), normal_form(after))) return std::nullopt;
  return report.substr(0, longest_report);
}

std::string read_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace edgeopt
