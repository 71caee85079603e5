#include "reports/ratio.h"

#include <fmt/format.h>

namespace edgeopt {

Ratio ratio_of(double before, double after, const std::string& word, const std::string& opposite) {
  constexpr double rounds_to_one = 0.995;  // at two digits
  if (before / after < rounds_to_one) return {fmt::format("{:.2f}x", after / before), opposite};
  return {fmt::format("{:.2f}x", before / after), word};
}

Ratio size_ratio(double before, double after) { return ratio_of(before, after, "smaller", "larger"); }

Ratio latency_ratio(double before, double after) { return ratio_of(before, after, "faster", "slower"); }

}  // namespace edgeopt
