// Graph -> ONNX's text syntax:  g (float[N,4] x) => (float[N,4] y) { y = Relu(x) }
// Names that are no identifiers stand in quotes. Half-precision elements are printed as numbers with a point,
// which ONNX's parser refuses (it wants their bits); long constants end in "...".
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>

#include "ir/graph.h"

namespace edgeopt {
namespace {

bool is_identifier(std::string_view name) {
  const auto is_word = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; };
  return !name.empty() && std::isdigit(static_cast<unsigned char>(name[0])) == 0 &&
         std::ranges::all_of(name, is_word);
}

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + '"';
}

std::string name_text(std::string_view name) {
  return is_identifier(name) ? std::string(name) : quoted(name);
}

// The shortest digits that read back as the same number, always with a point or an exponent.
template <typename Float>
std::string float_text(Float number) {
  std::string text = fmt::format("{}", number);
  return text.find_first_of(".en") == std::string::npos ? text + ".0" : text;
}

std::string type_text(const ValueType& type) {
  if (!type.is_tensor()) return "opaque";
  std::string text = name_of(type.dtype);
  if (!type.shape) return text + "[]";
  return type.shape->empty() ? text : text + to_string(*type.shape);
}

class TextWriter {
 public:
  explicit TextWriter(std::int64_t longest_constant) : longest_constant_(longest_constant) {}

  std::string take() { return std::move(text_); }

  void write_header(const ModelHeader& header) {
    text_ += fmt::format("<ir_version: {}, opset_import: {}>\n", header.ir_version,
                         opsets_text(header.opset_imports));
  }

  void write_graph(const Graph& graph) {
    text_ += fmt::format("{} ({}) => ({})", name_text(graph.name().empty() ? "g" : graph.name()),
                         inputs_text(graph), outputs_text(graph));
    if (const std::string inner = inner_text(graph); !inner.empty())
      text_ += fmt::format("\n{}<{}>", margin(), inner);
    write_nodes(graph);
  }

  void write_function(const Function& function) {
    text_ += fmt::format("\n<domain: {}, opset_import: {}>\n", quoted(function.domain),
                         opsets_text(function.opset_imports));
    text_ += name_text(function.name);
    if (!function.attribute_names.empty())
      text_ += fmt::format(" <{}>", fmt::join(function.attribute_names, ", "));
    const auto names = [&](std::span<const ValueId> ids) { return operands_text(*function.body, ids); };
    text_ += fmt::format(" ({}) => ({})", names(function.body->inputs()), names(function.body->outputs()));
    write_nodes(*function.body);
  }

 private:
  std::string margin() const { return std::string(static_cast<std::size_t>(depth_) * 2, ' '); }

  static std::string opsets_text(const std::vector<OpsetImport>& imports) {
    std::vector<std::string> entries;
    entries.reserve(imports.size());
    for (const OpsetImport& import : imports)
      entries.push_back(fmt::format("{} : {}", quoted(import.domain), import.version));
    return fmt::format("[{}]", fmt::join(entries, ", "));
  }

  std::string value_text(const Value& value) const {
    const bool is_typed = value.type.dtype != DataType::undefined || !value.type.is_tensor();
    std::string text = is_typed ? type_text(value.type) + " " : "";
    text += name_text(value.name);
    return value.constant ? text + " = " + elements_text(*value.constant) : text;
  }

  std::string inputs_text(const Graph& graph) const {
    std::vector<std::string> entries;
    for (const ValueId id : graph.inputs()) entries.push_back(value_text(graph.value(id)));
    return fmt::format("{}", fmt::join(entries, ", "));
  }

  std::string outputs_text(const Graph& graph) const {
    std::vector<std::string> entries;
    for (const ValueId id : graph.outputs()) {
      Value value = graph.value(id);
      value.constant.reset();
      entries.push_back(value_text(value));
    }
    return fmt::format("{}", fmt::join(entries, ", "));
  }

  // Constants, and inner values whose type the file declares.
  std::string inner_text(const Graph& graph) const {
    std::vector<std::string> entries;
    for (const ValueId id : graph.values()) {
      const Value& value = graph.value(id);
      const bool is_shown = value.constant || (value.is_type_declared && !graph.is_output(id));
      if (is_shown && !value.is_input) entries.push_back(value_text(value));
    }
    return fmt::format("{}", fmt::join(entries, ", "));
  }

