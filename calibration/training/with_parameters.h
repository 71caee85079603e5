// Learned parameters put back where they came from.
#pragma once
#include <vector>

#include "calibration/training/trainable.h"
#include "ir/graph.h"

namespace edgeopt {

/// The student with these values of the trainable's parameters: integers, scales and float constants.
Graph with_parameters(const Graph& student, const Trainable& trainable,
                      const std::vector<Parameter>& parameters);

}  // namespace edgeopt
