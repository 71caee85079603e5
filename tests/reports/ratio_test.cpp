// Gains and losses are told in words that fit.
#include "reports/ratio.h"

#include <doctest/doctest.h>

namespace edgeopt {

TEST_CASE("half the time is twice as fast, twice the time twice as slow, never half as fast") {
  CHECK(latency_ratio(2, 1).figure + " " + latency_ratio(2, 1).word == "2.00x faster");
  CHECK(latency_ratio(1, 2).figure + " " + latency_ratio(1, 2).word == "2.00x slower");
  CHECK(size_ratio(4, 5).figure + " " + size_ratio(4, 5).word == "1.25x larger");
}

TEST_CASE("what rounds to the same size keeps the word that was hoped for") {
  CHECK(size_ratio(1000, 1001).figure + " " + size_ratio(1000, 1001).word == "1.00x smaller");
  CHECK(size_ratio(1000, 1000).word == "smaller");
}

}  // namespace edgeopt
