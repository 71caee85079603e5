// Numbers from the tables in ONNX's Cast and "Float stored in 8 bits", or worked by hand.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "ir/float_formats.h"
#include "support/error.h"
#include "tests/ops/one_node.h"

namespace edgeopt {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

double through(float value, DataType type) { return to_doubles(cast(floats({value}), type))[0]; }

TEST_CASE("every pattern of a narrow float survives decoding and encoding") {
  for (const DataType type :
       {DataType::float16, DataType::bfloat16, DataType::float8e4m3fn, DataType::float8e4m3fnuz,
        DataType::float8e5m2, DataType::float8e5m2fnuz, DataType::float4e2m1}) {
    const FloatFormat format = float_format(type);
    for (std::uint32_t bits = 0; bits < 1U << bit_count(type); ++bits) {
      const double value = decode_float(format, bits);
      if (std::isnan(value)) continue;
      CAPTURE(name_of(type));
      REQUIRE(encode_float(format, value, false) == bits);
    }
  }
}

TEST_CASE("narrow floats round to the nearest, ties to even") {
  CHECK(through(2049, DataType::float16) == 2048);  // half-way between 2048 and 2050
  CHECK(through(2051, DataType::float16) == 2052);
  CHECK(through(257, DataType::bfloat16) == 256);    // half-way between 256 and 258
  CHECK(through(0x1p-25F, DataType::float16) == 0);  // half of the smallest subnormal
  CHECK(through(0x1.8p-25F, DataType::float16) == 0x1p-24);
  CHECK(through(2.5F, DataType::float4e2m1) == 2);
}

TEST_CASE("too large a number becomes infinity in float16 and the largest number in float8") {
  CHECK(through(65519, DataType::float16) == 65504);
  CHECK(through(65520, DataType::float16) == infinity);
  CHECK(through(1e6F, DataType::float8e4m3fn) == 448);
  CHECK(through(-1e6F, DataType::float8e5m2) == -57344);
  CHECK(through(infinity, DataType::float8e4m3fnuz) == 240);
  CHECK(std::isnan(through(not_a_number, DataType::float8e5m2fnuz)));
}

TEST_CASE("without saturation float8 overflows to NaN or infinity") {
  const CastOptions options{.saturate = false};
  CHECK(std::isnan(to_doubles(cast(floats({1e6F}), DataType::float8e4m3fn, options))[0]));
  CHECK(to_doubles(cast(floats({1e6F}), DataType::float8e5m2, options))[0] == infinity);
}

TEST_CASE("float8e8m0 holds powers of two, rounded as asked") {
  const auto rounded = [](float value, const char* mode) {
    return to_doubles(cast(floats({value}), DataType::float8e8m0, {.round_mode = mode}))[0];
  };
  CHECK(rounded(5, "up") == 8);
  CHECK(rounded(5, "down") == 4);
  CHECK(rounded(5, "nearest") == 4);
  CHECK(rounded(6, "nearest") == 8);
}

TEST_CASE("integers of four and two bits lie low bits first and keep their sign") {
  const Tensor nibbles = from_int64s(DataType::int4, {3}, {-8, 7, -1});
  REQUIRE(nibbles.bytes().size() == 2);
  CHECK(std::to_integer<int>(nibbles.bytes()[0]) == 0x78);
  CHECK(to_int64s(nibbles) == std::vector<std::int64_t>{-8, 7, -1});
  CHECK(to_int64s(cast(nibbles, DataType::uint4)) == std::vector<std::int64_t>{8, 7, 15});
  CHECK(to_int64s(from_int64s(DataType::int2, {4}, {-2, -1, 0, 1})) ==
        std::vector<std::int64_t>{-2, -1, 0, 1});
}

TEST_CASE("float to integer truncates, integer to narrower integer wraps around") {
  CHECK(to_int64s(cast(floats({-1.9F, 1.9F, not_a_number}), DataType::int32)) ==
        std::vector<std::int64_t>{-1, 1, 0});
  CHECK(to_int64s(cast(Tensor::scalar<std::int32_t>(300), DataType::uint8))[0] == 44);
  CHECK(to_int64s(cast(Tensor::scalar<float>(1e30F), DataType::int64))[0] ==
        std::numeric_limits<std::int64_t>::max());
}

TEST_CASE("large integers keep all their bits") {
  const std::int64_t large = (std::int64_t{1} << 62) + 1;
  CHECK(to_int64s(cast(Tensor::scalar(large), DataType::uint64))[0] == large);
  CHECK(cast(Tensor::scalar<double>(0x1p63), DataType::uint64).data<std::uint64_t>()[0] == std::uint64_t{1}
                                                                                               << 63);
}

TEST_CASE("anything but zero is true, NaN included") {
  const Tensor truth = cast(floats({0, -0.0F, 0.1F, not_a_number}), DataType::boolean);
  CHECK(to_int64s(truth) == std::vector<std::int64_t>{0, 0, 1, 1});
}

TEST_CASE("strings become numbers and numbers strings") {
  const Tensor numbers = cast(Tensor::of_strings({2}, {"1.5", "-INF"}), DataType::float32);
  CHECK(numbers.data<float>()[0] == 1.5F);
  CHECK(numbers.data<float>()[1] == -infinity);
  CHECK(cast(floats({0.1F}), DataType::string).strings()[0] == "0.1");
  CHECK_THROWS_AS(cast(Tensor::of_strings({1}, {"seven"}), DataType::int32), UserError);
}

}  // namespace
}  // namespace edgeopt
