// Samples as a stream: never all in memory.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ir/graph.h"
#include "ir/tensor.h"

namespace edgeopt {

/// One sample: a tensor for every required input of the model, batch axis of 1 included.
struct Sample {
  Tensors inputs;
  std::optional<std::int64_t> label;
};

/// Samples that can be read in any order and by several threads at once; in increasing order is fastest.
struct SampleSource {
  std::int64_t count = 0;
  std::string description;  // what was read, for reports: path, slice, preprocessing
  std::string sha256;       // of the files behind it
  bool has_labels = false;
  std::vector<std::int64_t> labels;                // one per sample if has_labels, else empty
  std::function<Sample(std::int64_t index)> read;  // thread-safe; throws UserError naming file and sample
};

/// Normalization: x = (raw * scale - mean) / std, per channel of `layout`, in the order of `color`.
struct Preprocessing {
  std::vector<std::int64_t> resize;  // images: height, width, bilinear; empty: as it is
  std::vector<std::int64_t> crop;    // images: height, width, centre, after resize; empty: none
  std::vector<double> mean;          // one for all or one per channel; empty: 0
  std::vector<double> std;           // likewise; empty: 1
  double scale = 1;
  std::string layout = "nchw";  // of the model's input: nchw or nhwc
  std::string color = "rgb";    // rgb, bgr or gray, of the model's input; the files are rgb
  std::map<std::string, std::string> inputs = {};  // model input -> array of the .npz, where names differ
  std::string dtype = {};  // what the stored elements must be ("uint8"); empty: whatever they are

  bool operator==(const Preprocessing&) const = default;
};

/// Opens `--data`: a .npz[a:b] whose arrays are named after the model's inputs (a single array for a single
/// input may have any name), a folder of test_data_set_*, a folder of images (one subfolder per class in
/// sorted order, or a labels.csv of `file,label`), a .toml that names files and preprocessing, or "random"
/// (seeded normal numbers; only on request). A slice [a:b] may follow any of them.
/// preprocessing  where it differs from the default it wins over what a .toml says
/// throws  UserError: missing or empty files, an input without an array, wrong shapes or types, labels of
/// another count
SampleSource open_samples(const std::string& data, const Graph& graph, const Preprocessing& preprocessing,
                          std::uint64_t seed);

/// Samples [begin, end) of a source.
/// throws  UserError if the slice is empty or reaches beyond the source
SampleSource slice_samples(const SampleSource& source, std::int64_t begin, std::optional<std::int64_t> end);

/// The samples at these indexes, in this order; the description stays.
SampleSource select_samples(const SampleSource& source, std::vector<std::int64_t> indexes);

/// Does nothing if every label is in [0, class_count).
/// throws  UserError naming the first sample whose label is not
void check_labels(const SampleSource& source, std::int64_t class_count);

}  // namespace edgeopt
