// Random numbers that are the same everywhere: one seed, and a stream of its own for every named purpose.
#pragma once
#include <cstdint>
#include <string_view>

namespace edgeopt {

/// A stream of random numbers that depends only on its seed and its name, not on the library or the machine.
///
/// source  SplitMix64: Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014
class RandomStream {
 public:
  RandomStream(std::uint64_t seed, std::string_view name);

  std::uint64_t next();
  /// Uniform in [0, 1), 53 random bits.
  double uniform();
  /// Uniform in [0, bound), bound > 0; by multiplication, so the bias is below bound / 2^64.
  std::uint64_t below(std::uint64_t bound);
  /// Standard normal, by Box-Muller.
  double normal();

 private:
  std::uint64_t state_;
};

}  // namespace edgeopt
