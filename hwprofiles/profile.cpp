#include "hwprofiles/profile.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <toml++/toml.h>
#include <algorithm>
#include <string_view>

#include "hwprofiles/built_in.h"
#include "support/error.h"

namespace edgeopt {
namespace {

// A table of the file whose keys are taken one by one; what is left over is unknown.
class Section {
 public:
  Section(const toml::table& table, std::string name) : table_(table), name_(std::move(name)) {}

  template <typename T>
  std::optional<T> take(std::string_view key) {
    known_.emplace_back(key);
    const toml::node* node = table_.get(key);
    if (!node) return std::nullopt;
    const auto value = node->value_exact<T>();
    if (!value) throw UserError(fmt::format("key '{}{}' has a value of the wrong type", name_, key));
    return value;
  }

  std::vector<std::string> take_words(std::string_view key) {
    known_.emplace_back(key);
    std::vector<std::string> words;
    const toml::array* list = table_.get_as<toml::array>(key);
    if (!list) throw UserError(fmt::format("key '{}{}' is missing or not a list of names", name_, key));
    for (const toml::node& entry : *list) {
      const auto word = entry.value_exact<std::string>();
      if (!word) throw UserError(fmt::format("key '{}{}' holds something that is no name", name_, key));
      words.push_back(*word);
    }
    return words;
  }

  Section section(std::string_view key) {
    known_.emplace_back(key);
    const toml::table* inner = table_.get_as<toml::table>(key);
    if (!inner) throw UserError(fmt::format("section [{}] is missing", key));
    return {*inner, fmt::format("{}.", key)};
  }

  void refuse_the_rest() const {
    for (const auto& [key, value] : table_)
      if (std::ranges::find(known_, key.str()) == known_.end())
        throw UserError(fmt::format("key '{}{}' is not one of a profile's; known here: {}", name_, key.str(),
                                    fmt::join(known_, ", ")));
  }

 private:
  const toml::table& table_;
  std::string name_;
  std::vector<std::string> known_;
};

template <typename T>
T required(std::optional<T> value, std::string_view key) {
  if (!value) throw UserError(fmt::format("key '{}' is missing", key));
  return *value;
}

DataType type_named(const std::string& name) {
  const std::optional<DataType> type = data_type_named(name);
  if (type != DataType::uint8 && type != DataType::int8)
    throw UserError(fmt::format("type '{}' cannot be used for quantization; use uint8 or int8", name));
  return *type;
}

int take_bits(Section& section, std::string_view key, int otherwise) {
  const std::int64_t bits = section.take<std::int64_t>(key).value_or(otherwise);
  if (bits < 2 || bits > 8)
    throw UserError(fmt::format("key 'quantization.{}' is {}; it must be 2 to 8", key, bits));
  return static_cast<int>(bits);
}

QuantizationRules read_quantization(Section section) {
  QuantizationRules rules;
  rules.activation_type =
      type_named(required(section.take<std::string>("activation_type"), "activation_type"));
  rules.activations_symmetric = section.take<bool>("activations_symmetric").value_or(false);
  rules.weight_type = type_named(required(section.take<std::string>("weight_type"), "weight_type"));
  if (rules.weight_type != DataType::int8)
    throw UserError("key 'quantization.weight_type' is uint8; weights are symmetric, which only int8 is");
  rules.weights_per_channel = section.take<bool>("weights_per_channel").value_or(true);
  rules.weight_bits = take_bits(section, "weight_bits", 8);
  rules.depthwise_weight_bits = take_bits(section, "depthwise_weight_bits", rules.weight_bits);
  rules.fewest_output_channels = section.take<std::int64_t>("fewest_output_channels").value_or(1);
  rules.packed_weights = section.take<bool>("packed_weights").value_or(true);
  rules.integer_operators = section.take_words("integer_operators");
  rules.joining_operators = section.take_words("joining_operators");
  rules.same_scale_operators = section.take_words("same_scale_operators");
  rules.fused_activations = section.take_words("fused_activations");
  rules.source = required(section.take<std::string>("source"), "quantization.source");
  section.refuse_the_rest();
  return rules;
}

HardwareProfile read_profile(const toml::table& table) {
  Section root(table, "");
  HardwareProfile profile;
  profile.name = required(root.take<std::string>("name"), "name");
  profile.description = root.take<std::string>("description").value_or("");
  Section compute = root.section("compute");
  if (const auto cores = compute.take<std::int64_t>("cores")) profile.core_count = static_cast<int>(*cores);
  profile.clock_ghz = compute.take<double>("clock_ghz");
  if (const auto bits = compute.take<std::int64_t>("vector_bits"))
    profile.vector_bits = static_cast<int>(*bits);
  profile.has_int8_dot_product = compute.take<bool>("int8_dot_product").value_or(false);
  profile.channel_multiple = compute.take<std::int64_t>("channel_multiple").value_or(1);
  if (profile.channel_multiple < 1) throw UserError("key 'compute.channel_multiple' must be 1 or more");
  if (table.at_path("compute.sparse_patterns"))
    profile.sparse_patterns = compute.take_words("sparse_patterns");
  required(compute.take<std::string>("source"), "compute.source");
  compute.refuse_the_rest();
  profile.quantization = read_quantization(root.section("quantization"));
  root.refuse_the_rest();
  return profile;
}

toml::table parse(const std::string& name_or_path) {
  for (const BuiltInProfile& profile : built_in_profiles())
    if (profile.name == name_or_path) return toml::parse(profile.text);
  if (!name_or_path.ends_with(".toml"))
    throw UserError(
        fmt::format("there is no profile of this name; there are {}, or give the path of a .toml file",
                    fmt::join(profile_names(), ", ")));
  return toml::parse_file(name_or_path);
}

}  // namespace

HardwareProfile load_profile(const std::string& name_or_path) {
  return while_doing(fmt::format("loading profile '{}'", name_or_path), [&] {
    try {
      return read_profile(parse(name_or_path));
    } catch (const toml::parse_error& error) {
      throw UserError(fmt::format("{} (line {})", error.description(), error.source().begin.line));
    }
  });
}

std::vector<std::string> profile_names() {
  std::vector<std::string> names;
  for (const BuiltInProfile& profile : built_in_profiles()) names.emplace_back(profile.name);
  return names;
}

}  // namespace edgeopt
