// --data: path, optional slice, optional .toml around it -> one SampleSource.
#include "calibration/samples/samples.h"

#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "calibration/samples/preprocessing.h"
#include "calibration/samples/sample_sources.h"
#include "support/error.h"
#include "support/hash.h"

namespace edgeopt {
namespace {

namespace fs = std::filesystem;

/// As many as post-training quantization needs at the least: ONNX Runtime's and TFLite's guides ask for 100
/// real samples; these are only for trying a model out.
constexpr std::int64_t random_sample_count = 32;

struct Slice {
  std::int64_t begin = 0;
  std::optional<std::int64_t> end;
};

struct DataName {
  std::string path;
  std::optional<Slice> slice;
};

std::optional<std::int64_t> slice_bound(const std::string& text, const std::string& data) {
  if (text.empty()) return std::nullopt;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0)
    throw UserError(
        fmt::format("'{}': '{}' is no sample number; a slice is [begin:end], like [0:100]", data, text));
  return value;
}

/// "d.npz[0:256]" -> path and slice. A name that exists as it stands has none.
DataName split_name(const std::string& data) {
  const std::size_t open = data.rfind('[');
  if (!data.ends_with(']') || open == std::string::npos || fs::exists(data)) return {data, std::nullopt};
  const std::string inside = data.substr(open + 1, data.size() - open - 2);
  const std::size_t colon = inside.find(':');
  if (colon == std::string::npos)
    throw UserError(fmt::format("'{}': '[{}]' is no slice; write [begin:end], like [0:100]", data, inside));
  const Slice slice{.begin = slice_bound(inside.substr(0, colon), data).value_or(0),
                    .end = slice_bound(inside.substr(colon + 1), data)};
  return {data.substr(0, open), slice};
}

/// Labels of their own file instead of those that lie with the samples.
SampleSource with_labels(SampleSource source, const std::string& path) {
  const std::vector<LabelLine> lines = read_labels(path);
  if (static_cast<std::int64_t>(lines.size()) != source.count)
    throw UserError(fmt::format("labels '{}' has {} labels for {} samples; give every sample one label", path,
                                lines.size(), source.count));
  source.labels.clear();
  for (const LabelLine& line : lines) source.labels.push_back(line.label);
  source.has_labels = true;
  const std::string hashes = source.sha256 + sha256_of_path(path);
  source.sha256 = sha256_hex(std::as_bytes(std::span(hashes)));
  return source;
}

SampleSource open_plain(const std::string& path, const Graph& graph, const Preprocessing& options) {
  if (path.empty()) throw UserError("no samples are named; give --data a .npz, a folder or a .toml");
  if (!fs::exists(path))
    throw UserError(fmt::format("samples '{}' do not exist; give a .npz, a folder or a .toml", path));
  if (is_test_data_folder(path)) return open_test_data_sets(path, graph);
  if (fs::is_directory(path)) return open_image_folder(path, graph, options);
  if (path.ends_with(".npz")) return open_npz(path, graph, options);
  throw UserError(
      fmt::format("samples '{}': the kind of file is unknown; give a .npz, a folder or a .toml", path));
}

SampleSource sliced(const SampleSource& source, const std::optional<Slice>& slice) {
  return slice ? slice_samples(source, slice->begin, slice->end) : source;
}

SampleSource open_toml(const std::string& path, const Graph& graph, const Preprocessing& overriding) {
  const DataFile file = read_data_toml(path);
  const DataName name = split_name(file.data);
  const Preprocessing options = merge_preprocessing(file.preprocessing, overriding);
  check_preprocessing(options);
  SampleSource source = open_plain(name.path, graph, options);
  if (!file.labels.empty()) source = with_labels(std::move(source), file.labels);
  return sliced(source, name.slice);
}

}  // namespace

SampleSource slice_samples(const SampleSource& source, std::int64_t begin, std::optional<std::int64_t> end) {
  const std::int64_t stop = end.value_or(source.count);
  if (begin < 0 || begin >= stop || stop > source.count)
    throw UserError(fmt::format("'{}': slice [{}:{}] is empty or reaches beyond its {} samples",
                                source.description, begin, stop, source.count));
  SampleSource slice = source;
  slice.count = stop - begin;
  slice.description = fmt::format("{} [{}:{}]", source.description, begin, stop);
  if (source.has_labels) slice.labels.assign(source.labels.begin() + begin, source.labels.begin() + stop);
  slice.read = [read = source.read, begin](std::int64_t index) { return read(begin + index); };
  return slice;
}

SampleSource select_samples(const SampleSource& source, std::vector<std::int64_t> indexes) {
  SampleSource selection = source;
  selection.count = static_cast<std::int64_t>(indexes.size());
  selection.labels.clear();
  if (source.has_labels)
    for (const std::int64_t i : indexes)
      selection.labels.push_back(source.labels[static_cast<std::size_t>(i)]);
  selection.read = [read = source.read, indexes = std::move(indexes)](std::int64_t i) {
    return read(indexes[static_cast<std::size_t>(i)]);
  };
  return selection;
}

void check_labels(const SampleSource& source, std::int64_t class_count) {
  for (std::size_t i = 0; i < source.labels.size(); ++i)
    if (source.labels[i] < 0 || source.labels[i] >= class_count)
      throw UserError(
          fmt::format("'{}': sample {} has label {}, but the model has classes 0 to {}; mend the labels",
                      source.description, i, source.labels[i], class_count - 1));
}

SampleSource open_samples(const std::string& data, const Graph& graph, const Preprocessing& preprocessing,
                          std::uint64_t seed) {
  check_preprocessing(preprocessing);
  const DataName name = split_name(data);
  if (name.path == "random") {
    const std::int64_t asked =
        name.slice ? name.slice->end.value_or(random_sample_count) : random_sample_count;
    return sliced(open_random(graph, seed, asked), name.slice);
  }
  const bool is_toml = name.path.ends_with(".toml") && fs::is_regular_file(name.path);
  SampleSource source = sliced(
      is_toml ? open_toml(name.path, graph, preprocessing) : open_plain(name.path, graph, preprocessing),
      name.slice);
  source.read = [read = source.read, labels = source.labels](std::int64_t index) {
    Sample sample = read(index);
    if (!labels.empty()) sample.label = labels[static_cast<std::size_t>(index)];
    return sample;
  };
  return source;
}

}  // namespace edgeopt
