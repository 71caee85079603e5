// The style sheet of report.html.
#pragma once
#include <string_view>

namespace edgeopt {

std::string_view html_style();

}  // namespace edgeopt
