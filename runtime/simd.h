// Loops that are compiled once per instruction set and chosen when the program starts.
#pragma once

// The compiler's vectorizer at its full setting, for the loops of one function. Not for templates.
#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#define EDGEOPT_VECTORIZED \
  __attribute__((target_clones("arch=icelake-server", "arch=haswell", "default"), optimize("O3")))
#else
#define EDGEOPT_VECTORIZED
#endif
