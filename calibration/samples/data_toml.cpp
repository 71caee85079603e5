// A data .toml: file or folder, labels, inputs, and the keys of Preprocessing.
#include <fmt/format.h>
#include <toml++/toml.h>

#include <array>

#include "calibration/samples/preprocessing.h"
#include "calibration/samples/sample_sources.h"
#include "support/error.h"

namespace edgeopt {
namespace {

[[noreturn]] void refuse(std::string_view key, std::string_view wanted) {
  throw UserError(fmt::format("'{}' must be {}", key, wanted));
}

double number_of(std::string_view key, const toml::node& node) {
  const auto number = node.value<double>();
  if (!number || node.is_string() || node.is_boolean()) refuse(key, "a number");
  return *number;
}

std::string text_of(std::string_view key, const toml::node& node) {
  if (!node.is_string()) refuse(key, "a string");
  return **node.as_string();
}

/// A number, or an array of numbers.
std::vector<double> numbers_of(std::string_view key, const toml::node& node) {
  if (!node.is_array()) return {number_of(key, node)};
  std::vector<double> numbers;
  for (const toml::node& element : *node.as_array()) numbers.push_back(number_of(key, element));
  if (numbers.empty()) refuse(key, "a number or an array of numbers");
  return numbers;
}

/// One number is height and width, as on the command line.
std::vector<std::int64_t> size_of(std::string_view key, const toml::node& node) {
  if (node.is_integer()) return {**node.as_integer(), **node.as_integer()};
  std::vector<std::int64_t> size;
  if (node.is_array())
    for (const toml::node& element : *node.as_array())
      if (element.is_integer()) size.push_back(**element.as_integer());
  if (size.size() != 2) refuse(key, "[height, width], or one number for both");
  return size;
}

std::map<std::string, std::string> inputs_of(const toml::node& node) {
  if (!node.is_table()) refuse("inputs", "a table: inputs = { model_input = \"array\" }");
  std::map<std::string, std::string> inputs;
  for (const auto& [key, value] : *node.as_table()) inputs.emplace(key.str(), text_of("inputs", value));
  return inputs;
}

/// Takes one key; false if it is none of Preprocessing's.
bool take_preprocessing(std::string_view key, const toml::node& node, Preprocessing& options) {
  if (key == "inputs")
    options.inputs = inputs_of(node);
  else if (key == "resize")
    options.resize = size_of(key, node);
  else if (key == "crop")
    options.crop = size_of(key, node);
  else if (key == "mean")
    options.mean = numbers_of(key, node);
  else if (key == "std")
    options.std = numbers_of(key, node);
  else if (key == "scale")
    options.scale = number_of(key, node);
  else if (key == "layout")
    options.layout = text_of(key, node);
  else if (key == "color")
    options.color = text_of(key, node);
  else if (key == "dtype")
    options.dtype = text_of(key, node);
  else
    return false;
  return true;
}

DataFile read_table(const toml::table& table, const std::filesystem::path& folder) {
  DataFile data;
  for (const auto& [name, node] : table) {
    const std::string_view key = name.str();
    if (key == "file" || key == "folder") {
      if (!data.data.empty())
        throw UserError("'file' and 'folder' are both given; one of them names the samples");
      data.data = (folder / text_of(key, node)).string();
    } else if (key == "labels") {
      data.labels = (folder / text_of(key, node)).string();
    } else if (!take_preprocessing(key, node, data.preprocessing)) {
      throw UserError(
          fmt::format("unknown key '{}'; known are file, folder, labels, inputs, resize, crop, mean, std, "
                      "scale, layout, color, dtype",
                      key));
    }
  }
  if (data.data.empty())
    throw UserError("neither 'file' nor 'folder' is given; one of them names the samples");
  check_preprocessing(data.preprocessing);
  return data;
}

}  // namespace

DataFile read_data_toml(const std::filesystem::path& path) {
  return while_doing(fmt::format("data file '{}'", path.string()), [&] {
    if (!std::filesystem::is_regular_file(path)) throw UserError("there is no such file");
    try {
      return read_table(toml::parse_file(path.string()), path.parent_path());
    } catch (const toml::parse_error& error) {
      throw UserError(fmt::format("line {}: {}", error.source().begin.line, error.description()));
    }
  });
}

}  // namespace edgeopt
