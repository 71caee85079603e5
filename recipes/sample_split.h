// Samples told apart by what they are for, so that no figure comes from what was learned from.
#pragma once
#include <string>

#include "calibration/samples/samples.h"

namespace edgeopt {

/// The samples of a run, told apart by what they are for.
struct SampleSplit {
  SampleSource calibration;
  SampleSource judging;
  std::string caution;  // what weakens figures from these samples; empty if nothing does
};

/// Samples for both purposes out of one source: every second one calibrates, the others judge, so that sorted
/// classes fall into both. Of fewer than 32 all serve both, with a caution.
SampleSplit split_samples(const SampleSource& samples);

/// Calibration on one source, judging on another; with a caution if both are the same files.
SampleSplit separate_samples(const SampleSource& calibration, const SampleSource& judging);

/// Every fifth sample judges, so that sorted classes fall into both parts; of fewer than 25 all do both.
SampleSplit held_out(const SampleSource& samples);

}  // namespace edgeopt
