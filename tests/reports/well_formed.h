// Whether a page's tags are balanced and its text is escaped: what XML asks of it.
#pragma once
#include <string>

namespace edgeopt {

/// What is wrong first, with the text from there on; empty if nothing is.
std::string fault_in(const std::string& page);

}  // namespace edgeopt
