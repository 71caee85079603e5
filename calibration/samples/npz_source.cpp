// file.npz -> samples: array i of the file, slice [k, ...], becomes the model's input [1, ...].
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "calibration/samples/npz_array.h"
#include "calibration/samples/preprocessing.h"
#include "calibration/samples/sample_sources.h"
#include "ir/evaluate.h"
#include "support/error.h"
#include "support/hash.h"

namespace edgeopt {
namespace {

constexpr const char* labels_array = "labels";

/// One input of the model and the array that feeds it.
struct Feed {
  std::string input;
  ValueType type;
  NpzArray array;
  bool has_batch_axis = false;  // the array's first axis takes the place of the model's batch axis
};

/// The array for an input: the one that the options map, the one of its name, or the only one there is.
std::string array_for(const std::string& input, bool is_only_input, const std::vector<std::string>& names,
                      const Preprocessing& options) {
  const auto mapped = options.inputs.find(input);
  const std::string& wanted = mapped == options.inputs.end() ? input : mapped->second;
  if (std::find(names.begin(), names.end(), wanted) != names.end()) return wanted;
  std::vector<std::string> others = names;
  std::erase(others, labels_array);
  if (mapped == options.inputs.end() && is_only_input && others.size() == 1) return others[0];
  throw UserError(
      fmt::format("there is no array '{}' for the model's input '{}'; the file has {}. Rename one, or say "
                  "which it is in a .toml: inputs = {{ \"{}\" = \"<array>\" }}",
                  wanted, input, fmt::join(names, ", "), input));
}

/// Whether sample k is [1, ...] (the array's rank is the model's) or array[k] as it is (one rank more).
bool has_batch_axis(const NpzArray& array, const std::string& input, const ValueType& type) {
  if (!type.shape) return true;
  const Dims& dims = array.header().dims;
  const std::size_t rank = type.shape->size();
  if (dims.size() == rank + 1) return false;
  if (dims.size() != rank)
    throw UserError(
        fmt::format("array '{}' is {}, but input '{}' is {}; the array needs one more axis in front that "
                    "counts the samples",
                    array.name(), to_string(dims), input, to_string(*type.shape)));
  if (const Dim& batch = (*type.shape)[0]; batch.is_number() && batch.size != 1)
    throw UserError(
        fmt::format("input '{}' is {}: it takes {} samples at once, and edgeopt gives them one by one; "
                    "export the model with a batch of 1 or a free batch",
                    input, to_string(*type.shape), batch.size));
  return true;
}

Feed open_feed(const std::filesystem::path& path, const std::string& name, const Value& input,
               const Preprocessing& options) {
  Feed feed{.input = input.name, .type = input.type, .array = NpzArray(path, name)};
  feed.has_batch_axis = has_batch_axis(feed.array, feed.input, feed.type);
  const std::string stored = std::string(name_of(feed.array.header().dtype));
  if (!options.dtype.empty() && options.dtype != stored)
    throw UserError(fmt::format("array '{}' holds {}, but dtype says {}", name, stored, options.dtype));
  return feed;
}

std::vector<std::int64_t> read_npz_labels(const std::filesystem::path& path, std::int64_t count) {
  const NpzArray array(path, labels_array);
  const Dims& dims = array.header().dims;
  const bool is_column = dims.size() == 1 || (dims.size() == 2 && dims[1] == 1);
  if (!is_column || !is_integer(array.header().dtype))
    throw UserError(fmt::format("array 'labels' is {} of {}; one integer per sample is expected",
                                to_string(dims), name_of(array.header().dtype)));
  if (array.sample_count() != count)
    throw UserError(fmt::format("there are {} labels for {} samples; give every sample one label",
                                array.sample_count(), count));
  return to_int64s(array.read_all());
}

Tensor read_input(const Feed& feed, const std::string& file, std::int64_t index,
                  const Preprocessing& options) {
  const SamplePlace place{
      .file = file, .array = feed.array.name(), .index = index, .input = feed.input, .type = feed.type};
  Tensor raw = feed.array.read(index);
  if (feed.has_batch_axis) {
    Dims dims = raw.dims();
    dims.insert(dims.begin(), 1);
    raw = raw.reshaped(dims);
  }
  return prepare_sample(raw, place, options);
}

/// "'images' as input 'x'"
std::string describe_feeds(const std::vector<Feed>& feeds) {
  std::vector<std::string> parts;
  for (const Feed& feed : feeds)
    if (feed.array.name() != feed.input)
      parts.push_back(fmt::format("'{}' as input '{}'", feed.array.name(), feed.input));
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::vector<Feed> open_feeds(const std::filesystem::path& path, const Graph& graph,
                             const Preprocessing& options) {
  const std::vector<std::string> names = npz_array_names(path);
  const std::vector<ValueId> inputs = required_inputs(graph);
  std::vector<Feed> feeds;
  for (const ValueId id : inputs) {
    const Value& input = graph.value(id);
    feeds.push_back(
        open_feed(path, array_for(input.name, inputs.size() == 1, names, options), input, options));
  }
  if (feeds.empty()) throw UserError("the model has no inputs, so there is nothing to give samples to");
  for (const Feed& feed : feeds)
    if (feed.array.sample_count() != feeds[0].array.sample_count())
      throw UserError(fmt::format("array '{}' has {} samples, but '{}' has {}", feed.array.name(),
                                  feed.array.sample_count(), feeds[0].array.name(),
                                  feeds[0].array.sample_count()));
  return feeds;
}

bool has_labels_array(const std::filesystem::path& path, const std::vector<Feed>& feeds) {
  const std::vector<std::string> names = npz_array_names(path);
  const bool is_fed =
      std::any_of(feeds.begin(), feeds.end(), [](const Feed& f) { return f.array.name() == labels_array; });
  return !is_fed && std::find(names.begin(), names.end(), labels_array) != names.end();
}

}  // namespace

SampleSource open_npz(const std::filesystem::path& path, const Graph& graph,
                      const Preprocessing& preprocessing) {
  return while_doing(fmt::format("samples '{}'", path.string()), [&] {
    const auto feeds = std::make_shared<const std::vector<Feed>>(open_feeds(path, graph, preprocessing));
    SampleSource source;
    source.count = feeds->front().array.sample_count();
    source.has_labels = has_labels_array(path, *feeds);
    if (source.has_labels) source.labels = read_npz_labels(path, source.count);
    source.description = path.string();
    for (const std::string& part : {describe_feeds(*feeds), describe(preprocessing)})
      if (!part.empty()) source.description += ", " + part;
    source.sha256 = sha256_of_path(path);
    source.read = [feeds, preprocessing, file = path.string()](std::int64_t index) {
      Sample sample;
      for (const Feed& feed : *feeds) sample.inputs.push_back(read_input(feed, file, index, preprocessing));
      return sample;
    };
    source.read(0);  // shapes, types and channel counts are wrong in the first sample or in none
    return source;
  });
}

}  // namespace edgeopt
