// How long work says how far it is, without knowing whether anybody watches.
#pragma once
#include <cstdint>
#include <functional>
#include <string_view>

namespace edgeopt {

/// Called from one thread at a time with what is being done and how much of it is done, done <= total.
/// May be empty: then nobody watches.
using Progress = std::function<void(std::string_view activity, std::int64_t done, std::int64_t total)>;

inline void report_progress(const Progress& progress, std::string_view activity, std::int64_t done,
                            std::int64_t total) {
  if (progress) progress(activity, done, total);
}

}  // namespace edgeopt
