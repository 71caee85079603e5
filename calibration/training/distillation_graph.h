// One step of distillation as one graph: teacher and student on the same samples, their difference as a
// loss, and its gradient by every parameter of the student.
#pragma once
#include <string>
#include <vector>

#include "calibration/training/trainable.h"
#include "ir/graph.h"

namespace edgeopt {

/// The parts of the loss; each is a sum over samples of a number without unit.
struct LossWeights {
  /// Logits of classifiers: T^2 KL(softmax(teacher / T) || softmax(student / T)).
  /// source  Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network", 2015
  double divergence = 1;
  double temperature = 1;
  /// Every output: |student - teacher|^2 / |teacher|^2, per sample.
  double squared_error = 1;
  /// Every output: 1 - cosine of the angle between student and teacher, per sample.
  double cosine = 0;
  /// Intermediate values of the teacher that the student has too (counterpart_of): relative squared error,
  /// mean over the values.
  double features = 0;
  /// Cross-entropy of classifiers with the samples' labels.
  double labels = 0;
};

struct DistillationGraph {
  Graph graph;  // inputs: the model's, [labels], [seed], parameters; outputs: loss, gradients of parameters
  std::vector<NodeId> forward;  // the nodes that lead to the loss
  std::size_t sample_input_count = 0;
  bool has_labels = false;  // one row per sample, [N, classes]: probabilities of the classes
  std::int64_t class_count = 0;
  bool has_seed = false;
};

/// `teacher` and the trainable's graph must have the same inputs and as many outputs.
/// feature_names  values of the teacher to compare; those that one of them lacks are left out
/// throws         UserError if they do not go together, or an operator on the way has no gradient
DistillationGraph distillation_graph(const Graph& teacher, const Trainable& student,
                                     const LossWeights& weights,
                                     const std::vector<std::string>& feature_names = {});

/// Values of the teacher whose comparison says where the models part: the results of layers with weights, as
/// far behind their normalization and activation as the student has a counterpart.
std::vector<std::string> common_features(const Graph& teacher, const Trainable& student);

}  // namespace edgeopt
