// Seeded numbers in the shape of the model's inputs; only where somebody asked for "random".
#include <fmt/format.h>

#include "calibration/samples/sample_sources.h"
#include "ir/evaluate.h"
#include "support/error.h"
#include "support/random.h"

namespace edgeopt {
namespace {

Dims random_dims(const Value& input) {
  if (!input.type.shape)
    throw UserError(
        fmt::format("input '{}' has no shape, so random samples cannot be made; give real ones", input.name));
  Dims dims;
  for (const Dim& dim : *input.type.shape) {
    if (!dim.is_number() && !dims.empty())
      throw UserError(fmt::format(
          "input '{}' is {}: an axis has no size, so random samples cannot be made; give real ones",
          input.name, to_string(*input.type.shape)));
    dims.push_back(dim.is_number() ? dim.size : 1);
  }
  return dims;
}

Tensor random_tensor(const Value& input, RandomStream stream) {
  const DataType dtype = input.type.dtype;
  const bool is_float = is_floating_point(dtype);
  if (!is_float && !is_integer(dtype) && dtype != DataType::boolean)
    throw UserError(
        fmt::format("input '{}' is {}, for which there are no random samples", input.name, name_of(dtype)));
  Tensor tensor(DataType::float32, random_dims(input));
  for (float& element : tensor.mutable_data<float>())
    element = is_float ? static_cast<float>(stream.normal()) : static_cast<float>(stream.below(2));
  return dtype == DataType::float32 ? tensor : cast(tensor, dtype);
}

}  // namespace

SampleSource open_random(const Graph& graph, std::uint64_t seed, std::int64_t count) {
  std::vector<Value> inputs;
  for (const ValueId id : required_inputs(graph)) inputs.push_back(graph.value(id));
  for (const Value& input : inputs) random_tensor(input, RandomStream(seed, ""));
  SampleSource source;
  source.count = count;
  source.description = fmt::format("random (seed {})", seed);
  source.read = [inputs, seed](std::int64_t index) {
    Sample sample;
    for (const Value& input : inputs)
      sample.inputs.push_back(
          random_tensor(input, RandomStream(seed, fmt::format("samples/{}/{}", input.name, index))));
    return sample;
  };
  return source;
}

}  // namespace edgeopt
