#include "tools/prune_options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>

#include "support/error.h"

namespace edgeopt {

void declare_block_options(CLI::App& app, BlockChoice& blocks) {
  app.add_option("--remove-blocks", blocks.count,
                 "Take out so many residual blocks first, the least harmful for what they cost: time that "
                 "channels do not save")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  app.add_option("--remove-block", blocks.names,
                 "Take out the residual block that ends at this Add; may be repeated")
      ->type_name("NODE")
      ->allow_extra_args(false);
}

void require_budget(const BlockChoice& blocks, const std::string& keep) {
  if (keep.empty() && blocks.removes_any())
    throw UserError("residual blocks are removed within a budget; give --keep, such as --keep macs=0.7");
}

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

PruneOptions prune_within(const ChannelBudget& budget, const BlockChoice& blocks,
                          const std::vector<std::string>& excluded, const RunContext& context) {
  PruneOptions options{.budget = budget,
                       .importance = {.progress = context.progress},
                       .repair = {.progress = context.progress},
                       .excluded = excluded,
                       .blocks = blocks,
                       .seed = context.seed};
  options.blocks.excluded = excluded;
  return options;
}

}  // namespace edgeopt
