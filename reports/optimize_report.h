// From what `optimize` did to its Report.
#pragma once
#include <string>
#include <vector>

#include "recipes/optimize.h"
#include "reports/report.h"

namespace edgeopt {

struct OptimizeFiles {
  std::vector<std::string> arguments;
  NamedFile model;     // as it was before the result was written, perhaps in its place
  std::string result;  // written already: its hash is in the report
  std::string profile;
  std::uint64_t seed = 1;
};

Report optimize_report(const Graph& original, const Optimized& optimized, const OptimizeRequest& request,
                       const OptimizeFiles& files);

}  // namespace edgeopt
