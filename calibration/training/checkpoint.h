// Where a training run stands, as a file: an ONNX model whose constants are the parameters and
// what the optimizer remembers.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "calibration/training/trainer.h"

namespace edgeopt {

struct TrainingState {
  std::vector<Parameter> parameters;
  std::vector<Moments> moments;
  std::vector<Parameter> best;
  std::int64_t step = 0;
  TrainingOutcome outcome;          // history, best step
  std::vector<double> best_losses;  // the lowest so far, per held-back sample
  std::int64_t looks_without_gain = 0;
};

/// A number that differs between runs that must not be mixed up: graph, parameters, options.
std::string fingerprint_of(const TrainingTask& task, const SampleSource& samples,
                           const TrainingOptions& options);

/// Written beside its final name and renamed.
void save_checkpoint(const std::filesystem::path& path, const std::string& fingerprint,
                     const TrainingState& state);

/// Fills `state` from the file; false if there is none.
/// throws  UserError if the file belongs to another run
bool load_checkpoint(const std::filesystem::path& path, const std::string& fingerprint, TrainingState& state);

}  // namespace edgeopt
