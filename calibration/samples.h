// Samples as a stream: never all in memory.
#pragma once
#include <cstdint>
#include <functional>
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

/// Samples that can be read in any order and by several threads at once.
struct SampleSource {
  std::int64_t count = 0;
  std::string description;  // what was read, for reports: path, slice, preprocessing
  std::string sha256;       // of the files behind it
  bool has_labels = false;
  std::function<Sample(std::int64_t index)> read;  // thread-safe; throws UserError naming file and sample
};

/// Normalization: x = (raw * scale - mean) / std, per channel of `layout`.
struct Preprocessing {
  std::vector<std::int64_t> resize;  // height, width, bilinear; empty: as it is
  std::vector<std::int64_t> crop;    // height, width, centre; empty: none
  std::vector<double> mean;          // one for all or one per channel
  std::vector<double> std;
  double scale = 1;
  std::string layout = "nchw";  // of the model's input: nchw or nhwc
  std::string color = "rgb";    // rgb or bgr or gray, of the model's input
};

/// Opens `--data`: a .npz[a:b] whose arrays are named after the model's inputs, a folder of test_data_set_*,
/// a folder of images, a .toml that names files and preprocessing, or "random" (seeded normal numbers; only
/// on request). throws  UserError: missing or empty files, an input without an array, wrong shapes or types,
/// labels of another count
SampleSource open_samples(const std::string& data, const Graph& graph, const Preprocessing& preprocessing,
                          std::uint64_t seed);

}  // namespace edgeopt
