// An elementwise loop cut into chunks for the threads of one operator.
#pragma once
#include <algorithm>
#include <cstdint>

namespace edgeopt {

/// Calls body(begin, end) for consecutive chunks of [0, count). Only for work in which every element is
/// independent of its chunk. The chunks must not throw.
template <typename Body>
void for_chunks(std::int64_t count, int thread_count, const Body& body) {
  // Starting threads costs some microseconds: what 16 Ki elements cost one thread.
  constexpr std::int64_t smallest_chunk = 16384;
  const std::int64_t chunks = std::clamp<std::int64_t>(count / smallest_chunk, 1, thread_count);
  if (chunks == 1) return body(std::int64_t{0}, count);
#pragma omp parallel for schedule(static) num_threads(static_cast <int>(chunks))
  for (std::int64_t i = 0; i < chunks; ++i) body(count * i / chunks, count * (i + 1) / chunks);
}

}  // namespace edgeopt
