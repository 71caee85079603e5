// Graphs from ONNX's text syntax, for tests:  g (float[2] x) => (float[2] y) { y = Relu(x) }
#pragma once
#include <string>
#include <string_view>

#include "ir/graph.h"

namespace edgeopt {

/// The opset and IR version of a graph that is written without a `<ir_version: .., opset_import: [..]>`
/// header.
struct TextDefaults {
  int opset = 18;
  int ir_version = 8;
};

/// The graph that ONNX's own parser reads. `f(x, , y)` leaves an input out. What ONNX 1.12 cannot parse:
/// float16 and 4-bit elements, empty lists, infinities, names that are no identifiers, escapes in strings.
/// throws  UserError with the parser's message and the line
Graph graph_from_text(std::string_view text, TextDefaults defaults = {});

/// The same as the bytes of an ONNX file.
std::string model_bytes_from_text(std::string_view text, TextDefaults defaults = {});

}  // namespace edgeopt
