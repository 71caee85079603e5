// Where the pipelines are written down; how they run: passes/framework/pipeline.h.
#pragma once
#include "passes/framework/pipeline.h"

namespace edgeopt {

/// Exact steps that make a graph smaller and its constants visible.
std::vector<Stage> simplify_stages();
/// simplify_stages, then merging neighbours into one operator; within float rounding.
std::vector<Stage> fuse_stages();

}  // namespace edgeopt
