// Constants of random numbers in ONNX's text syntax.
#pragma once
#include <string>

namespace edgeopt {

/// The text with every `RANDOM`, as in `float[2,1] w = RANDOM`, replaced by as many seeded numbers in [-1,
/// 1].
std::string with_random_constants(std::string text);

}  // namespace edgeopt
