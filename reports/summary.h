// A Report as a Document: what stands where, and in which words.
#pragma once
#include "reports/document.h"
#include "reports/report.h"

namespace edgeopt {

Document summary_of(const Report& report);

}  // namespace edgeopt
