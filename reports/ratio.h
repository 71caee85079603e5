// How many times smaller or faster, or larger or slower.
#pragma once
#include <string>

namespace edgeopt {

struct Ratio {
  std::string figure;  // "2.00x", never below 1 by more than rounding
  std::string word;
};

/// The gain in `word` where there is one, else the loss in its opposite.
///
/// before, after  above 0, in the same unit
Ratio ratio_of(double before, double after, const std::string& word, const std::string& opposite);
Ratio size_ratio(double before, double after);     // smaller, larger
Ratio latency_ratio(double before, double after);  // faster, slower

}  // namespace edgeopt
