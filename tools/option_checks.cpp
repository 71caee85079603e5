#include "tools/option_checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <map>
#include <optional>

#include "support/error.h"
#include "tools/suggest.h"

namespace edgeopt {
namespace {

std::optional<double> number_of(const std::string& text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

// What is no number at all is left to the conversion, which says so.
CLI::Validator number_that(const std::function<bool(double)>& fits, const std::string& wanted,
                           const std::string& description) {
  return CLI::Validator(
      [=](std::string& text) -> std::string {
        const auto number = number_of(text);
        return !number || fits(*number) ? "" : fmt::format("{} must be {}", text, wanted);
      },
      description);
}

// Decimal units as they are usual for files, binary ones where they are asked for.
const std::map<std::string, double>& bytes_of_units() {
  static const std::map<std::string, double> units = {
      {"", 1},    {"b", 1},   {"kb", 1e3},     {"mb", 1e6},     {"gb", 1e9},    {"k", 1e3},
      {"m", 1e6}, {"g", 1e9}, {"kib", 0x1p10}, {"mib", 0x1p20}, {"gib", 0x1p30}};
  return units;
}

std::optional<double> bytes_of(const std::string& text) {
  const std::size_t end = text.find_first_not_of("0123456789.");
  std::string unit = end == std::string::npos ? "" : text.substr(end);
  std::erase(unit, ' ');
  std::ranges::transform(unit, unit.begin(), [](unsigned char c) { return std::tolower(c); });
  const auto number = number_of(text.substr(0, end));
  const auto found = bytes_of_units().find(unit);
  constexpr double most = 0x1p62;  // fits std::int64_t
  if (!number || found == bytes_of_units().end() || *number * found->second > most) return std::nullopt;
  return *number * found->second;
}

// Samples may have a slice behind them.
std::string without_slice(const std::string& path) {
  return path.ends_with(']') ? path.substr(0, path.rfind('[')) : path;
}

}  // namespace

CLI::Validator one_of(std::vector<std::string> words) {
  const std::string description = fmt::format("{{{}}}", fmt::join(words, ","));
  return CLI::Validator(
      [words = std::move(words)](std::string& text) -> std::string {
        if (std::ranges::find(words, text) != words.end()) return "";
        return fmt::format("'{}' is none of {}{}", text, fmt::join(words, ", "), did_you_mean(text, words));
      },
      description);
}

CLI::Validator positive_number() {
  return number_that([](double number) { return std::isfinite(number) && number > 0; },
                     "a finite number above 0", "POSITIVE");
}

CLI::Validator number_not_below_zero() {
  return number_that([](double number) { return std::isfinite(number) && number >= 0; },
                     "a finite number, 0 or above", "NONNEGATIVE");
}

CLI::Validator number_between(double low, double high) {
  return number_that([=](double number) { return number >= low && number <= high; },
                     fmt::format("between {} and {}", low, high), fmt::format("{} to {}", low, high));
}

CLI::Validator unsigned_number() {
  return CLI::Validator(
      [](std::string& text) -> std::string {
        return text.starts_with('-') ? fmt::format("{} must be a whole number, 0 or above", text) : "";
      },
      "");
}

CLI::Validator size_in_bytes() {
  return CLI::Validator(
      [](std::string& text) -> std::string {
        const auto bytes = bytes_of(text);
        if (!bytes) return fmt::format("'{}' is no size; write one like 500MB, 0.5GB or 64MiB", text);
        text = fmt::format("{:.0f}", *bytes);
        return "";
      },
      "");
}

std::vector<std::string> options_of_group(const CLI::App& app, const std::string& group) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options())
    if (option->get_group() == group) names.push_back(option->get_name());
  return names;
}

void require_with(CLI::App& app, const std::vector<std::string>& names, const std::string& needed) {
  CLI::Option* other = app.get_option(needed);
  for (const std::string& name : names) app.get_option(name)->needs(other);
}

void check_together(CLI::App& app, std::function<void()> check) {
  app.parse_complete_callback([&app, check = std::move(check)] {
    if (app.remaining().empty()) check();
  });
}

bool is_given(const CLI::App& app, const std::string& name) { return app.count(name) > 0; }

void refuse_given(const CLI::App& app, const std::vector<std::string>& names, const std::string& sentence) {
  for (const std::string& name : names)
    if (is_given(app, name)) throw UserError(fmt::format("{}: {}", name, sentence));
}

bool is_same_file(const std::string& a, const std::string& b) {
  if (a.empty() || b.empty()) return false;
  std::error_code ignored;
  if (std::filesystem::equivalent(a, b, ignored)) return true;
  return std::filesystem::absolute(a).lexically_normal() == std::filesystem::absolute(b).lexically_normal();
}

void refuse_overwriting(const CLI::App& app) {
  for (const std::string written : {"--json", "--checkpoint"}) {
    const CLI::Option* option = app.get_option_no_throw(written);
    if (!option || option->count() == 0 || option->results().front() == "-") continue;
    const std::string& path = option->results().front();
    for (const CLI::Option* other : app.get_options())
      for (const std::string& text : other->results())
        if (other != option && is_same_file(path, without_slice(text)))
          throw UserError(
              fmt::format("{} {}: {} names the same file, which would be overwritten; give another", written,
                          path, other->get_name()));
  }
}

}  // namespace edgeopt
