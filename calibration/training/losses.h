// Losses as nodes: every term is a scalar, summed over the samples of a batch.
#pragma once
#include <string>
#include <vector>

#include "ir/edit.h"

namespace edgeopt {

/// What a Softmax at the end of a classifier reads says more than what it gives: its input, or the output
/// itself where there is none.
ValueId logits_of(const Graph& graph, ValueId output);

class LossBuilder {
 public:
  explicit LossBuilder(Edit& edit) : edit_(edit) {}

  /// sum_n T^2 KL(softmax(teacher_n / T) || softmax(student_n / T)); logits [N, classes]
  /// source  Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network", 2015
  ValueId divergence(ValueId student, ValueId teacher, double temperature);
  /// -sum_n labels_n . log softmax(student_n); both [N, classes]
  ValueId cross_entropy(ValueId student, ValueId labels);
  /// sum_n |student_n - teacher_n|^2 / |teacher_n|^2; any shape with samples first
  ValueId squared_error(ValueId student, ValueId teacher);
  /// sum_n 1 - student_n . teacher_n / (|student_n| |teacher_n|)
  ValueId cosine(ValueId student, ValueId teacher);

  /// Adds a term to the sum.
  void add(ValueId term, double weight);
  /// ValueId::none if nothing was added.
  ValueId sum() const { return sum_; }

 private:
  ValueId node(std::string op, std::vector<ValueId> inputs, Attributes attributes = {});
  ValueId scalar(double value);
  ValueId along_classes(std::string op, ValueId x);
  ValueId rows(ValueId x);
  ValueId square(ValueId x);
  ValueId row_sums(ValueId x);
  ValueId total(ValueId x);

  Edit& edit_;
  ValueId sum_ = ValueId::none;
};

}  // namespace edgeopt
