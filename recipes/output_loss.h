// How far a student's outputs are from its teacher's, as one number per sample: Kullback-Leibler divergence
// where they are scores of classes, squared error over energy elsewhere.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "calibration/samples/samples.h"
#include "ir/graph.h"
#include "support/random.h"

namespace edgeopt {

class OutputLoss {
 public:
  /// Reads the first `sample_count` samples once where an output needs its energy.
  /// throws  UserError if no output is a float tensor
  OutputLoss(const Graph& teacher, const SampleSource& samples, std::int64_t sample_count);

  /// The values that loss() compares, of the teacher or of a graph with the same outputs: what a last Softmax
  /// reads in place of what it gives.
  std::vector<ValueId> compared_values(const Graph& graph) const;

  /// The sum over the outputs: KL(teacher || student) in nats for scores of classes, else |teacher -
  /// student|^2 over the mean of |teacher|^2. Infinite if the student is not finite.
  double loss(const Tensors& teacher, const Tensors& student) const;

  /// A random vector r per compared value, so that for small steps dy of them the mean of (r . dy)^2 over
  /// draws is the loss. For scores of classes r = (diag(sqrt p) - p sqrt(p)^T) z / sqrt 2, whose covariance
  /// is half the Fisher matrix diag(p) - p p^T of the softmax p; elsewhere r = z / sqrt(energy); z: random
  /// signs. source  Hutchinson, "A stochastic estimator of the trace of the influence matrix", 1989; Martens,
  /// "New insights
  ///         and perspectives on the natural gradient method", JMLR 2020, section 9
  Tensors direction(const Tensors& teacher, RandomStream& random) const;

  /// What the loss is, for reports.
  std::string description() const;

 private:
  struct Output {
    std::size_t index = 0;  // among the graph's outputs
    bool is_class_scores = false;
    double energy = 1;
  };
  std::vector<Output> outputs_;
};

}  // namespace edgeopt
