// What the commands print: tables of passes, sizes and counts, as text and as JSON.
#pragma once
#include <string>
#include <vector>

#include "recipes/fuse.h"
#include "recipes/goals.h"
#include "recipes/quantize.h"
#include "recipes/size_goal.h"
#include "tools/command.h"

namespace edgeopt {

/// Bytes of a model file and of the external data beside it; 0 if there is none.
std::uint64_t model_bytes(const std::string& path);

struct ModelFiles {
  std::string original;
  std::string result;
  std::uint64_t original_bytes = 0;
};

/// Call it before the result is saved, which may be in place of the original.
ModelFiles model_files(const std::string& original, const std::string& result);

Answer describe_fuse(const Graph& original, const FuseOutcome& outcome, const ModelFiles& files);
Answer describe_quantize(const QuantizedModel& quantized, const ModelFiles& files);
/// The same with the widths that were chosen and whether the goal of size was met.
Answer describe_quantize_to_size(const SizedModel& sized, const GoalOutcome& goal, const ModelFiles& files);

}  // namespace edgeopt
