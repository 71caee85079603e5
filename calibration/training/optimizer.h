// Parameters moved against their gradients: SGD with momentum, Adam, AdamW.
#pragma once
#include <cstdint>
#include <vector>

#include "calibration/training/parameter.h"

namespace edgeopt {

enum class OptimizerKind { sgd, adam, adamw };

struct OptimizerOptions {
  OptimizerKind kind = OptimizerKind::adam;
  /// Steps are relative: a learning rate of 0.001 moves a weight by about a thousandth of the root mean
  /// square of its channel (where normalizations were folded in, channels differ a hundredfold), a bias of
  /// that of its tensor, a scale by a thousandth of itself; so one rate fits layers of any size. source You
  /// et al., "Large Batch Optimization for Deep Learning: Training BERT in 76 minutes" (LAMB),
  ///        ICLR 2020
  double learning_rate = 1e-3;
  double scale_rate = 1;      // of scales, as a factor of learning_rate
  double rounding_rate = 10;  // of rounding, likewise: its variable runs from about -2.5 to 2.5
  double momentum = 0.9;      // sgd; the first moment's decay of adam
  double second_decay = 0.999;
  double weight_decay = 0;  // of weights alone
};

/// What an optimizer remembers of one parameter.
struct Moments {
  std::vector<float> first;
  std::vector<float> second;
  bool operator==(const Moments&) const = default;
};

/// What a relative step of 1 is: for each channel of a tensor, or one for all elements.
struct Units {
  std::vector<double> of_channel = {1};
  std::size_t channel_step = 1;  // elements from one channel to the next
  double of(std::size_t element) const { return of_channel[element / channel_step % of_channel.size()]; }
};

class Optimizer {
 public:
  Optimizer(const OptimizerOptions& options, const std::vector<Parameter>& parameters);

  /// One step; held elements stay as they are. gradients: one tensor per parameter, divided by
  /// `gradient_divisor` before use (the number of samples). rate_factor: of the schedule. source  Kingma, Ba,
  /// "Adam", ICLR 2015; Loshchilov, Hutter, "Decoupled Weight Decay Regularization", ICLR 2019
  void step(std::vector<Parameter>& parameters, const Tensors& gradients, double gradient_divisor,
            double rate_factor);

  std::int64_t step_count() const { return step_count_; }
  const std::vector<Moments>& moments() const { return moments_; }
  /// Goes on from a checkpoint. throws UserError if it remembers other elements than this optimizer
  void restore(std::int64_t step_count, std::vector<Moments> moments);

 private:
  void step_one(std::size_t index, Parameter& parameter, std::span<const float> gradient, double divisor,
                double rate);
  OptimizerOptions options_;
  std::vector<Units> units_;  // per parameter
  std::vector<Moments> moments_;
  std::int64_t step_count_ = 0;
};

/// Rises over the first `warmup` of the steps, then falls to 0 along a cosine.
/// source  Loshchilov, Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR 2017
double cosine_schedule(std::int64_t step, std::int64_t step_count, double warmup = 0.05);

}  // namespace edgeopt
