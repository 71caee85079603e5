// Well-formed files with hostile contents: seeded changes of single fields of ONNX's own test models. Each
// file is read, inferred and written, or refused with a UserError.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>

#include "ir/infer.h"
#include "ir/onnx/onnx.h"
#include "support/error.h"
#include "support/random.h"
#include "tests/support/onnx_normal_form.h"

namespace edgeopt {
namespace {

namespace fs = std::filesystem;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr std::uint64_t seed = 1;
constexpr std::size_t model_step = 8;  // every eighth of some 1900 models
constexpr int changes_per_model = 10;
constexpr std::uintmax_t largest_model_bytes = 100'000;
constexpr std::array<std::int64_t, 10> hostile_numbers = {
    0, -1, 1, 3, 100, -7, std::int64_t{1} << 31, std::int64_t{1} << 40, INT64_MIN, INT64_MAX};

struct Field {
  Message* message;
  const FieldDescriptor* descriptor;
};

void collect_fields(Message& message, std::vector<Field>& fields) {
  const auto& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> present;
  reflection.ListFields(message, &present);
  for (const FieldDescriptor* field : present) {
    fields.push_back({&message, field});
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
    for (int i = 0; field->is_repeated() && i < reflection.FieldSize(message, field); ++i)
      collect_fields(*reflection.MutableRepeatedMessage(&message, field, i), fields);
    if (!field->is_repeated()) collect_fields(*reflection.MutableMessage(&message, field), fields);
  }
}

void change_repeated(const Field& field, RandomStream& stream) {
  auto& [message, descriptor] = field;
  const auto& reflection = *message->GetReflection();
  const std::int64_t number = hostile_numbers[stream.below(hostile_numbers.size())];
  const int at =
      static_cast<int>(stream.below(static_cast<std::uint64_t>(reflection.FieldSize(*message, descriptor))));
  if (stream.below(4) == 0)
    reflection.RemoveLast(message, descriptor);
  else if (descriptor->cpp_type() == FieldDescriptor::CPPTYPE_INT64)
    reflection.SetRepeatedInt64(message, descriptor, at, number);
  else if (descriptor->cpp_type() == FieldDescriptor::CPPTYPE_STRING)
    reflection.SetRepeatedString(message, descriptor, at, "");
  else
    reflection.SwapElements(message, descriptor, at, 0);
}

void change(const Field& field, RandomStream& stream) {
  auto& [message, descriptor] = field;
  const auto& reflection = *message->GetReflection();
  const std::int64_t number = hostile_numbers[stream.below(hostile_numbers.size())];
  if (descriptor->is_repeated())
    change_repeated(field, stream);
  else if (descriptor->cpp_type() == FieldDescriptor::CPPTYPE_INT64)
    reflection.SetInt64(message, descriptor, number);
  else if (descriptor->cpp_type() == FieldDescriptor::CPPTYPE_INT32)
    reflection.SetInt32(message, descriptor, static_cast<std::int32_t>(number));
  else if (descriptor->cpp_type() == FieldDescriptor::CPPTYPE_STRING)
    reflection.SetString(message, descriptor, reflection.GetString(*message, descriptor) + "x");
  else
    reflection.ClearField(message, descriptor);
}

void read_or_refuse(const std::string& bytes) {
  try {
    const Graph graph = with_inferred_types(model_from_bytes(std::as_bytes(std::span(bytes))));
    CHECK_FALSE(model_to_bytes(graph).empty());
  } catch (const UserError& error) {
    CHECK_FALSE(std::string(error.what()).empty());
  }
}

TEST_CASE("models with hostile numbers, names and missing parts are read or refused") {
  const fs::path folder = EDGEOPT_SOURCE_DIR "/../shared/data/onnx-backend-tests";
  std::vector<fs::path> paths;
  if (fs::is_directory(folder))
    for (const auto& entry : fs::recursive_directory_iterator(folder))
      if (entry.path().extension() == ".onnx" && entry.file_size() < largest_model_bytes)
        paths.push_back(entry.path());
  if (paths.empty()) MESSAGE("skipped: ONNX's test models are not there");
  std::ranges::sort(paths);
  for (std::size_t i = 0; i < paths.size(); i += model_step) {
    onnx::ModelProto original;
    REQUIRE(original.ParseFromString(read_bytes(paths[i].string())));
    RandomStream stream(seed, paths[i].parent_path().filename().string());
    for (int k = 0; k < changes_per_model; ++k) {
      INFO(paths[i].string() << ", change " << k);
      onnx::ModelProto model = original;
      std::vector<Field> fields;
      collect_fields(model, fields);
      change(fields[stream.below(fields.size())], stream);
      CHECK_NOTHROW(read_or_refuse(model.SerializePartialAsString()));
    }
  }
}

}  // namespace
}  // namespace edgeopt
