// The widths of weights that a goal of size led to, as a table and as JSON.
#pragma once
#include <nlohmann/json_fwd.hpp>

#include "recipes/weight_widths.h"
#include "reports/tables.h"

namespace edgeopt {

/// Layers in the order of the model, each with its bits, what these cost, and what the other width would.
Table width_table(const WidthChoice& choice);
nlohmann::ordered_json widths_to_json(const WidthChoice& choice);

/// What a damage is, and the options that give the same model again.
std::string width_explanation(const WidthChoice& choice);

}  // namespace edgeopt
