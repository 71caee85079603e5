// folder/test_data_set_<n>/input_<k>.pb -> sample n, input k: ONNX's own layout of test data.
#include <fmt/format.h>

#include <algorithm>

#include "calibration/samples/preprocessing.h"
#include "calibration/samples/sample_sources.h"
#include "ir/evaluate.h"
#include "ir/onnx/onnx.h"
#include "support/error.h"
#include "support/hash.h"

namespace edgeopt {
namespace {

namespace fs = std::filesystem;
constexpr const char* set_prefix = "test_data_set_";

bool is_set(const fs::path& folder) { return fs::is_regular_file(folder / "input_0.pb"); }

/// The sets in the order of their numbers: shorter names first, then by name.
std::vector<fs::path> sets_in(const fs::path& folder) {
  if (is_set(folder)) return {folder};
  std::vector<fs::path> sets;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.is_directory() && entry.path().filename().string().starts_with(set_prefix) &&
        is_set(entry.path()))
      sets.push_back(entry.path());
  std::sort(sets.begin(), sets.end(), [](const fs::path& a, const fs::path& b) {
    const std::string left = a.filename().string();
    const std::string right = b.filename().string();
    return left.size() != right.size() ? left.size() < right.size() : left < right;
  });
  return sets;
}

/// Which input_<k>.pb feeds which required input: files may list the inputs that have a constant, too.
struct Feed {
  std::size_t file_index = 0;
  std::string input;
  ValueType type;
};

std::vector<Feed> feeds_of(const fs::path& set, const Graph& graph) {
  const std::vector<ValueId> required = required_inputs(graph);
  std::size_t file_count = 0;
  while (fs::is_regular_file(set / fmt::format("input_{}.pb", file_count))) ++file_count;
  const bool has_all = file_count == graph.inputs().size();
  if (!has_all && file_count != required.size())
    throw UserError(fmt::format("'{}' has {} input files, but the model needs {} inputs", set.string(),
                                file_count, required.size()));
  std::vector<Feed> feeds;
  for (const ValueId id : required) {
    const auto place = std::find(graph.inputs().begin(), graph.inputs().end(), id) - graph.inputs().begin();
    const std::size_t index = has_all ? static_cast<std::size_t>(place) : feeds.size();
    feeds.push_back({index, graph.name_of(id), graph.type_of(id)});
  }
  return feeds;
}

Sample read_set(const fs::path& set, const std::vector<Feed>& feeds) {
  Sample sample;
  for (const Feed& feed : feeds) {
    const fs::path file = set / fmt::format("input_{}.pb", feed.file_index);
    const SamplePlace place{.file = file.string(), .input = feed.input, .type = feed.type};
    sample.inputs.push_back(prepare_sample(load_tensor(file), place, {}));
  }
  return sample;
}

}  // namespace

bool is_test_data_folder(const fs::path& folder) {
  return fs::is_directory(folder) && !sets_in(folder).empty();
}

SampleSource open_test_data_sets(const fs::path& folder, const Graph& graph) {
  const std::vector<fs::path> sets = sets_in(folder);
  if (sets.empty())
    throw UserError(fmt::format("'{}' has no {}* with input_0.pb", folder.string(), set_prefix));
  const std::vector<Feed> feeds = feeds_of(sets[0], graph);
  SampleSource source;
  source.count = static_cast<std::int64_t>(sets.size());
  source.description = folder.string();
  source.sha256 = sha256_of_path(folder);
  source.read = [sets, feeds](std::int64_t index) {
    return read_set(sets[static_cast<std::size_t>(index)], feeds);
  };
  return source;
}

}  // namespace edgeopt
