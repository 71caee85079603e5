#include "recipes/output_loss.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "calibration/class_scores.h"
#include "ir/evaluate.h"
#include "ir/extract.h"
#include "runtime/engine.h"
#include "support/error.h"
#include "support/parallel.h"

namespace edgeopt {
namespace {

double energy_of(const Tensor& tensor) {
  double sum = 0;
  for (const float x : tensor.data<float>()) sum += static_cast<double>(x) * static_cast<double>(x);
  return sum;
}

double squared_error(const Tensor& teacher, const Tensor& student) {
  const std::span<const float> expected = teacher.data<float>();
  const std::span<const float> found = student.data<float>();
  double sum = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double error = static_cast<double>(expected[i]) - static_cast<double>(found[i]);
    sum += error * error;
  }
  return sum;
}

double random_sign(RandomStream& random) { return (random.next() >> 63) != 0 ? 1 : -1; }

std::vector<double> fisher_direction(const Tensor& scores, RandomStream& random) {
  std::vector<double> p = log_softmax(scores);
  for (double& log : p) log = std::exp(log);
  std::vector<double> direction;
  double along = 0;
  for (const double probability : p) {
    direction.push_back(std::sqrt(probability) * random_sign(random));
    along += direction.back();
  }
  for (std::size_t i = 0; i < p.size(); ++i) direction[i] = (direction[i] - p[i] * along) / std::sqrt(2.0);
  return direction;
}

}  // namespace

OutputLoss::OutputLoss(const Graph& teacher, const SampleSource& samples, std::int64_t sample_count) {
  const std::optional<std::size_t> class_output = class_output_of(teacher);
  for (std::size_t i = 0; i < teacher.outputs().size(); ++i)
    if (teacher.type_of(teacher.outputs()[i]).dtype == DataType::float32)
      outputs_.push_back({.index = i, .is_class_scores = class_output == i});
  if (outputs_.empty())
    throw UserError("no output of the model is a float tensor, so damage cannot be measured");
  if (std::ranges::all_of(outputs_, &Output::is_class_scores)) return;

  SessionPool sessions(extract(teacher, required_inputs(teacher), compared_values(teacher)));
  std::vector<std::vector<double>> energies(static_cast<std::size_t>(sample_count));
  parallel_for(sample_count, [&](std::int64_t i, int worker) {
    for (const Tensor& output : sessions.session(worker).run(samples.read(i).inputs))
      energies[static_cast<std::size_t>(i)].push_back(energy_of(output));
  });
  for (std::size_t k = 0; k < outputs_.size(); ++k) {
    double sum = 0;
    for (const std::vector<double>& energy : energies) sum += energy[k];
    if (!outputs_[k].is_class_scores && sum > 0) outputs_[k].energy = sum / static_cast<double>(sample_count);
  }
}

std::vector<ValueId> OutputLoss::compared_values(const Graph& graph) const {
  std::vector<ValueId> values;
  for (const Output& output : outputs_) {
    const ValueId value = graph.outputs()[output.index];
    values.push_back(output.is_class_scores ? scores_behind(graph, value) : value);
  }
  return values;
}

double OutputLoss::loss(const Tensors& teacher, const Tensors& student) const {
  double sum = 0;
  for (std::size_t k = 0; k < outputs_.size(); ++k)
    sum += outputs_[k].is_class_scores ? divergence(log_softmax(teacher[k]), log_softmax(student[k]))
                                       : squared_error(teacher[k], student[k]) / outputs_[k].energy;
  return std::isfinite(sum) ? sum : std::numeric_limits<double>::infinity();
}

Tensors OutputLoss::direction(const Tensors& teacher, RandomStream& random) const {
  Tensors directions;
  for (std::size_t k = 0; k < outputs_.size(); ++k) {
    std::vector<double> r;
    if (outputs_[k].is_class_scores) {
      r = fisher_direction(teacher[k], random);
    } else {
      r.resize(static_cast<std::size_t>(teacher[k].element_count()));
      for (double& element : r) element = random_sign(random) / std::sqrt(outputs_[k].energy);
    }
    directions.push_back(from_doubles(DataType::float32, teacher[k].dims(), r));
  }
  return directions;
}

std::string OutputLoss::description() const {
  const auto scores = std::ranges::count_if(outputs_, &Output::is_class_scores);
  if (scores == std::ssize(outputs_)) return "KL divergence of the classes, nats";
  return scores > 0 ? "KL divergence of the classes in nats + squared error over energy of the other outputs"
                    : "squared error of the outputs over their energy";
}

}  // namespace edgeopt
