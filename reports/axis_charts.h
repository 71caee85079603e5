// Charts with two axes.
#pragma once
#include <string>

#include "reports/svg.h"

namespace edgeopt {

std::string histogram_svg(const HistogramChart& chart);
std::string lines_svg(const LineChart& chart);

}  // namespace edgeopt
