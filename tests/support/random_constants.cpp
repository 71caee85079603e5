#include "tests/support/random_constants.h"

#include <cstdint>

namespace edgeopt {

std::string with_random_constants(std::string text) {
  const std::string mark = "RANDOM";
  std::uint32_t state = 1;
  for (std::size_t at = text.find(mark); at != std::string::npos; at = text.find(mark)) {
    const std::size_t open = text.rfind('[', at), close = text.find(']', open);
    std::int64_t count = 1;
    std::string dims = text.substr(open + 1, close - open - 1) + ",";
    for (std::size_t comma = dims.find(','); comma != std::string::npos; comma = dims.find(',')) {
      count *= std::stoll(dims.substr(0, comma));
      dims.erase(0, comma + 1);
    }
    std::string numbers;
    for (std::int64_t i = 0; i < count; ++i) {
      state = state * 1664525 + 1013904223;  // Numerical Recipes
      numbers += (i ? ", " : "") + std::to_string((static_cast<double>(state >> 8) / (1 << 23)) - 1);
    }
    text.replace(at, mark.size(), "{" + numbers + "}");
  }
  return text;
}

}  // namespace edgeopt
