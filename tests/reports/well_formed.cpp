#include "tests/reports/well_formed.h"

#include <regex>
#include <vector>

namespace edgeopt {

std::string fault_in(const std::string& page) {
  static const std::regex opening(R"(^<([a-zA-Z][a-zA-Z0-9]*)((?: [a-zA-Z0-9-]+="[^"<&]*")*)(/?)>)");
  static const std::regex closing(R"(^</([a-zA-Z][a-zA-Z0-9]*)>)");
  static const std::regex entity(R"(^&(amp|lt|gt|quot|#39);)");
  const std::string start = "<!DOCTYPE html>\n";
  if (page.rfind(start, 0) != 0) return "no document type: " + page.substr(0, 80);
  std::vector<std::string> open;
  for (std::size_t i = start.size(); i < page.size();) {
    const std::string rest = page.substr(i, 2000);
    std::smatch match;
    if (page[i] != '<' && page[i] != '&') {
      ++i;
      continue;
    }
    if (page[i] == '&') {
      if (!std::regex_search(rest, match, entity)) return "bare &: " + rest.substr(0, 80);
    } else if (std::regex_search(rest, match, closing)) {
      if (open.empty() || open.back() != match[1]) return "closes what is not open: " + rest.substr(0, 80);
      open.pop_back();
    } else if (std::regex_search(rest, match, opening)) {
      if (match[3].length() == 0) open.push_back(match[1]);
    } else {
      return "bare <: " + rest.substr(0, 80);
    }
    i += static_cast<std::size_t>(match.length());
  }
  return open.empty() ? "" : "stays open: " + open.back();
}

}  // namespace edgeopt
