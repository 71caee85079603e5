// What opening and reading samples complains about.
#pragma once
#include <string>

#include "calibration/samples/preprocessing.h"
#include "ir/graph.h"

namespace edgeopt {

/// What opening or reading says, "" if nothing.
std::string complaint(const std::string& data, const Graph& graph, const Preprocessing& options = {});

bool contains(const std::string& text, const std::string& part);

}  // namespace edgeopt
