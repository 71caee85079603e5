// Two models on the same inputs: how far apart are their outputs, relative to the output's own scale?
#include "recipes/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <set>

#include "ir/edit.h"
#include "ir/evaluate.h"
#include "runtime/engine.h"
#include "support/error.h"
#include "support/parallel.h"
#include "support/random.h"

namespace edgeopt {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

// Image sizes and sequence lengths that networks accept: divisible by 32, a speech frame of 512 at 16 kHz,
// ...
constexpr std::int64_t tried_sizes[] = {32, 64, 1, 16, 512, 224, 128, 256};

// A symbol that is the first axis of any input counts samples, wherever else it stands.
std::set<std::string> batch_symbols(const Graph& graph) {
  std::set<std::string> symbols;
  for (const ValueId id : required_inputs(graph)) {
    const std::optional<Shape>& shape = graph.type_of(id).shape;
    if (shape && !shape->empty() && shape->front().is_symbol()) symbols.insert(shape->front().symbol);
  }
  return symbols;
}

/// The sizes of axes that the model leaves open: 1 for those that count samples, else `size`. An axis without
/// a name counts samples if it is the first, or the first open one of a shape that begins with a number (the
/// state [2, ?, 128] of a recurrent network).
struct OpenSizes {
  std::set<std::string> batch_symbols;
  std::int64_t size = 1;

  Dims fill(const Shape& shape) const {
    Dims dims;
    bool is_first_open = true;
    for (const Dim& dim : shape) {
      const bool counts_samples =
          dims.empty() || (dim.is_symbol() ? batch_symbols.contains(dim.symbol) : is_first_open);
      dims.push_back(dim.is_number() ? dim.size : counts_samples ? 1 : size);
      is_first_open = is_first_open && dim.is_number();
    }
    return dims;
  }
};

Tensor random_input(const Value& input, const OpenSizes& sizes, RandomStream stream) {
  const DataType dtype = input.type.dtype;
  if (!is_floating_point(dtype) && !is_integer(dtype) && dtype != DataType::boolean)
    throw UserError(
        fmt::format("input '{}' is {}, for which there are no random values; give samples with --data",
                    input.name, name_of(dtype)));
  if (!input.type.shape)
    throw UserError(fmt::format("input '{}' has no shape; give samples with --data", input.name));
  Tensor tensor(DataType::float32, sizes.fill(*input.type.shape));
  for (float& element : tensor.mutable_data<float>())
    element =
        is_floating_point(dtype) ? static_cast<float>(stream.normal()) : static_cast<float>(stream.below(2));
  return dtype == DataType::float32 ? tensor : cast(tensor, dtype);
}

std::vector<Tensors> random_inputs(const Graph& graph, std::int64_t count, std::uint64_t seed,
                                   std::int64_t size) {
  const OpenSizes sizes{.batch_symbols = batch_symbols(graph), .size = size};
  std::vector<Tensors> samples(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < samples.size(); ++i)
    for (const ValueId id : required_inputs(graph)) {
      const Value& input = graph.value(id);
      samples[i].push_back(
          random_input(input, sizes, RandomStream(seed, fmt::format("compare/{}/{}", input.name, i))));
    }
  return samples;
}

bool has_open_axes(const Graph& graph) {
  const std::vector<ValueId> inputs = required_inputs(graph);
  return std::any_of(inputs.begin(), inputs.end(), [&](ValueId id) {
    const std::optional<Shape>& shape = graph.type_of(id).shape;
    return shape && std::any_of(shape->begin(), shape->end(),
                                [&](const Dim& dim) { return !dim.is_number() && &dim != &shape->front(); });
  });
}

std::vector<Tensors> answers_of(const Graph& graph, const std::vector<Tensors>& inputs) {
  const std::unique_ptr<Session> session = compile(graph, {.thread_count = thread_count()});
  std::vector<Tensors> answers;
  answers.reserve(inputs.size());
  for (const Tensors& sample : inputs) answers.push_back(session->run(sample));
  return answers;
}

double relative_error_of(const std::vector<double>& expected, const std::vector<double>& actual) {
  double scale = 0;
  double difference = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const bool is_same = expected[i] == actual[i] || (std::isnan(expected[i]) && std::isnan(actual[i]));
    if (!is_same && (!std::isfinite(expected[i]) || !std::isfinite(actual[i]))) return infinity;
    if (std::isfinite(expected[i])) scale = std::max(scale, std::abs(expected[i]));
    if (!is_same) difference = std::max(difference, std::abs(expected[i] - actual[i]));
  }
  if (difference == 0) return 0;
  return scale > 0 ? difference / scale : infinity;
}

}  // namespace

