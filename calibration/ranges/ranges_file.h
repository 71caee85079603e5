// RANGES.json: what calibration saw and chose, to be read, edited, merged and used again.
#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "calibration/ranges/calibrate.h"

namespace edgeopt {

/// Samples that went into a ranges file.
struct CalibrationData {
  std::string description;
  std::string sha256;
  std::int64_t sample_count = 0;
  bool operator==(const CalibrationData&) const = default;
};

struct RangesFile {
  std::string edgeopt_version;
  std::string model_sha256;  // of the model that was calibrated
  std::vector<CalibrationData> data;
  ObserverOptions observer;
  Observations observations;
  /// What quantization uses, by value name. A file edited by hand may say anything here.
  std::map<std::string, Range> ranges;
};

/// A file for these observations, with the ranges that `observer` chooses.
RangesFile make_ranges_file(Observations observations, const ObserverOptions& observer);

/// The JSON text; equal files give equal text, and numbers are printed so that they read back the same.
std::string to_json_text(const RangesFile& file);
/// throws  UserError: no JSON, another format, missing or impossible entries, by their place
RangesFile ranges_from_json(const std::string& text);

void write_ranges(const std::filesystem::path& path, const RangesFile& file);
RangesFile read_ranges(const std::filesystem::path& path);

/// As if the samples of all files had been observed in one run; the ranges are chosen anew by the first
/// file's observer. throws  UserError: files of different models or values, or the same samples twice
RangesFile merge_ranges(const std::vector<RangesFile>& files);

/// The graph with the file's ranges. throws UserError if the graph lacks a value that the file names
Graph with_ranges(const Graph& graph, const RangesFile& file);

}  // namespace edgeopt
