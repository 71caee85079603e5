// What the files of ir/onnx share: protobuf messages to and from the pieces of a graph. Included nowhere
// else. Readers empty the message they are given; what they leave in it is what edgeopt does not model.
#pragma once
#include <onnx/onnx_pb.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ir/graph.h"
#include "ir/onnx/onnx.h"
#include "support/file.h"

namespace edgeopt {

/// The fields that are left in a message, as deterministic bytes.
std::string rest_of(const google::protobuf::Message& message);
/// Puts back what rest_of kept.
void restore(google::protobuf::Message& message, const std::string& rest);
/// Parses a whole message. throws UserError saying that it is no `what`
void parse_message(google::protobuf::Message& message, std::span<const std::byte> bytes,
                   std::string_view what);

/// The folder in which a model's external data must lie; maps each file once.
class DataFolder {
 public:
  explicit DataFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}
  /// The mapped file. throws UserError if `location` leads out of the folder or is no regular file
  std::shared_ptr<const MappedFile> open(const std::string& location);

 private:
  std::filesystem::path folder_;
  std::map<std::string, std::shared_ptr<const MappedFile>> files_;
};

/// Which tensors go to an external data file, and where in it they lie.
class DataFileLayout {
 public:
  /// `largest_inside`: tensors of more bytes go outside even if they did not come from there.
  DataFileLayout(std::string location, std::size_t largest_inside)
      : location_(std::move(location)), largest_inside_(largest_inside) {}

  /// The offset of the tensor in the data file, or nothing if it stays in the message.
  std::optional<std::size_t> place(const Tensor& tensor);
  const std::string& location() const { return location_; }
  bool is_empty() const { return tensors_.empty(); }
  void write(FileWriter& file) const;

 private:
  std::string location_;
  std::size_t largest_inside_;
  std::size_t end_ = 0;
  std::vector<std::pair<std::size_t, Tensor>> tensors_;
  std::map<const std::byte*, std::size_t> offsets_;  // equal bytes are written once
};

/// Takes data type, dims and elements out of the message.
Tensor take_tensor(onnx::TensorProto& proto, DataFolder& folder);
/// `layout` is null where no data file is written.
void write_tensor(onnx::TensorProto& proto, const Tensor& tensor, DataFileLayout* layout);

/// Takes everything but the name out of the message; nothing, and the message stays whole, for forms that are
/// not read.
std::optional<Tensor> take_sparse_tensor(onnx::SparseTensorProto& proto, DataFolder& folder);
void write_sparse_tensor(onnx::SparseTensorProto& proto, const Tensor& tensor);

/// Takes the type out of the message.
ValueType take_type(onnx::TypeProto& proto);
void write_type(onnx::TypeProto& proto, const ValueType& type);

/// ONNX's own domain has two spellings.
inline std::string read_domain(const std::string& domain) { return domain == "ai.onnx" ? "" : domain; }

Graph take_graph(onnx::GraphProto& proto, const ModelHeader& header, DataFolder& folder);
Graph take_function_body(onnx::FunctionProto& proto, const ModelHeader& header, DataFolder& folder);
void write_graph(onnx::GraphProto& proto, const Graph& graph, DataFileLayout* layout);
void write_function_body(onnx::FunctionProto& proto, const Graph& body, DataFileLayout* layout);

}  // namespace edgeopt
