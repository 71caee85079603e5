// Zeros among the weights, as tables and as JSON, and who gains from them.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "hwprofiles/profile.h"
#include "recipes/sparsify.h"
#include "reports/tables.h"

namespace edgeopt {

/// "50.1 % of the weights are zero (2:4 in 18 of 20 layers)"
std::string sparsity_headline(const SparsityFacts& facts);

/// Layers with zeros; errors are relative to the layer's output.
Table zero_table(const SparsityFacts& facts);
/// Layers left dense, and why.
Table dense_table(const SparsityFacts& facts);

/// Who gains what from these zeros, in sentences.
std::vector<std::string> speed_notes(const SparsityPattern& pattern,
                                     const std::vector<HardwareProfile>& profiles);

nlohmann::ordered_json sparsity_to_json(const SparsityFacts& facts);

}  // namespace edgeopt
