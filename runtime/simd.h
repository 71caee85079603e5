// Loops that are compiled once per instruction set and chosen when the program starts.
#pragma once

// For functions that are loops, compiled with the options of runtime/kernels. Not for templates; what they
// call must be
// [[gnu::always_inline]].
#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#define EDGEOPT_VECTORIZED __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define EDGEOPT_VECTORIZED
#endif

namespace edgeopt {

/// x within [low, high]; low for NaN.
[[gnu::always_inline]] inline float clamped(float x, float low, float high) {
  const float raised = x > low ? x : low;
  return raised < high ? raised : high;
}

/// The nearest integer, ties to even, for |x| < 2^22: at 1.5 * 2^23 one unit in the last place is 1.
[[gnu::always_inline]] inline float rounded_to_even(float x) {
  constexpr float magic = 12582912.0f;
  return (x + magic) - magic;
}

}  // namespace edgeopt
