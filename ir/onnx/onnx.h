// ONNX files to graphs and back. Reading then writing changes nothing but layout: what the graph does not
// model is kept as serialized fields.
#pragma once
#include <climits>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "ir/graph.h"

namespace edgeopt {

/// The model in a file. External data is mapped, not copied; it must lie inside the model's folder.
/// throws  UserError if the file is missing, damaged, no ONNX model, or contradicts itself
Graph load_model(const std::filesystem::path& path);

/// The model in `bytes`; its external data, if any, is looked for in `folder` (empty: none is allowed).
/// throws  UserError like load_model, without the file's name
Graph model_from_bytes(std::span<const std::byte> bytes, const std::filesystem::path& folder = {});

struct SaveOptions {
  /// A model that is larger as one protobuf message gets external data; protobuf cannot read more than
  /// INT_MAX.
  std::size_t largest_message_bytes = INT_MAX;
};

/// Writes the model beside its final name and renames it. Tensors that came from external data go to
/// "<path>.data", and so do all above 1 KiB if the message would be too large. The same graph gives the same
/// bytes. throws  UserError if the file cannot be written
void save_model(const Graph& graph, const std::filesystem::path& path, SaveOptions options = {});

/// The model as one ONNX file with everything inside. throws UserError if it is larger than protobuf allows
std::string model_to_bytes(const Graph& graph);

/// The tensor in a TensorProto file (`input_0.pb` of ONNX's test data sets).
/// throws  UserError if the file holds something else, a sequence or an optional included
Tensor load_tensor(const std::filesystem::path& path);
Tensor tensor_from_bytes(std::span<const std::byte> bytes);
/// A TensorProto of this name.
std::string tensor_to_bytes(const Tensor& tensor, std::string_view name = "");

}  // namespace edgeopt
