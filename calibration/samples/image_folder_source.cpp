// folder/*.jpg with labels.csv, or folder/<class>/*.png -> samples in the order of their paths.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "calibration/samples/images.h"
#include "calibration/samples/preprocessing.h"
#include "calibration/samples/sample_sources.h"
#include "ir/evaluate.h"
#include "support/error.h"
#include "support/hash.h"

namespace edgeopt {
namespace {

namespace fs = std::filesystem;

bool is_image(const fs::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return extension == ".jpg" || extension == ".jpeg" || extension == ".png";
}

template <typename Wanted>
std::vector<fs::path> sorted_entries(const fs::path& folder, Wanted&& is_wanted) {
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(folder))
    if (is_wanted(entry)) paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::vector<fs::path> images_in(const fs::path& folder) {
  return sorted_entries(
      folder, [](const fs::directory_entry& e) { return e.is_regular_file() && is_image(e.path()); });
}

std::vector<fs::path> folders_in(const fs::path& folder) {
  return sorted_entries(folder, [](const fs::directory_entry& e) { return e.is_directory(); });
}

struct LabelledFiles {
  std::vector<fs::path> files;
  std::vector<std::int64_t> labels;  // empty if there are none
};

LabelledFiles list_with_csv(const fs::path& folder) {
  std::map<std::string, std::int64_t> labels;
  const fs::path csv = folder / "labels.csv";
  for (const LabelLine& line : read_labels(csv)) {
    if (line.file.empty()) throw UserError(fmt::format("labels '{}': a line is file,label", csv.string()));
    if (!fs::is_regular_file(folder / line.file))
      throw UserError(
          fmt::format("labels '{}' names '{}', which is missing from the folder", csv.string(), line.file));
    if (!labels.emplace(line.file, line.label).second)
      throw UserError(fmt::format("labels '{}' names '{}' twice", csv.string(), line.file));
  }
  for (const fs::path& image : images_in(folder))
    if (!labels.contains(image.filename().string()))
      throw UserError(
          fmt::format("'{}' has no line in labels.csv; add one, or move the image away", image.string()));
  LabelledFiles listed;
  for (const auto& [file, label] : labels) {
    listed.files.push_back(folder / file);
    listed.labels.push_back(label);
  }
  return listed;
}

/// The class that a folder's name states if every name is a number ("007"), else its place in sorted order.
std::vector<std::int64_t> classes_of(const std::vector<fs::path>& folders) {
  std::vector<std::int64_t> named;
  std::vector<std::int64_t> counted;
  for (const fs::path& folder : folders) {
    const std::string name = folder.filename().string();
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error == std::errc{} && end == name.data() + name.size()) named.push_back(number);
    counted.push_back(static_cast<std::int64_t>(counted.size()));
  }
  return named.size() == folders.size() ? named : counted;
}

LabelledFiles list_class_folders(const fs::path& folder) {
  const std::vector<fs::path> folders = folders_in(folder);
  const std::vector<std::int64_t> classes = classes_of(folders);
  LabelledFiles listed;
  for (std::size_t i = 0; i < folders.size(); ++i)
    for (const fs::path& image : images_in(folders[i])) {
      listed.files.push_back(image);
      listed.labels.push_back(classes[i]);
    }
  return listed;
}

LabelledFiles list_files(const fs::path& folder) {
  if (fs::exists(folder / "labels.csv")) return list_with_csv(folder);
  LabelledFiles flat{.files = images_in(folder), .labels = {}};
  LabelledFiles nested = list_class_folders(folder);
  if (!flat.files.empty() && !nested.files.empty())
    throw UserError(fmt::format("'{}' has images beside its class folders; which class are they? Move them",
                                folder.string()));
  if (flat.files.empty() && nested.files.empty())
    throw UserError(
        fmt::format("'{}' has no images (.jpg, .jpeg, .png) and no test_data_set_*", folder.string()));
  return flat.files.empty() ? nested : flat;
}

/// "; give a resize and a crop to 224x224", where the model says what it takes.
std::string size_advice(const ValueType& type, const Preprocessing& options) {
  if (!type.shape || type.shape->size() != 4) return "";
  const std::size_t first = options.layout == "nchw" ? 2 : 1;
  const Dim& height = (*type.shape)[first];
  const Dim& width = (*type.shape)[first + 1];
  if (!height.is_number() || !width.is_number()) return "";
  return fmt::format("; bring it there with resize, crop, layout or color (the model takes {}x{})",
                     height.size, width.size);
}

Sample read_image(const fs::path& file, const Value& input, const Preprocessing& options) {
  Image image = decode_image(file);
  if (!options.resize.empty()) image = resize_bilinear(image, options.resize[0], options.resize[1]);
  const auto prepare = [&] {
    if (!options.crop.empty()) image = crop_center(image, options.crop[0], options.crop[1]);
    return to_tensor(image, options);
  };
  const Tensor raw = while_doing(fmt::format("'{}'", file.string()), prepare);
  const SamplePlace place{.file = file.string(), .input = input.name, .type = input.type};
  try {
    check_sample_shape(raw.dims(), place);
  } catch (const UserError& error) {
    throw UserError(fmt::format("'{}': {}{}", file.string(), error.what(), size_advice(input.type, options)));
  }
  return {.inputs = {prepare_sample(raw, place, options)}, .label = std::nullopt};
}

}  // namespace

SampleSource open_image_folder(const fs::path& folder, const Graph& graph,
                               const Preprocessing& preprocessing) {
  const std::vector<ValueId> inputs = required_inputs(graph);
  if (inputs.size() != 1)
    throw UserError(fmt::format(
        "'{}' is a folder of images, but the model has {} inputs; use an .npz with an array for each",
        folder.string(), inputs.size()));
  if (!preprocessing.dtype.empty() && preprocessing.dtype != "uint8")
    throw UserError(fmt::format("images hold uint8, but dtype says {}", preprocessing.dtype));
  LabelledFiles listed = list_files(folder);
  SampleSource source;
  source.count = static_cast<std::int64_t>(listed.files.size());
  source.labels = std::move(listed.labels);
  source.has_labels = !source.labels.empty();
  source.description = folder.string();
  if (const std::string how = describe(preprocessing); !how.empty()) source.description += ", " + how;
  source.sha256 = sha256_of_path(folder);
  source.read = [files = std::move(listed.files), input = graph.value(inputs[0]),
                 preprocessing](std::int64_t index) {
    return read_image(files[static_cast<std::size_t>(index)], input, preprocessing);
  };
  source.read(0);  // a wrong size or channel count shows at once
  return source;
}

}  // namespace edgeopt
