#include "calibration/equalization/equalization_noise.h"

#include <algorithm>
#include <cmath>

namespace edgeopt {
namespace {

// Less is not worth moving weights for: a third of a decibel.
constexpr double worthwhile_gain = 0.93;
// The maximum has no slope but at one channel; norms come close to it from above, step by step.
constexpr int norms[] = {4, 8, 16, 32};
constexpr int steps_per_norm = 60;
// Adam on logarithms, Kingma & Ba 2015: a step is at most about this much, 5 % of a factor.
constexpr double step_size = 0.05;
constexpr double momentum = 0.9;
constexpr double second_momentum = 0.99;

double power_of_two_power(double x, int p) {
  for (; p > 1; p /= 2) x *= x;
  return x;
}

double root(double x, int p) { return std::pow(x, 1.0 / p); }

// A maximum or p-norm of magnitudes, and each one's share in its slope.
struct Peak {
  double value = 0;
  std::vector<double> shares;
};

Peak peak_of(std::span<const double> magnitudes, int p) {
  Peak peak{.value = 0, .shares = std::vector<double>(magnitudes.size(), 0.0)};
  const double largest = magnitudes.empty() ? 0 : *std::ranges::max_element(magnitudes);
  peak.value = largest;
  if (largest == 0 || p == 0) return peak;
  double sum = 0;
  for (std::size_t i = 0; i < magnitudes.size(); ++i)
    sum += peak.shares[i] = power_of_two_power(magnitudes[i] / largest, p);
  for (double& share : peak.shares) share /= sum;
  peak.value = largest * root(sum, p);
  return peak;
}

class Evaluation {
 public:
  Evaluation(std::span<const double> log_factors, int p, std::span<double> gradient)
      : p_(p), gradient_(gradient) {
    for (const double t : log_factors) factors_.push_back(std::exp(t));
  }

  double power(const ActivationNoise& activation) {
    std::vector<double> ranges(factors_.size());
    double gain = 0;
    for (std::size_t u = 0; u < factors_.size(); ++u) {
      ranges[u] = activation.ranges[u] / factors_[u];
      gain += activation.gains[u] * factors_[u] * factors_[u];
    }
    const Peak peak = peak_of(ranges, p_);
    const double step = activation.step_square * peak.value * peak.value;
    for (std::size_t u = 0; u < gradient_.size(); ++u)
      gradient_[u] += 2 * step * (activation.gains[u] * factors_[u] * factors_[u] - peak.shares[u] * gain);
    return step * gain;
  }

  double power(const WeightNoise& row) {
    std::vector<double> magnitudes;
    double read = row.fixed_power;
    for (const WeightNoise::Entry& entry : row.entries) {
      const double factor = factors_[static_cast<std::size_t>(entry.unit)];
      magnitudes.push_back(entry.magnitude * factor);
      read += entry.power / (factor * factor);
    }
    magnitudes.push_back(row.fixed_magnitude);
    const Peak peak = peak_of(magnitudes, p_);
    const double step = row.step_square * peak.value * peak.value;
    if (!gradient_.empty())
      for (std::size_t i = 0; i < row.entries.size(); ++i) {
        const auto unit = static_cast<std::size_t>(row.entries[i].unit);
        gradient_[unit] +=
            2 * step * (peak.shares[i] * read - row.entries[i].power / (factors_[unit] * factors_[unit]));
      }
    return step * read;
  }

 private:
  int p_;
  std::span<double> gradient_;
  std::vector<double> factors_;
};

double largest_log_range(const EqualizationNoise& noise, std::span<const double> log_factors) {
  double largest = -std::numeric_limits<double>::infinity();
  for (const ActivationNoise& activation : noise.activations)
    for (std::size_t u = 0; u < noise.unit_count; ++u)
      if (activation.ranges[u] > 0)
        largest = std::max(largest, std::log(activation.ranges[u]) - log_factors[u]);
  return largest;
}

// Only ratios of factors matter to the noise: this fixes them.
void settle(const EqualizationNoise& noise, std::vector<double>& log_factors) {
  const double largest = largest_log_range(noise, log_factors);
  if (!std::isfinite(largest)) return;
  const bool is_bounded = std::isfinite(noise.bound);
  const std::vector<double> ones(noise.unit_count, 0.0);
  const double shift = largest - (is_bounded ? std::log(noise.bound) : largest_log_range(noise, ones));
  for (double& t : log_factors) t = is_bounded ? std::min(0.0, t + shift) : t + shift;
}

class Descent {
 public:
  explicit Descent(const EqualizationNoise& noise)
      : noise_(noise),
        at_(noise.unit_count, 0.0),
        best_(at_),
        best_power_(noise.power(at_, 0, {})),
        first_(at_),
        second_(at_) {}

  std::vector<double> run() {
    const double before = best_power_;
    if (!(before > 0)) return best_;
    for (const int p : norms)
      for (int step = 0; step < steps_per_norm; ++step) advance(p);
    return best_power_ < worthwhile_gain * before ? best_ : std::vector<double>(noise_.unit_count, 0.0);
  }

 private:
  void advance(int p) {
    std::vector<double> gradient(noise_.unit_count, 0.0);
    const double power = noise_.power(at_, p, gradient);
    ++count_;
    for (std::size_t u = 0; u < at_.size(); ++u) {
      const double slope = gradient[u] / power * static_cast<double>(at_.size());
      first_[u] = momentum * first_[u] + (1 - momentum) * slope;
      second_[u] = second_momentum * second_[u] + (1 - second_momentum) * slope * slope;
      const double mean = first_[u] / (1 - std::pow(momentum, count_));
      const double deviation = std::sqrt(second_[u] / (1 - std::pow(second_momentum, count_)));
      at_[u] -= step_size * mean / (deviation + smallest_deviation);
    }
    settle(noise_, at_);
    const double reached = noise_.power(at_, 0, {});
    if (reached >= best_power_) return;
    best_power_ = reached;
    best_ = at_;
  }

  // A channel that is far from mattering must not move as far as the others.
  static constexpr double smallest_deviation = 1e-2;

  const EqualizationNoise& noise_;
  std::vector<double> at_, best_;
  double best_power_;
  std::vector<double> first_, second_;
  int count_ = 0;
};

}  // namespace

double EqualizationNoise::power(std::span<const double> log_factors, int p,
                                std::span<double> gradient) const {
  Evaluation evaluation(log_factors, p, gradient);
  double sum = 0;
  for (const ActivationNoise& activation : activations) sum += evaluation.power(activation);
  for (const WeightNoise& row : weights) sum += evaluation.power(row);
  return sum;
}

std::vector<double> quietest_log_factors(const EqualizationNoise& noise) { return Descent(noise).run(); }

}  // namespace edgeopt
