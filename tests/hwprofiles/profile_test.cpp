#include "hwprofiles/profile.h"

#include <doctest/doctest.h>

#include "support/error.h"

namespace edgeopt {
namespace {

TEST_CASE("every built-in profile loads and names itself after its file") {
  REQUIRE(profile_names().size() >= 2);
  for (const std::string& name : profile_names()) CHECK(load_profile(name).name == name);
}

TEST_CASE("the AVX2 profile keeps weights to 7 bits, because two products must fit 16 bits") {
  CHECK(load_profile("x86_avx2").quantization.weight_bits == 7);
  CHECK(load_profile("x86_avx512_vnni").quantization.weight_bits == 8);
}

TEST_CASE("weights of depthwise Convs have as many bits as others where the profile does not say") {
  CHECK(load_profile("x86_avx2").quantization.depthwise_weight_bits == 8);
  CHECK(load_profile("x86_avx512_vnni").quantization.depthwise_weight_bits == 8);
}

TEST_CASE("the channel multiple is that of the int8 kernels") {
  CHECK(load_profile("x86_avx2").channel_multiple == 4);
  CHECK(load_profile("x86_avx512_vnni").channel_multiple == 16);
}

TEST_CASE("an unknown profile is refused with the list of those there are") {
  CHECK_THROWS_WITH_AS(load_profile("toaster"),
                       "loading profile 'toaster': there is no profile of this name; there are x86_avx2, "
                       "x86_avx512_vnni, or give the path of a .toml file",
                       UserError);
}

}  // namespace
}  // namespace edgeopt
