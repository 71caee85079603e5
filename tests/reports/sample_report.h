// A report in which everything happened: what the tests of its forms share.
#pragma once
#include <string>

#include "reports/report.h"

namespace edgeopt {

/// name  of the model's files and of every layer in it
Report sample_report(const std::string& name);

}  // namespace edgeopt