  static std::string operands_text(const Graph& graph, std::span<const ValueId> ids) {
    std::vector<std::string> entries;
    for (const ValueId id : ids) entries.push_back(id == ValueId::none ? "" : name_text(graph.name_of(id)));
    return fmt::format("{}", fmt::join(entries, ", "));
  }

  void write_nodes(const Graph& graph) {
    text_ += fmt::format("\n{}{{\n", margin());
    ++depth_;
    for (const NodeId id : graph.nodes()) {
      const Node& node = graph.node(id);
      text_ += margin() + operands_text(graph, node.outputs) + " = ";
      if (!node.domain.empty()) text_ += node.domain + ".";
      text_ += node.op_type;
      write_attributes(node.attributes);
      text_ += fmt::format("({})\n", operands_text(graph, node.inputs));
    }
    --depth_;
    text_ += margin() + "}";
  }

  void write_attributes(const Attributes& attributes) {
    std::string_view separator = "<";
    for (const auto& [name, attribute] : attributes) {
      text_ += fmt::format("{}{}", separator, name);
      std::visit([&](const auto& data) { write_data(data); }, attribute.data);
      separator = ", ";
    }
    if (!attributes.is_empty()) text_ += ">";
  }

  void write_data(std::int64_t number) { text_ += fmt::format(" = {}", number); }
  void write_data(float number) { text_ += " = " + float_text(number); }
  void write_data(const std::string& text) { text_ += " = " + quoted(text); }
  void write_data(const Tensor& tensor) {
    const ValueType type{.dtype = tensor.dtype(), .shape = to_shape(tensor.dims())};
    text_ += fmt::format(" = {} {}", type_text(type), elements_text(tensor));
  }
  void write_data(const GraphPtr& graph) {
    text_ += " = ";
    ++depth_;
    write_graph(*graph);
    --depth_;
  }
  void write_data(const std::vector<std::int64_t>& numbers) {
    text_ += fmt::format("{} = [{}]", numbers.empty() ? ": ints" : "", fmt::join(numbers, ", "));
  }
  void write_data(const std::vector<float>& numbers) {
    write_list("floats", numbers, [](float number) { return float_text(number); });
  }
  void write_data(const std::vector<std::string>& texts) { write_list("strings", texts, quoted); }
  void write_data(const std::vector<Tensor>& tensors) {
    text_ += fmt::format(" = {} tensors", tensors.size());
  }
  void write_data(const std::vector<GraphPtr>& graphs) {
    text_ += fmt::format(" = {} graphs", graphs.size());
  }
  void write_data(const AttributeReference& reference) { text_ += " = @" + reference.name; }
  void write_data(const OpaqueAttribute&) { text_ += " = opaque"; }

  template <typename Element, typename Print>
  void write_list(std::string_view kind, const std::vector<Element>& elements, Print print) {
    std::vector<std::string> entries;
    entries.reserve(elements.size());
    for (const Element& element : elements) entries.push_back(print(element));
    text_ +=
        fmt::format("{} = [{}]", entries.empty() ? fmt::format(": {}", kind) : "", fmt::join(entries, ", "));
  }

  std::string elements_text(const Tensor& tensor) const {
    std::vector<std::string> entries;
    const bool is_half = tensor.dtype() != DataType::float32 && tensor.dtype() != DataType::float64;
    if (tensor.element_count() > longest_constant_) return "{...}";
    if (tensor.dtype() == DataType::string)
      for (const std::string& element : tensor.strings()) entries.push_back(quoted(element));
    else if (is_integer(tensor.dtype()) || tensor.dtype() == DataType::boolean)
      for (const std::int64_t element : to_int64s(tensor)) entries.push_back(fmt::format("{}", element));
    else if (is_floating_point(tensor.dtype()))
      for (const double element : to_doubles(tensor))
        entries.push_back(is_half ? float_text(element) : fmt::format("{}", element));
    else if (!tensor.is_empty())
      entries.emplace_back("...");
    return fmt::format("{{{}}}", fmt::join(entries, ", "));
  }

  std::int64_t longest_constant_;
  int depth_ = 0;
  std::string text_;
};

}  // namespace

std::string to_text(const Graph& graph, std::int64_t longest_constant) {
  TextWriter writer(longest_constant);
  writer.write_header(graph.header());
  writer.write_graph(graph);
  for (const Function& function : graph.header().functions) writer.write_function(function);
  return writer.take() + "\n";
}

}  // namespace edgeopt
