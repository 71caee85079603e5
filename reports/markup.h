// Text on its way into HTML.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace edgeopt {

/// The text with & < > " ' as entities. What is no UTF-8, and control characters, become U+FFFD: names in a
/// model may be any bytes.
std::string escape_html(std::string_view text);

/// The text without its middle if it is longer than so many characters.
std::string shortened(std::string_view text, std::size_t longest);

}  // namespace edgeopt
