// Charts of one row after another.
#pragma once
#include <string>

#include "reports/svg.h"

namespace edgeopt {

std::string bars_svg(const BarChart& chart);
std::string intervals_svg(const IntervalChart& chart);

}  // namespace edgeopt
