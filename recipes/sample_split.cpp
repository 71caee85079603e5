#include "recipes/sample_split.h"

#include <fmt/format.h>

#include <cstdint>
#include <utility>
#include <vector>

namespace edgeopt {
namespace {

// A half of fewer would neither calibrate well nor judge to within a few percent.
constexpr std::int64_t fewest_to_halve = 32;
// What is held out of a part that is learned from: so that some is left where there are few.
constexpr std::int64_t held_out_every = 5;
constexpr std::int64_t fewest_to_hold_out = 5 * held_out_every;

SampleSource subset(const SampleSource& samples, std::vector<std::int64_t> indexes,
                    const std::string& description) {
  SampleSource result = select_samples(samples, std::move(indexes));
  result.description = description;
  return result;
}

SampleSource every_second(const SampleSource& samples, std::int64_t first) {
  std::vector<std::int64_t> indexes;
  for (std::int64_t i = first; i < samples.count; i += 2) indexes.push_back(i);
  return subset(samples, std::move(indexes),
                fmt::format("every second of {} ({})", samples.description, first == 0 ? "even" : "odd"));
}

}  // namespace

SampleSplit split_samples(const SampleSource& samples) {
  if (samples.count < fewest_to_halve)
    return {.calibration = samples,
            .judging = samples,
            .caution = fmt::format("judged on the {} samples it was calibrated on; give --test-data",
                                   samples.count)};
  return {.calibration = every_second(samples, 0), .judging = every_second(samples, 1)};
}

SampleSplit separate_samples(const SampleSource& calibration, const SampleSource& judging) {
  SampleSplit split{.calibration = calibration, .judging = judging};
  if (calibration.description == judging.description && calibration.sha256 == judging.sha256)
    split.caution = "judged on the samples it was calibrated on";
  return split;
}

SampleSplit held_out(const SampleSource& samples) {
  if (samples.count < fewest_to_hold_out)
    return {samples, samples, fmt::format("judged on the {} samples it was repaired on", samples.count)};
  std::vector<std::int64_t> learned, judged;
  for (std::int64_t i = 0; i < samples.count; ++i)
    (i % held_out_every == held_out_every - 1 ? judged : learned).push_back(i);
  return {
      .calibration =
          subset(samples, std::move(learned), fmt::format("{} (four of five)", samples.description)),
      .judging = subset(samples, std::move(judged), fmt::format("{} (every fifth)", samples.description))};
}

}  // namespace edgeopt
