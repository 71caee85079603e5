#include "runtime/thread_scope.h"

#include <omp.h>

namespace edgeopt {

ThreadScope::ThreadScope(int thread_count) : previous_(omp_get_max_threads()) {
  if (previous_ != thread_count) omp_set_num_threads(thread_count);
}

ThreadScope::~ThreadScope() {
  if (omp_get_max_threads() != previous_) omp_set_num_threads(previous_);
}

}  // namespace edgeopt
