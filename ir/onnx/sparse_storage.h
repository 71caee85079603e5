// Constants that are written as sparse initializers: positions and values of what is not zero.
#pragma once
#include "ir/graph.h"

namespace edgeopt {

/// The graph whose constants will be written sparsely wherever that takes fewer bytes: a position is a 64-bit
/// integer in ONNX, so float32 gains above two thirds of zeros, int8 above eight ninths. Nothing but the file
/// changes: in the graph every constant is dense. Models that are read with sparse initializers are written
/// with them again.
Graph with_sparse_storage(const Graph& graph);

}  // namespace edgeopt
