// "file,label" per line (images), or one label per line.
#include <fmt/format.h>

#include <charconv>
#include <fstream>

#include "calibration/samples/sample_sources.h"
#include "support/error.h"

namespace edgeopt {
namespace {

std::string trimmed(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\"");
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(" \t\r\"") - begin + 1);
}

std::optional<std::int64_t> whole_number(const std::string& text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::vector<LabelLine> read_labels(const std::filesystem::path& path) {
  std::ifstream stream(path);
  if (!stream || !std::filesystem::is_regular_file(path))
    throw UserError(fmt::format("labels '{}' cannot be read", path.string()));
  std::vector<LabelLine> lines;
  std::string line;
  for (std::int64_t number = 1; std::getline(stream, line); ++number) {
    if (trimmed(line).empty()) continue;
    const std::size_t comma = line.rfind(',');
    const std::string file = comma == std::string::npos ? "" : trimmed(line.substr(0, comma));
    const std::string text = trimmed(comma == std::string::npos ? line : line.substr(comma + 1));
    const auto label = whole_number(text);
    if (!label && number == 1) continue;  // the heading
    if (!label)
      throw UserError(fmt::format("labels '{}', line {}: '{}' is no whole number; a line is file,label",
                                  path.string(), number, text));
    lines.push_back({file, *label});
  }
  if (lines.empty()) throw UserError(fmt::format("labels '{}' is empty", path.string()));
  return lines;
}

}  // namespace edgeopt