ComparisonSet comparison_on_samples(const Graph& original, const SampleSource& source, std::int64_t count) {
  ComparisonSet set;
  const std::int64_t used = std::min(count, source.count);
  for (std::int64_t i = 0; i < used; ++i) set.inputs.push_back(source.read(i).inputs);
  set.expected = answers_of(original, set.inputs);
  set.description = fmt::format("{} samples of {}", used, source.description);
  return set;
}

ComparisonSet comparison_on_random(const Graph& original, std::int64_t count, std::uint64_t seed) {
  ComparisonSet set{.description = fmt::format("{} random inputs (seed {})", count, seed)};
  for (const std::int64_t size : tried_sizes) {
    try {
      set.inputs = random_inputs(original, count, seed, size);
      set.expected = answers_of(original, set.inputs);
      set.missing_because.reset();
      return set;
    } catch (const UserError& error) {
      if (!set.missing_because) set.missing_because = error.what();
      set.inputs.clear();
    }
    if (!has_open_axes(original)) return set;
  }
  return set;
}

Graph with_runnable_sizes(const Graph& graph, std::uint64_t seed) {
  if (!has_open_axes(graph)) return graph;
  const ComparisonSet set = comparison_on_random(graph, 1, seed);
  if (set.missing_because) throw UserError(*set.missing_because);
  Edit edit(graph);
  const std::vector<ValueId> inputs = required_inputs(graph);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    ValueType type = graph.type_of(inputs[i]);
    type.shape = to_shape(set.inputs.front()[i].dims());
    edit.set_type(inputs[i], type, true);
  }
  return edit.apply();
}

double relative_error(const Tensor& expected, const Tensor& actual) {
  if (expected == actual) return 0;
  if (expected.dtype() != actual.dtype() || expected.dims() != actual.dims()) return infinity;
  const bool is_numeric = is_floating_point(expected.dtype()) || is_integer(expected.dtype()) ||
                          expected.dtype() == DataType::boolean;
  if (!is_numeric) return infinity;
  return relative_error_of(to_doubles(expected), to_doubles(actual));
}

WorstDifference compare_outputs(const ComparisonSet& set, const Graph& graph) {
  WorstDifference worst;
  const std::vector<Tensors> actual = answers_of(graph, set.inputs);
  for (std::size_t i = 0; i < actual.size(); ++i)
    for (std::size_t k = 0; k < actual[i].size(); ++k) {
      const double error = relative_error(set.expected[i][k], actual[i][k]);
      if (error > worst.relative_error) worst = {error, graph.name_of(graph.outputs()[k])};
    }
  return worst;
}

PassCheck check_against(const ComparisonSet& set, double tolerance) {
  if (set.missing_because) return {};
  const auto changed_on_purpose = std::make_shared<bool>(false);
  return [=](const Graph&, const Graph& after, const Pass& pass) -> std::optional<std::string> {
    *changed_on_purpose = *changed_on_purpose || pass.fidelity == Fidelity::lossy;
    if (*changed_on_purpose) return std::nullopt;
    try {
      const WorstDifference worst = compare_outputs(set, after);
      if (worst.relative_error <= tolerance) return std::nullopt;
      return fmt::format("output '{}' moved by {:.2g} of its scale, more than {:.0e}", worst.output,
                         worst.relative_error, tolerance);
    } catch (const UserError& error) {
      return fmt::format("the result does not run: {}", error.what());
    }
  };
}

}  // namespace edgeopt
