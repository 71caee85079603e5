#include "tests/support/golden.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include "ir/edit.h"
#include "support/error.h"
#include "tests/support/onnx_text.h"

namespace edgeopt {
namespace {

const std::set<std::string> setting_keys = {"pass", "opset", "opset_after", "profile", "ranges", "decided"};

std::string trimmed(const std::string& text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

// "opset: 11" -> {"opset", "11"}; nothing for a line of a graph.
std::optional<std::pair<std::string, std::string>> keyed_line(const std::string& line) {
  const std::size_t colon = line.find(':');
  if (colon == std::string::npos) return std::nullopt;
  const std::string key = line.substr(0, colon);
  if (!setting_keys.contains(key) && key != "case" && key != "declines") return std::nullopt;
  return std::pair(key, trimmed(line.substr(colon + 1)));
}

class GoldenReader {
 public:
  explicit GoldenReader(std::string file) : file_(std::move(file)) {}

  void take(const std::string& line) {
    ++line_;
    if (line.starts_with("#") || trimmed(line).empty()) return;
    if (const auto keyed = keyed_line(line))
      take_key(keyed->first, keyed->second);
    else if (cases_.empty())
      fail("a graph before the first 'case:'");
    else if (trimmed(line) == "=>")
      cases_.back().after.emplace();
    else
      (cases_.back().after ? *cases_.back().after : cases_.back().before) += line + "\n";
  }

  std::vector<GoldenCase> finish() {
    for (const GoldenCase& each : cases_)
      if (each.before.empty() || each.after.has_value() == each.declines.has_value())
        throw UserError(fmt::format("{}:{}: a case needs a graph, and either '=>' and a graph or 'declines:'",
                                    each.file, each.line));
    return std::move(cases_);
  }

 private:
  void take_key(const std::string& key, const std::string& text) {
    if (key == "case")
      cases_.push_back({.file = file_, .line = line_, .sentence = text, .settings = common_});
    else if (key == "declines" && !cases_.empty())
      cases_.back().declines = text;
    else if (key == "declines")
      fail("'declines:' before the first 'case:'");
    else
      (cases_.empty() ? common_ : cases_.back().settings)[key] = text;
  }

  [[noreturn]] void fail(const std::string& why) const {
    throw UserError(fmt::format("{}:{}: {}", file_, line_, why));
  }

  std::string file_;
  int line_ = 0;
  std::map<std::string, std::string> common_;
  std::vector<GoldenCase> cases_;
};

Graph with_ranges(const Graph& graph, const std::string& text) {
  Edit edit(graph);
  std::istringstream entries(text);
  for (std::string entry; std::getline(entries, entry, ',');) {
    std::istringstream words(entry);
    std::string name;
    Range range;
    if (!(words >> name >> range.min >> range.max))
      throw UserError("ranges: want 'name min max', got '" + entry + "'");
    const auto value = graph.find_value(name);
    if (!value) throw UserError("ranges: there is no value '" + name + "'");
    edit.set_range(*value, range);
  }
  return edit.apply();
}

// "w int4 4 axis 0 scales 1 2": type, bits, and what follows.
std::pair<std::string, ValueQuantization> parse_decided(const std::string& entry) {
  std::istringstream words(entry);
  std::string name, type, key;
  ValueQuantization decided;
  if (!(words >> name >> type >> decided.bits) || !data_type_named(type))
    throw UserError("decided: want 'name type bits', got '" + entry + "'");
  decided.type = *data_type_named(type);
  for (std::string word; words >> word;) {
    if (word == "axis" || word == "scales" || word == "zeros" || word == "asymmetric") {
      key = word;
      decided.is_symmetric = decided.is_symmetric && word != "asymmetric";
    } else if (key == "axis") {
      decided.axis = std::stoi(word);
    } else if (key == "zeros") {
      decided.zero_points.push_back(std::stoi(word));
    } else {
      decided.scales.push_back(std::stof(word));
    }
  }
  return {name, decided};
}

Graph with_decided(const Graph& graph, const std::string& text) {
  Edit edit(graph);
  std::istringstream entries(text);
  for (std::string entry; std::getline(entries, entry, ',');) {
    const auto& [name, decided] = parse_decided(entry);
    const auto value = graph.find_value(name);
    if (!value) throw UserError("decided: there is no value '" + name + "'");
    edit.set_quantization(*value, decided);
  }
  return edit.apply();
}

}  // namespace

std::string GoldenCase::setting(const std::string& key, const std::string& otherwise) const {
  const auto found = settings.find(key);
  return found == settings.end() ? otherwise : found->second;
}

Graph GoldenCase::graph_before() const {
  const Graph graph = graph_from_text(before, {.opset = std::stoi(setting("opset", "18"))});
  const Graph ranged = settings.contains("ranges") ? with_ranges(graph, settings.at("ranges")) : graph;
  return settings.contains("decided") ? with_decided(ranged, settings.at("decided")) : ranged;
}

Graph GoldenCase::graph_after() const {
  const std::string opset = setting("opset_after", setting("opset", "18"));
  return graph_from_text(after.value(), {.opset = std::stoi(opset)});
}

std::vector<GoldenCase> read_golden_cases(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().extension() == ".test") paths.push_back(entry.path());
  std::ranges::sort(paths);
  std::vector<GoldenCase> cases;
  for (const auto& path : paths) {
    GoldenReader reader(path.filename().string());
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) reader.take(line);
    std::ranges::move(reader.finish(), std::back_inserter(cases));
  }
  return cases;
}

}  // namespace edgeopt
