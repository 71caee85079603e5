// Losses as nodes: every term is a scalar, summed over the samples of a batch.
#pragma once
#include <string>
#include <vector>

#include "ir/edit.h"

namespace edgeopt {

class LossBuilder {
 public:
  explicit LossBuilder(Edit& edit) : edit_(edit) {}

  /// sum_n T^2 KL(softmax(teacher_n / T) || softmax(student_n / T)) over the classes along `axis`; its mean
  /// over positions where there are more axes than those of the samples and the classes
  /// source  Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network", 2015
  ValueId divergence(ValueId student, ValueId teacher, std::int64_t axis, double temperature);
  /// -sum_n labels_n . log softmax(student_n); student [N, classes, 1...], labels [N, classes]
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
  ValueId along(std::string op, ValueId x, std::int64_t axis);
  ValueId rows(ValueId x);
  ValueId square(ValueId x);
  ValueId row_sums(ValueId x);
  ValueId sums_along(ValueId x, std::int64_t axis);
  ValueId row_means(ValueId x);
  ValueId axes(std::vector<std::int64_t> numbers);
  ValueId total(ValueId x);

  Edit& edit_;
  ValueId sum_ = ValueId::none;
};

}  // namespace edgeopt
