// One of the many protobuf messages that mean the same model, so that files can be compared.
#pragma once
#include <onnx/onnx_pb.h>

#include <optional>
#include <string>
#include <string_view>

namespace edgeopt {

/// The model in `bytes` with every freedom of layout taken away: elements as raw_data, fields that hold their
/// default absent, descriptions of values in the order of their names and each once.
onnx::ModelProto normal_form(std::string_view bytes);

/// Where two files differ beyond layout; nothing if they do not.
std::optional<std::string> difference_of_files(std::string_view before, std::string_view after);

/// The bytes of a file.
std::string read_bytes(const std::string& path);

}  // namespace edgeopt
