#include "tools/suggest.h"

#include <doctest/doctest.h>

namespace edgeopt {

TEST_CASE("the nearest word is the one with the fewest edits") {
  CHECK(nearest_word("fues", {"fuse", "bench"}) == "fuse");
  CHECK(nearest_word("optimise", {"optimize", "evaluate"}) == "optimize");
  CHECK(nearest_word("--outptu", {"--output", "--observer"}) == "--output");
}

TEST_CASE("nothing is suggested where nothing is near") {
  CHECK(nearest_word("xyz", {"fuse", "bench"}).empty());
  CHECK(did_you_mean("xyz", {"fuse"}).empty());
  CHECK(nearest_word("fuse", {}).empty());
}

}  // namespace edgeopt
