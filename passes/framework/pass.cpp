#include "passes/framework/pass.h"

#include <fmt/format.h>

#include <algorithm>

#include "support/error.h"

namespace edgeopt {

std::string_view name_of(Fidelity fidelity) {
  switch (fidelity) {
    case Fidelity::exact:
      return "exact";
    case Fidelity::rounding:
      return "rounding";
    case Fidelity::lossy:
      return "lossy";
  }
  throw InternalError("a fidelity without a name");
}

void count_decline(DeclineCounts& counts, const std::string& reason, int times) {
  if (reason.empty()) return;
  const auto found = std::ranges::find(counts, reason, &std::pair<std::string, int>::first);
  if (found == counts.end())
    counts.emplace_back(reason, times);
  else
    found->second += times;
}

const Pass& find_pass(std::string_view name) {
  std::string names;
  for (const Pass& pass : all_passes()) {
    if (pass.name == name) return pass;
    names += (names.empty() ? "" : ", ") + pass.name;
  }
  throw UserError(fmt::format("there is no pass '{}'; there are {}", name, names));
}

}  // namespace edgeopt
