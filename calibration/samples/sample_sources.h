// One function per kind of `--data`; open_samples (calibration/samples/samples.h) chooses between them.
#pragma once
#include <filesystem>

#include "calibration/samples/samples.h"

namespace edgeopt {

/// Arrays of a .npz, first axis = samples. Compressed arrays are inflated as they are read: memory stays
/// within a window per array (calibration/samples/npz_array.h), whatever the number of samples.
SampleSource open_npz(const std::filesystem::path& path, const Graph& graph,
                      const Preprocessing& preprocessing);

/// A folder of test_data_set_<n> in ONNX's own layout (input_<k>.pb), or one such folder.
SampleSource open_test_data_sets(const std::filesystem::path& folder, const Graph& graph);
bool is_test_data_folder(const std::filesystem::path& folder);

/// A folder of JPEG and PNG files for a model with one image input.
SampleSource open_image_folder(const std::filesystem::path& folder, const Graph& graph,
                               const Preprocessing& preprocessing);

/// Standard normal numbers (0 and 1 for integer and boolean inputs), the same for the same seed.
SampleSource open_random(const Graph& graph, std::uint64_t seed, std::int64_t count);

/// What a data .toml says.
struct DataFile {
  std::string data;    // path of the data, the .toml's folder in front, slice included
  std::string labels;  // path of a labels file, or empty
  Preprocessing preprocessing;
};

/// Reads a data .toml. throws UserError naming unknown keys and wrong values
DataFile read_data_toml(const std::filesystem::path& path);

/// Labels from a file: `file,label` per line for images, or one label per line. Heading lines are skipped.
struct LabelLine {
  std::string file;  // empty if the line holds a label alone
  std::int64_t label = 0;
};
std::vector<LabelLine> read_labels(const std::filesystem::path& path);

}  // namespace edgeopt
