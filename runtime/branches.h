// If, as a step of a plan: each branch is a graph of its own, compiled when it is first taken.
#pragma once
#include "runtime/fallback.h"

namespace edgeopt {

BoundStep bind_if(FallbackCall call, int thread_count);

}  // namespace edgeopt
