#include "calibration/training/optimizer.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <span>

#include "support/error.h"
#include "support/parallel.h"

namespace edgeopt {
namespace {

constexpr double adam_epsilon = 1e-8;  // Kingma, Ba, section 2

constexpr double least_unit = 1e-3;  // where everything is 0; of a channel, as a share of its tensor's

Units mean_squares(const Parameter& parameter) {
  Units units;
  const Dims& dims = parameter.value.dims();
  if (parameter.channel_axis >= 0) {
    const auto axis = static_cast<std::size_t>(parameter.channel_axis);
    units.of_channel.resize(static_cast<std::size_t>(dims[axis]));
    for (std::size_t i = axis + 1; i < dims.size(); ++i)
      units.channel_step *= static_cast<std::size_t>(dims[i]);
  }
  std::ranges::fill(units.of_channel, 0.0);
  const std::span<const float> elements = parameter.value.data<float>();
  const auto share = static_cast<double>(units.of_channel.size()) /
                     static_cast<double>(std::max<std::size_t>(1, elements.size()));
  for (std::size_t i = 0; i < elements.size(); ++i) {
    const auto x = static_cast<double>(elements[i]);
    units.of_channel[i / units.channel_step % units.of_channel.size()] += x * x * share;
  }
  return units;
}

double mean_of(const std::vector<double>& numbers) {
  return std::accumulate(numbers.begin(), numbers.end(), 0.0) /
         static_cast<double>(std::max<std::size_t>(1, numbers.size()));
}

double root_mean_square(const Parameter& parameter) {
  return std::sqrt(mean_of(mean_squares(parameter).of_channel));
}

// A bias of zeros still has to move: as if it were like the other biases.
double usual_bias(const std::vector<Parameter>& parameters) {
  double sum = 0, count = 0;
  for (const Parameter& parameter : parameters)
    if (parameter.role == ParameterRole::bias) {
      sum += root_mean_square(parameter);
      ++count;
    }
  return count > 0 ? sum / count : 0;
}

Units units_of(const Parameter& parameter, double least_bias) {
  if (is_scale(parameter.role) || parameter.role == ParameterRole::rounding) return {};
  if (parameter.role == ParameterRole::bias)
    return {.of_channel = {std::max(least_bias, root_mean_square(parameter))}};
  Units units = mean_squares(parameter);
  const double whole = std::max(least_unit, std::sqrt(mean_of(units.of_channel)));
  for (double& unit : units.of_channel)
    unit = units.of_channel.size() == 1 ? whole : std::max(least_unit * whole, std::sqrt(unit));
  return units;
}

std::vector<Units> units_of(const std::vector<Parameter>& parameters) {
  const double least_bias = std::max(least_unit, usual_bias(parameters));
  std::vector<Units> units;
  for (const Parameter& parameter : parameters) units.push_back(units_of(parameter, least_bias));
  return units;
}

}  // namespace

Optimizer::Optimizer(const OptimizerOptions& options, const std::vector<Parameter>& parameters)
    : options_(options), units_(units_of(parameters)) {
  for (const Parameter& parameter : parameters) {
    const auto count = static_cast<std::size_t>(parameter.value.element_count());
    moments_.push_back({.first = std::vector<float>(count, 0.0f),
                        .second = std::vector<float>(options.kind == OptimizerKind::sgd ? 0 : count, 0.0f)});
  }
}

void Optimizer::step(std::vector<Parameter>& parameters, const Tensors& gradients, double gradient_divisor,
                     double rate_factor) {
  if (gradients.size() != parameters.size()) throw InternalError("a gradient per parameter is missing");
  ++step_count_;
  parallel_for(static_cast<std::int64_t>(parameters.size()), [&](std::int64_t i, int) {
    const auto k = static_cast<std::size_t>(i);
    step_one(k, parameters[k], gradients[k].data<float>(), gradient_divisor,
             options_.learning_rate * rate_factor);
  });
}

void Optimizer::step_one(std::size_t index, Parameter& parameter, std::span<const float> gradient,
                         double divisor, double rate) {
  const bool is_log = is_scale(parameter.role);
  const bool is_adam = options_.kind != OptimizerKind::sgd;
  const double decay = parameter.role == ParameterRole::weight ? options_.weight_decay : 0;
  const double factor = is_log                                      ? options_.scale_rate
                        : parameter.role == ParameterRole::rounding ? options_.rounding_rate
                                                                    : 1;
  const double pace = rate * factor;
  const Units& units = units_[index];
  const double first_share = 1 - std::pow(options_.momentum, static_cast<double>(step_count_));
  const double second_share = 1 - std::pow(options_.second_decay, static_cast<double>(step_count_));
  Moments& moments = moments_[index];
  const std::span<float> x = parameter.value.mutable_data<float>();
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (!parameter.held.empty() && parameter.held[i] != 0) continue;
    const double value = x[i];
    double g = static_cast<double>(gradient[i]) / divisor * (is_log ? value : 1);
    if (decay > 0 && options_.kind != OptimizerKind::adamw) g += decay * value;
    double direction = 0;
    if (is_adam) {
      moments.first[i] =
          static_cast<float>(options_.momentum * moments.first[i] + (1 - options_.momentum) * g);
      moments.second[i] =
          static_cast<float>(options_.second_decay * moments.second[i] + (1 - options_.second_decay) * g * g);
      direction =
          moments.first[i] / first_share / (std::sqrt(moments.second[i] / second_share) + adam_epsilon);
    } else {
      moments.first[i] = static_cast<float>(options_.momentum * moments.first[i] + g);
      direction = moments.first[i];
    }
    const double shrunk = options_.kind == OptimizerKind::adamw ? value * (1 - rate * decay) : value;
    const double step = pace * units.of(i) * direction;
    x[i] = static_cast<float>(is_log ? value * std::exp(-step) : shrunk - step);
  }
}

void Optimizer::restore(std::int64_t step_count, std::vector<Moments> moments) {
  const auto fits = [](const Moments& a, const Moments& b) {
    return a.first.size() == b.first.size() && a.second.size() == b.second.size();
  };
  if (!std::ranges::equal(moments, moments_, fits))
    throw UserError("the checkpoint is of another optimizer or other parameters; delete it to begin anew");
  step_count_ = step_count;
  moments_ = std::move(moments);
}

double cosine_schedule(std::int64_t step, std::int64_t step_count, double warmup) {
  const double done = static_cast<double>(step) / static_cast<double>(std::max<std::int64_t>(1, step_count));
  if (done < warmup) return (done + 1 / static_cast<double>(std::max<std::int64_t>(1, step_count))) / warmup;
  return 0.5 * (1 + std::cos(std::numbers::pi * (done - warmup) / (1 - warmup)));
}

}  // namespace edgeopt
