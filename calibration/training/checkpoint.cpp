#include "calibration/training/checkpoint.h"

#include <fmt/format.h>

#include <string_view>

#include "ir/edit.h"
#include "ir/onnx/onnx.h"
#include "support/error.h"
#include "support/hash.h"

namespace edgeopt {
namespace {

constexpr std::int64_t opset_of_checkpoints = 13;  // any will do: there are no nodes
constexpr std::int64_t ir_version_of_checkpoints = 8;

std::string key(std::string_view kind, std::size_t index) { return fmt::format("{}/{}", kind, index); }

Tensor floats(const std::vector<float>& elements) {
  return Tensor::of<float>({static_cast<std::int64_t>(elements.size())}, elements);
}

Tensor doubles(const std::vector<double>& elements) {
  return Tensor::of<double>({static_cast<std::int64_t>(elements.size())}, elements);
}

std::vector<float> elements_of(const Tensor& tensor) {
  const std::span<const float> elements = tensor.data<float>();
  return {elements.begin(), elements.end()};
}

Tensor numbers_of(const TrainingState& state) {
  std::vector<double> numbers = {static_cast<double>(state.step),
                                 static_cast<double>(state.looks_without_gain),
                                 static_cast<double>(state.outcome.best_step)};
  for (const LossPoint& point : state.outcome.history)
    numbers.insert(numbers.end(),
                   {static_cast<double>(point.step), point.training_loss, point.held_back_loss});
  return doubles(numbers);
}

[[noreturn]] void refuse(const std::string& name, std::string_view what) {
  throw UserError(
      fmt::format("'{}' of the checkpoint {}; the file is damaged, delete it to begin anew", name, what));
}

constexpr std::size_t fixed_count = 3, point_count = 3;

void check_numbers(std::span<const double> numbers) {
  if (numbers.size() < fixed_count || (numbers.size() - fixed_count) % point_count != 0)
    refuse("numbers", fmt::format("has {} elements, which is no whole number of points", numbers.size()));
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    constexpr double most_steps = 1e15;  // below 2^53: every count is exact
    const bool is_count = i < fixed_count || (i - fixed_count) % point_count == 0;
    if (is_count && !(numbers[i] >= 0 && numbers[i] <= most_steps))
      refuse("numbers", fmt::format("holds {}, which is no number of steps", numbers[i]));
  }
}

void set_numbers(TrainingState& state, std::span<const double> numbers) {
  state.step = static_cast<std::int64_t>(numbers[0]);
  state.looks_without_gain = static_cast<std::int64_t>(numbers[1]);
  state.outcome.best_step = static_cast<std::int64_t>(numbers[2]);
  for (std::size_t i = fixed_count; i + point_count <= numbers.size(); i += point_count)
    state.outcome.history.push_back({.step = static_cast<std::int64_t>(numbers[i]),
                                     .training_loss = numbers[i + 1],
                                     .held_back_loss = numbers[i + 2]});
}

Tensor required(const Graph& file, const std::string& name, DataType dtype) {
  const auto found = file.find_value(name);
  const std::optional<Tensor> tensor = found ? file.value(*found).constant : std::nullopt;
  if (!tensor) throw UserError(fmt::format("the checkpoint lacks '{}'; delete it to begin anew", name));
  if (tensor->dtype() != dtype)
    refuse(name, fmt::format("has elements of {}, not of {}", name_of(tensor->dtype()), name_of(dtype)));
  return *tensor;
}

// As a tensor of this run has them.
Tensor required_floats(const Graph& file, const std::string& name, const Dims& dims) {
  Tensor tensor = required(file, name, DataType::float32);
  if (tensor.dims() != dims)
    refuse(name, fmt::format("has shape {}, not {}", to_string(tensor.dims()), to_string(dims)));
  return tensor;
}

// Of one parameter. Stochastic gradient descent has no second moments.
Moments moments_of(const Graph& file, std::size_t index, std::int64_t count) {
  Moments moments{.first = elements_of(required_floats(file, key("first", index), {count})),
                  .second = elements_of(required(file, key("second", index), DataType::float32))};
  if (!moments.second.empty() && std::ssize(moments.second) != count)
    refuse(key("second", index), fmt::format("has {} elements, not {}", moments.second.size(), count));
  return moments;
}

}  // namespace

