#include "support/parallel.h"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <limits>
#include <mutex>

namespace edgeopt {
namespace {

int& configured_thread_count() {
  static int count = std::max(1, omp_get_num_procs());
  return count;
}

}  // namespace

void set_thread_count(int count) {
  configured_thread_count() = std::max(1, count);
  omp_set_num_threads(configured_thread_count());
}

int thread_count() { return configured_thread_count(); }

void parallel_for(std::int64_t count, const std::function<void(std::int64_t, int)>& body) {
  const int workers = static_cast<int>(std::min<std::int64_t>(thread_count(), count));
  std::atomic<std::int64_t> next = 0;
  std::atomic<std::int64_t> first_failure = std::numeric_limits<std::int64_t>::max();
  std::exception_ptr failure;
  std::mutex failure_lock;
#pragma omp parallel num_threads(std::max(1, workers))
  {
    const int worker = omp_get_thread_num();
    for (std::int64_t i = next++; i < count && i < first_failure; i = next++) {
      try {
        body(i, worker);
      } catch (...) {
        const std::scoped_lock guard(failure_lock);
        if (i < first_failure) {
          first_failure = i;
          failure = std::current_exception();
        }
      }
    }
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace edgeopt
