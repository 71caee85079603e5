#include "tests/support/onnx_text.h"

#include <fmt/format.h>
#include <onnx/defs/parser.h>

#include "ir/onnx/onnx.h"
#include "support/error.h"

namespace edgeopt {

std::string model_bytes_from_text(std::string_view text, TextDefaults defaults) {
  std::string model_text(text);
  const std::size_t start = text.find_first_not_of(" \t\n");
  if (start != std::string_view::npos && text[start] != '<')
    model_text = fmt::format("<ir_version: {}, opset_import: [\"\" : {}]> {}", defaults.ir_version,
                             defaults.opset, text);
  onnx::ModelProto model;
  const onnx::Common::Status status = onnx::OnnxParser::Parse(model, model_text.c_str());
  if (!status.IsOK()) throw UserError(fmt::format("{}\nin the text:\n{}", status.ErrorMessage(), model_text));
  return model.SerializeAsString();
}

Graph graph_from_text(std::string_view text, TextDefaults defaults) {
  const std::string bytes = model_bytes_from_text(text, defaults);
  return model_from_bytes(std::as_bytes(std::span(bytes)));
}

}  // namespace edgeopt
