#include "ir/quantization/fake_quantize.h"

#include <fmt/format.h>

#include "support/error.h"

namespace edgeopt {

FakeQuantization fake_quantization_of(const Attributes& attributes) {
  const FakeQuantization result{.low = attributes.get_int("low", 0),
                                .high = attributes.get_int("high", 0),
                                .axis = attributes.get_int("axis", -1),
                                .drop_probability = attributes.get_float("drop_probability", 0)};
  if (result.low >= result.high)
    throw UserError(
        fmt::format("low is {} and high is {}, but low must be below high", result.low, result.high));
  if (!(result.drop_probability >= 0 && result.drop_probability <= 1))
    throw UserError(
        fmt::format("drop_probability is {}, but must be between 0 and 1", result.drop_probability));
  return result;
}

}  // namespace edgeopt
