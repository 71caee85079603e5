// Parallel loops whose results do not depend on how many threads run them.
#pragma once
#include <cstdint>
#include <functional>

namespace edgeopt {

/// How many threads edgeopt may use; set once from --threads, at least 1. Default: the number of cores.
void set_thread_count(int count);
int thread_count();

/// Calls body(i, worker) for every i in [0, count), spread over the threads; worker is in [0, thread_count())
/// and no two calls with the same worker run at once. Which worker gets which i is not fixed: a result must
/// depend on i alone. An exception thrown by a body ends the loop and is rethrown (that of the smallest i
/// that failed).
void parallel_for(std::int64_t count, const std::function<void(std::int64_t index, int worker)>& body);

}  // namespace edgeopt
