#include "tools/prune_options.h"

#include <fmt/format.h>

#include <charconv>

#include "support/error.h"

namespace edgeopt {

ChannelBudget channel_budget(const std::string& keep) {
  const std::size_t equals = keep.find('=');
  const std::string kind = keep.substr(0, equals);
  const std::string number = equals == std::string::npos ? "" : keep.substr(equals + 1);
  ChannelBudget budget;
  if (kind == "params")
    budget.kind = CostKind::parameters;
  else if (kind == "latency")
    budget.kind = CostKind::latency;
  else if (kind != "macs")
    throw UserError(fmt::format("--keep '{}': write macs=SHARE, params=SHARE or latency=SHARE", keep));
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), budget.keep);
  if (error != std::errc{} || end != number.data() + number.size() || !(budget.keep > 0 && budget.keep < 1))
    throw UserError(fmt::format("--keep '{}': the share must be a number between 0 and 1", keep));
  return budget;
}

}  // namespace edgeopt
