// ModelProto files: parsing within limits, the model's header and functions, writing beside and renaming.
#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/stubs/logging.h>

#include <exception>

#include "ir/edit.h"
#include "ir/onnx/protos.h"
#include "support/error.h"

namespace edgeopt {
namespace {

namespace fs = std::filesystem;

// Three messages per nested subgraph, for rather more subgraphs than the reader accepts, so that its message
// is seen.
constexpr int deepest_message = 300;
// Models before this IR version imported no opsets and meant the first.
constexpr std::int64_t first_ir_version_with_opsets = 3;
// Below this, a tensor of its own page outside costs more than it saves.
constexpr std::size_t largest_tensor_kept_inside = 1024;

// Everything that goes wrong is reported by edgeopt itself.
void silence_protobuf() {
  static const auto previous = google::protobuf::SetLogHandler(nullptr);
  static_cast<void>(previous);
}

std::vector<OpsetImport> take_opsets(google::protobuf::RepeatedPtrField<onnx::OperatorSetIdProto>& entries) {
  std::vector<OpsetImport> imports;
  for (auto& entry : entries) {
    OpsetImport import{.domain = read_domain(entry.domain()), .version = entry.version()};
    entry.clear_domain();
    entry.clear_version();
    import.unknown_fields = rest_of(entry);
    imports.push_back(std::move(import));
  }
  entries.Clear();
  return imports;
}

template <typename Proto>
void write_opsets(Proto& proto, const std::vector<OpsetImport>& imports) {
  for (const OpsetImport& import : imports) {
    onnx::OperatorSetIdProto& entry = *proto.add_opset_import();
    restore(entry, import.unknown_fields);
    entry.set_domain(import.domain);
    entry.set_version(import.version);
  }
}

Function take_function(onnx::FunctionProto& proto, std::int64_t ir_version, DataFolder& folder) {
  Function function{.name = proto.name(), .domain = read_domain(proto.domain())};
  function.opset_imports = take_opsets(*proto.mutable_opset_import());
  function.attribute_names.assign(proto.attribute().begin(), proto.attribute().end());
  const ModelHeader header{.ir_version = ir_version, .opset_imports = function.opset_imports};
  function.body = std::make_shared<const Graph>(while_doing(fmt::format("function '{}'", function.name), [&] {
    return take_function_body(proto, header, folder);
  }));
  proto.clear_name();
  proto.clear_domain();
  proto.clear_attribute();
  function.unknown_fields = rest_of(proto);
  return function;
}

void write_function(onnx::FunctionProto& proto, const Function& function, DataFileLayout* layout) {
  restore(proto, function.unknown_fields);
  proto.set_name(function.name);
  proto.set_domain(function.domain);
  write_opsets(proto, function.opset_imports);
  for (const std::string& name : function.attribute_names) proto.add_attribute(name);
  write_function_body(proto, *function.body, layout);
}

void require_model(const onnx::ModelProto& proto) {
  if (proto.ir_version() <= 0 || !proto.has_graph())
    throw UserError("the file is no ONNX model: it has no IR version or no graph");
  if (proto.graph().node_size() == 0 && proto.graph().output_size() == 0)
    throw UserError("the file is no ONNX model: its graph computes nothing");
}

Graph take_model(onnx::ModelProto& proto, DataFolder& folder) {
  require_model(proto);
  ModelHeader header{.ir_version = proto.ir_version()};
  header.opset_imports = take_opsets(*proto.mutable_opset_import());
  if (header.opset_imports.empty() && header.ir_version < first_ir_version_with_opsets)
    header.opset_imports.push_back({.domain = "", .version = 1});
  const Graph graph = take_graph(*proto.mutable_graph(), header, folder);
  for (auto& function : *proto.mutable_functions())
    header.functions.push_back(take_function(function, header.ir_version, folder));
  proto.clear_ir_version();
  proto.clear_graph();
  proto.clear_functions();
  header.unknown_fields = rest_of(proto);
  Edit edit(graph);
  edit.set_header(std::move(header));
  return edit.apply();
}

void write_model(onnx::ModelProto& proto, const Graph& graph, DataFileLayout* layout) {
  const ModelHeader& header = graph.header();
  restore(proto, header.unknown_fields);
  proto.set_ir_version(header.ir_version);
  write_opsets(proto, header.opset_imports);
  write_graph(*proto.mutable_graph(), graph, layout);
  for (const Function& function : header.functions) write_function(*proto.add_functions(), function, layout);
}

// Failures of the file wait here: exceptions must not cross protobuf.
class FileStream : public google::protobuf::io::CopyingOutputStream {
 public:
  explicit FileStream(FileWriter& file) : file_(file) {}
  bool Write(const void* buffer, int size) override {
    try {
      file_.write(std::string_view(static_cast<const char*>(buffer), static_cast<std::size_t>(size)));
      return true;
    } catch (...) {
      failure_ = std::current_exception();
      return false;
    }
  }
  void rethrow_failure() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  FileWriter& file_;
  std::exception_ptr failure_;
};

void write_message(const google::protobuf::Message& message, FileWriter& file) {
  FileStream stream(file);
  {
    google::protobuf::io::CopyingOutputStreamAdaptor adaptor(&stream);
    google::protobuf::io::CodedOutputStream coded(&adaptor);
    coded.SetSerializationDeterministic(true);
    message.SerializeToCodedStream(&coded);
  }
  stream.rethrow_failure();
}

std::string_view hint_about(std::span<const std::byte> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.starts_with("version https://git-lfs"))
    return "; it is a Git LFS pointer: fetch the file itself with `git lfs pull`";
  return "; it is damaged, cut short or of another kind";
}

}  // namespace

