#include "reports/headlines.h"

#include <fmt/format.h>

#include <algorithm>

#include "reports/ratio.h"
#include "reports/write.h"

namespace edgeopt {
namespace {

Headline headline_of(const Ratio& ratio, const std::string& detail) {
  return {ratio.figure, ratio.word, detail, fmt::format("{} {}", ratio.figure, ratio.word)};
}

const Metric* metric_of(const Report& report, const std::string& name) {
  const auto found = std::ranges::find(report.accuracy.metrics, name, &Metric::name);
  return found == report.accuracy.metrics.end() ? nullptr : &*found;
}

}  // namespace

std::vector<Headline> headlines_of(const Report& report) {
  const std::uint64_t before = report.original.file.size_bytes, after = report.result.file.size_bytes;
  std::vector<Headline> list = {
      headline_of(size_ratio(static_cast<double>(before), static_cast<double>(after)),
                  fmt::format("{} to {}", human_bytes(before), human_bytes(after)))};
  if (report.original_latency && report.result_latency) {
    const double old_ms = report.original_latency->median_ms, new_ms = report.result_latency->median_ms;
    list.push_back(
        headline_of(latency_ratio(old_ms, new_ms), fmt::format("{:.3f} to {:.3f} ms", old_ms, new_ms)));
  }
  const Metric* top1 = metric_of(report, "top1");
  if (top1 && top1->difference) {
    const std::string points = fmt::format("{:+.2f} points", top1->difference->value);
    const std::string detail =
        top1->original && top1->result
            ? fmt::format("{:.2f} to {:.2f} %", top1->original->value, top1->result->value)
            : "";
    list.push_back(
        {fmt::format("{:+.2f}", top1->difference->value), "points of top-1", detail, "top-1 " + points});
  }
  const Metric* agreement = metric_of(report, "agreement");
  if (agreement && agreement->result) {
    const std::string share = fmt::format("{:.1f} %", agreement->result->value);
    list.push_back({share, "same class as the original",
                    fmt::format("on {} samples", report.accuracy.sample_count),
                    "agrees with the original on " + share});
  }
  return list;
}

}  // namespace edgeopt
