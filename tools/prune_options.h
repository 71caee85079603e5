// What may be left of a model, as it is written on the command line; for `prune` and `optimize`.
#pragma once
#include <string>

#include "passes/choose_channels.h"

namespace edgeopt {

/// "macs=0.5", "params=0.5" or "latency=0.5".
/// throws  UserError for anything else
ChannelBudget channel_budget(const std::string& keep);

}  // namespace edgeopt