std::string fingerprint_of(const TrainingTask& task, const SampleSource& samples,
                           const TrainingOptions& options) {
  std::string text = model_to_bytes(task.graph);
  for (const Parameter& parameter : task.parameters) {
    text += tensor_to_bytes(parameter.value, parameter.name);
    text.append(parameter.held.begin(), parameter.held.end());
  }
  const BatchOptions& batches = options.batches;
  const OptimizerOptions& optimizer = options.optimizer;
  text += fmt::format("{} {} {} {} {} {} {} {} {} {} {} {}", samples.sha256, samples.count,
                      options.step_count, batches.batch_size, batches.shard_size, batches.seed,
                      static_cast<int>(optimizer.kind), optimizer.learning_rate, optimizer.scale_rate,
                      optimizer.weight_decay, options.check_interval, options.patience);
  text += fmt::format(" {} {} {} {}", batches.augmentation.flips, batches.augmentation.shift,
                      batches.augmentation.least_zoom, batches.augmentation.mixing);
  return sha256_hex(std::as_bytes(std::span(text)));
}

void save_checkpoint(const std::filesystem::path& path, const std::string& fingerprint,
                     const TrainingState& state) {
  Edit edit{Graph()};
  edit.set_header({.ir_version = ir_version_of_checkpoints,
                   .opset_imports = {{.domain = "", .version = opset_of_checkpoints}}});
  // A model computes something: here, who it belongs to.
  edit.add_output(
      edit.add_node("Identity", {edit.add_constant(Tensor::of_strings({1}, {fingerprint}), "fingerprint")}));
  edit.add_constant(numbers_of(state), "numbers");
  edit.add_constant(doubles(state.best_losses), "best_losses");
  for (std::size_t i = 0; i < state.parameters.size(); ++i) {
    edit.add_constant(state.parameters[i].value, key("parameter", i));
    edit.add_constant(state.best[i].value, key("best", i));
    edit.add_constant(floats(state.moments[i].first), key("first", i));
    edit.add_constant(floats(state.moments[i].second), key("second", i));
  }
  save_model(edit.apply(), path);
}

bool load_checkpoint(const std::filesystem::path& path, const std::string& fingerprint,
                     TrainingState& state) {
  if (!std::filesystem::exists(path)) return false;
  const Graph file =
      while_doing(fmt::format("going on from '{}'", path.string()), [&] { return load_model(path); });
  if (!file.find_value("fingerprint"))
    throw UserError(
        fmt::format("'{}' is no checkpoint; name another file to go on from, or a new one", path.string()));
  const Tensor found = required(file, "fingerprint", DataType::string);
  if (found.is_empty() || found.strings()[0] != fingerprint)
    throw UserError(fmt::format(
        "'{}' is the checkpoint of another run (model, samples or options differ); delete it to begin anew",
        path.string()));
  const Tensor numbers = required(file, "numbers", DataType::float64);
  check_numbers(numbers.data<double>());
  set_numbers(state, numbers.data<double>());
  state.best_losses = to_doubles(required(file, "best_losses", DataType::float64));
  for (std::size_t i = 0; i < state.parameters.size(); ++i) {
    const Dims dims = state.parameters[i].value.dims();
    state.parameters[i].value = required_floats(file, key("parameter", i), dims);
    state.best[i].value = required_floats(file, key("best", i), dims);
    state.moments.push_back(moments_of(file, i, element_count(dims)));
  }
  return true;
}

}  // namespace edgeopt
