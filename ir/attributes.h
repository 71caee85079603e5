// The attributes of a node: every kind that ONNX has, in the order of the file.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "ir/tensor.h"

namespace edgeopt {

class Graph;
/// A subgraph; shared between copies of a graph because it is never changed in place.
using GraphPtr = std::shared_ptr<const Graph>;

/// An attribute value that edgeopt keeps without reading it (sparse tensors, type protos, kinds of later ONNX
/// versions): the serialized AttributeProto without its name.
struct OpaqueAttribute {
  std::string bytes;
  bool operator==(const OpaqueAttribute&) const = default;
};

/// Inside a model function: the value is that of the function's own attribute of this name.
struct AttributeReference {
  std::string name;
  std::int32_t kind = 0;  // AttributeProto.AttributeType
  bool operator==(const AttributeReference&) const = default;
};

struct Attribute {
  using Data = std::variant<std::int64_t, float, std::string, Tensor, GraphPtr, std::vector<std::int64_t>,
                            std::vector<float>, std::vector<std::string>, std::vector<Tensor>,
                            std::vector<GraphPtr>, AttributeReference, OpaqueAttribute>;
  Data data;
  std::string unknown_fields;  // serialized, written back as they were (doc_string included)

  Attribute() = default;
  /// Any of the kinds in Data. The constraint keeps copies and moves out, which clang-tidy 14 does not see.
  template <typename T>
  requires(std::is_constructible_v<Data, T&&> && !std::is_same_v<std::remove_cvref_t<T>, Attribute>)
      Attribute(T&& value)  // NOLINT(bugprone-forwarding-reference-overload)
      : data(std::forward<T>(value)) {}
  Attribute(int value) : data(std::int64_t{value}) {}         // NOLINT
  Attribute(const char* value) : data(std::string(value)) {}  // NOLINT

  /// Subgraphs are compared by what they hold.
  bool operator==(const Attribute& other) const;
};

/// An ordered list of named attributes; names are unique.
class Attributes {
 public:
  Attributes() = default;
  Attributes(std::initializer_list<std::pair<std::string, Attribute>> entries) : entries_(entries) {}

  const Attribute* find(std::string_view name) const;
  /// Adds it at the end, or replaces the one of that name.
  void set(std::string name, Attribute value);
  void remove(std::string_view name);
  bool is_empty() const { return entries_.empty(); }
  auto begin() const { return entries_.begin(); }
  auto end() const { return entries_.end(); }

  /// The value if the attribute is there and of this kind. throws UserError if it is there and of another
  /// kind
  template <typename T>
  const T* get(std::string_view name) const {
    const Attribute* attribute = find(name);
    if (!attribute) return nullptr;
    const T* value = std::get_if<T>(&attribute->data);
    if (!value) reject_kind(name);
    return value;
  }
  std::int64_t get_int(std::string_view name, std::int64_t otherwise) const;
  float get_float(std::string_view name, float otherwise) const;
  std::string get_string(std::string_view name, std::string_view otherwise) const;
  std::vector<std::int64_t> get_ints(std::string_view name, std::vector<std::int64_t> otherwise = {}) const;
  std::vector<float> get_floats(std::string_view name, std::vector<float> otherwise = {}) const;

  /// The same entries in any order: ONNX gives the order no meaning.
  bool operator==(const Attributes& other) const;

 private:
  [[noreturn]] void reject_kind(std::string_view name) const;
  std::vector<std::pair<std::string, Attribute>> entries_;
};

}  // namespace edgeopt
