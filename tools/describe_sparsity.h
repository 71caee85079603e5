// What `edgeopt prune --sparsity` prints.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "hwprofiles/profile.h"
#include "recipes/sparsify.h"

namespace edgeopt {

/// Zeros among the weights of all layers, those that stay dense included.
double zero_share(const SparseModel& sparse);

/// "50.1 % of the weights are zero (2:4 in 18 of 20 layers)"
std::string sparsity_headline(const SparseModel& sparse, const SparsityPattern& pattern);

/// Who gains what from these zeros, in sentences.
std::vector<std::string> speed_notes(const SparsityPattern& pattern,
                                     const std::vector<HardwareProfile>& profiles);

/// Layers, what was left alone, how close the result is; no headline.
std::string sparsity_text(const SparsifiedModel& sparsified);

nlohmann::ordered_json sparsity_json(const SparsifiedModel& sparsified, const SparsityPattern& pattern);

}  // namespace edgeopt
