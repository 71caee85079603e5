// What `edgeopt prune` prints.
#pragma once
#include "recipes/prune.h"
#include "tools/command.h"
#include "tools/describe.h"

namespace edgeopt {

Answer describe_prune(const PrunedModel& pruned, const ModelFiles& files);

}  // namespace edgeopt
