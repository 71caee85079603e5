// The figures of a report to see first.
#pragma once
#include <string>
#include <vector>

#include "reports/report.h"

namespace edgeopt {

struct Headline {
  std::string figure;    // "3.52x"
  std::string meaning;   // "smaller"
  std::string detail;    // "716.3 kB to 203.5 kB"
  std::string sentence;  // "3.52x smaller"
};

/// Size, latency, accuracy and agreement, as far as they are known.
std::vector<Headline> headlines_of(const Report& report);

}  // namespace edgeopt