std::string rest_of(const google::protobuf::Message& message) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  message.SerializePartialToCodedStream(&coded);
  coded.Trim();
  return bytes;
}

void restore(google::protobuf::Message& message, const std::string& rest) {
  if (rest.empty()) return;
  google::protobuf::io::CodedInputStream stream(reinterpret_cast<const std::uint8_t*>(rest.data()),
                                                static_cast<int>(rest.size()));
  stream.SetRecursionLimit(deepest_message);
  if (!message.MergePartialFromCodedStream(&stream)) throw InternalError("kept fields can no longer be read");
}

void parse_message(google::protobuf::Message& message, std::span<const std::byte> bytes,
                   std::string_view what) {
  silence_protobuf();
  if (bytes.empty()) throw UserError("the file is empty");
  if (bytes.size() > INT_MAX)
    throw UserError(fmt::format("the file has {} bytes; a {} can have 2 GiB, the rest must be external data",
                                bytes.size(), what));
  google::protobuf::io::CodedInputStream stream(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                                static_cast<int>(bytes.size()));
  stream.SetRecursionLimit(deepest_message);
  stream.SetTotalBytesLimit(INT_MAX);
  if (!message.ParsePartialFromCodedStream(&stream) || !stream.ConsumedEntireMessage())
    throw UserError(fmt::format("the file is no {}{}", what, hint_about(bytes)));
}

Graph model_from_bytes(std::span<const std::byte> bytes, const fs::path& folder) {
  onnx::ModelProto proto;
  parse_message(proto, bytes, "ONNX model");
  DataFolder data(folder);
  return take_model(proto, data);
}

Graph load_model(const fs::path& path) {
  return while_doing(fmt::format("loading '{}'", path.string()), [&] {
    const fs::path folder = path.parent_path();
    return model_from_bytes(MappedFile(path).bytes(), folder.empty() ? "." : folder);
  });
}

std::string model_to_bytes(const Graph& graph) {
  onnx::ModelProto proto;
  write_model(proto, graph, nullptr);
  if (proto.ByteSizeLong() > INT_MAX)
    throw UserError("the model is larger than the 2 GiB of one ONNX file; it needs external data");
  return rest_of(proto);
}

void save_model(const Graph& graph, const fs::path& path, SaveOptions options) {
  while_doing(fmt::format("saving '{}'", path.string()), [&] {
    const fs::path data_path = path.string() + ".data";
    DataFileLayout layout(data_path.filename().string(), SIZE_MAX);
    onnx::ModelProto proto;
    write_model(proto, graph, &layout);
    if (proto.ByteSizeLong() > options.largest_message_bytes) {
      layout = DataFileLayout(data_path.filename().string(), largest_tensor_kept_inside);
      proto.Clear();
      write_model(proto, graph, &layout);
    }
    if (proto.ByteSizeLong() > INT_MAX)
      throw UserError("the model without its tensors is larger than the 2 GiB that an ONNX file can have");
    FileWriter file(path);
    write_message(proto, file);
    if (!layout.is_empty()) {
      FileWriter data(data_path);
      layout.write(data);
      data.commit();
    }
    file.commit();
  });
}

}  // namespace edgeopt
