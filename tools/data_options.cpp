// --data and the preprocessing options, the same for every command that reads samples.
#include "tools/data_options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <sstream>

#include "recipes/comparison.h"
#include "support/error.h"
#include "tools/option_checks.h"

namespace edgeopt {
namespace {

// "224" or "224x224": height, width.
std::vector<std::int64_t> parse_size(const std::string& option, const std::string& text) {
  const std::size_t cross = text.find('x');
  try {
    std::size_t used = 0;
    const std::int64_t height = std::stoll(text, &used);
    if (cross == std::string::npos && used == text.size() && height > 0) return {height, height};
    std::size_t used_by_width = 0;
    const std::int64_t width =
        cross == std::string::npos ? 0 : std::stoll(text.substr(cross + 1), &used_by_width);
    if (used == cross && cross + 1 + used_by_width == text.size() && height > 0 && width > 0)
      return {height, width};
  } catch (const std::logic_error&) {
    // Falls through to the message below.
  }
  throw CLI::ValidationError(option, fmt::format("'{}' is no size; write 224 or HEIGHTxWIDTH", text));
}

void add_size(CLI::App& app, const std::string& name, std::vector<std::int64_t>& target,
              const std::string& help) {
  app.add_option_function<std::string>(
         name, [name, &target](const std::string& text) { target = parse_size(name, text); }, help)
      ->type_name("HxW")
      ->group("Preprocessing");
}

// "0.485,0.456,0.406": one number, or one per channel.
std::vector<double> parse_numbers(const std::string& option, const std::string& text) {
  std::vector<double> numbers;
  std::istringstream words(text);
  for (std::string word; std::getline(words, word, ',');) {
    double number = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (error != std::errc{} || end != word.data() + word.size())
      throw CLI::ValidationError(option, fmt::format("'{}' is no number; write one, or A,B,C", word));
    numbers.push_back(number);
  }
  if (numbers.empty()) throw CLI::ValidationError(option, "it is empty; write one number, or A,B,C");
  return numbers;
}

void add_numbers(CLI::App& app, const std::string& name, std::vector<double>& target,
                 const std::string& help) {
  app.add_option_function<std::string>(
         name, [name, &target](const std::string& text) { target = parse_numbers(name, text); }, help)
      ->type_name("A,B,C")
      ->group("Preprocessing");
}

void add_input_array(CLI::App& app, Preprocessing& preprocessing) {
  const auto add = [&preprocessing](const std::vector<std::string>& pairs) {
    for (const std::string& pair : pairs) {
      const std::size_t equals = pair.find('=');
      if (equals == std::string::npos || equals == 0 || equals + 1 == pair.size())
        throw CLI::ValidationError("--input-array", fmt::format("'{}' is not INPUT=ARRAY", pair));
      preprocessing.inputs[pair.substr(0, equals)] = pair.substr(equals + 1);
    }
  };
  app.add_option_function<std::vector<std::string>>("--input-array", add,
                                                    "Array of the .npz for a model input of another name")
      ->type_name("INPUT=ARRAY")
      ->allow_extra_args(false)
      ->group("Preprocessing");
}

}  // namespace

void declare_data_options(CLI::App& app, DataOptions& options, const std::string& help) {
  Preprocessing& preprocessing = options.preprocessing;
  const std::string group = "Preprocessing";
  app.add_option("--data", options.data,
                 help + ": .npz[a:b], folder of images or of test_data_set_*, .toml, or `random`")
      ->type_name("D");
  add_size(app, "--resize", preprocessing.resize, "Images: scale to this size, bilinear");
  add_size(app, "--crop", preprocessing.crop, "Images: then cut this size from the middle");
  app.add_option("--scale", preprocessing.scale, "x = (raw * scale - mean) / std")->group(group);
  add_numbers(app, "--mean", preprocessing.mean, "One number, or one per channel");
  add_numbers(app, "--std", preprocessing.std, "One number, or one per channel");
  app.add_option("--layout", preprocessing.layout, "Of the model's input")
      ->check(one_of({"nchw", "nhwc"}))
      ->group(group);
  app.add_option("--color", preprocessing.color, "Of the model's input; files are rgb")
      ->check(one_of({"rgb", "bgr", "gray"}))
      ->group(group);
  add_input_array(app, preprocessing);
  require_with(app, options_of_group(app, group), "--data");
}

SampleSource open_data(const DataOptions& options, const Graph& graph, const RunContext& context) {
  if (options.data.empty())
    throw UserError(
        "no samples given; name some with --data (a .npz, a folder of images, a .toml), or `--data random` "
        "if you accept what random numbers give");
  return open_data(options.data, options, graph, context);
}

SampleSource open_data(const std::string& data, const DataOptions& options, const Graph& graph,
                       const RunContext& context) {
  return while_doing(fmt::format("reading samples '{}'", data), [&] {
    const bool is_random = data == "random" || data.starts_with("random[");
    return open_samples(data, is_random ? with_runnable_sizes(graph, context.seed) : graph,
                        options.preprocessing, context.seed);
  });
}

}  // namespace edgeopt
