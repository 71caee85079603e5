#include "calibration/training/distillation_graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "calibration/class_scores.h"
#include "calibration/training/losses.h"
#include "ir/evaluate.h"
#include "ir/extract.h"
#include "ir/gradient/gradient.h"
#include "ir/inline_graph.h"
#include "ir/op.h"
#include "support/error.h"

namespace edgeopt {
namespace {

// The classes of one row per sample; nothing where there are more positions than one.
std::optional<std::int64_t> class_count_of(const Graph& graph, const ClassScores& scores) {
  const Shape& shape = *graph.type_of(scores.value).shape;
  const bool is_row = scores.axis == 1 && std::all_of(shape.begin() + 2, shape.end(),
                                                      [](const Dim& dim) { return dim.size == 1; });
  return is_row && shape[1].is_number() ? std::optional(shape[1].size) : std::nullopt;
}

bool is_float_output(const Graph& graph, ValueId id) {
  const auto& shape = graph.type_of(id).shape;
  return graph.type_of(id).dtype == DataType::float32 && shape && !shape->empty();
}

// Open sizes go with every size.
bool go_together(const ValueType& a, const ValueType& b) {
  if (a.dtype != b.dtype) return false;
  if (!a.shape || !b.shape) return true;
  return std::ranges::equal(*a.shape, *b.shape, [](const Dim& left, const Dim& right) {
    return !left.is_number() || !right.is_number() || left.size == right.size;
  });
}

std::string described(const Graph& graph, ValueId id) {
  const ValueType& type = graph.type_of(id);
  return fmt::format("'{}' of {} {}", graph.name_of(id), name_of(type.dtype),
                     type.shape ? to_string(*type.shape) : "of any shape");
}

void require_same(std::string_view role, const Graph& teacher, const std::vector<ValueId>& of_teacher,
                  const Graph& student, const std::vector<ValueId>& of_student) {
  for (std::size_t i = 0; i < of_teacher.size(); ++i)
    if (!go_together(teacher.type_of(of_teacher[i]), student.type_of(of_student[i])))
      throw UserError(fmt::format(
          "teacher and student do not go together: {} {} of the teacher, {} of the student; take models of "
          "the same task",
          role, described(teacher, of_teacher[i]), described(student, of_student[i])));
}

std::vector<ValueId> sample_inputs(const Graph& teacher, const Trainable& student) {
  std::vector<ValueId> inputs = required_inputs(student.graph);
  const std::size_t count = required_inputs(teacher).size();
  const std::size_t added = student.parameters.size() + (student.seed ? 1 : 0);
  if (inputs.size() != count + added || teacher.outputs().size() != student.graph.outputs().size())
    throw UserError(fmt::format("teacher and student do not go together: {} and {} inputs, {} and {} outputs",
                                count, inputs.size() - added, teacher.outputs().size(),
                                student.graph.outputs().size()));
  inputs.resize(count);
  require_same("input", teacher, required_inputs(teacher), student.graph, inputs);
  require_same("output", teacher, {teacher.outputs().begin(), teacher.outputs().end()}, student.graph,
               {student.graph.outputs().begin(), student.graph.outputs().end()});
  return inputs;
}

// What a layer computes, then the same behind its bias, normalization and activation: what the next layer
// reads comes last.
std::vector<ValueId> results_of_layer(const Graph& graph, const Node& layer) {
  constexpr std::array followers = {"Add", "BatchNormalization", "Relu", "Clip", "LeakyRelu"};
  std::vector<ValueId> results = {layer.outputs[0]};
  const Node* next = graph.single_user(results.back());
  while (next && std::ranges::any_of(followers, [&](const char* op) { return next->is(op); })) {
    // An Add of two computed values is no bias.
    const bool is_own =
        !next->is("Add") || graph.constant(next->inputs[0]) || graph.constant(next->inputs[1]);
    if (!is_own) break;
    results.push_back(next->outputs[0]);
    next = graph.single_user(results.back());
  }
  return results;
}

class Building {
 public:
  Building(const Graph& teacher, const Trainable& student, const LossWeights& weights)
      : teacher_(teacher), student_(student), weights_(weights), edit_(student.graph), loss_(edit_) {}

  DistillationGraph run(const std::vector<std::string>& feature_names) {
    const std::vector<ValueId> inputs = sample_inputs(teacher_, student_);
    result_.sample_input_count = inputs.size();
    result_.has_seed = student_.seed.has_value();
    find_pairs();
    find_features(feature_names);
    inline_teacher(inputs);
    for (const Pair& pair : pairs_) compare(pair);
    for (const Pair& pair : features_)
      loss_.add(loss_.squared_error(pair.student, pair.teacher),
                weights_.features / static_cast<double>(features_.size()));
    if (loss_.sum() == ValueId::none) throw UserError("the models have no floating-point output to compare");
    return finish();
  }

 private:
  struct Pair {
    ValueId student = ValueId::none;
    ValueId teacher = ValueId::none;
    std::optional<ClassScores> classes = std::nullopt;  // of the student
  };

  void find_pairs() {
    for (std::size_t i = 0; i < teacher_.outputs().size(); ++i) {
      // What a Softmax at the end of a classifier reads says more than what it gives.
      const auto scores = class_scores_at(student_.graph, student_.graph.outputs()[i]);
      const auto wanted = class_scores_at(teacher_, teacher_.outputs()[i]);
      const bool are_classes = scores && wanted && scores->axis == wanted->axis;
      const ValueId s = are_classes ? scores->value : student_.graph.outputs()[i];
      const ValueId t = are_classes ? wanted->value : teacher_.outputs()[i];
      if (!is_float_output(student_.graph, s) || !is_float_output(teacher_, t)) continue;
      pairs_.push_back({s, t, are_classes ? scores : std::nullopt});
    }
  }

  void find_features(const std::vector<std::string>& names) {
    if (weights_.features <= 0) return;
    for (const std::string& name : names) {
      const auto s = counterpart_of(student_, name);
      const auto t = teacher_.find_value(name);
      if (s && t && is_float_output(teacher_, *t)) features_.push_back({*s, *t});
    }
  }

  // All teacher values of interest become outputs of what is inlined.
  void inline_teacher(const std::vector<ValueId>& inputs) {
    std::vector<ValueId> wanted;
    for (const Pair& pair : pairs_) wanted.push_back(pair.teacher);
    for (const Pair& pair : features_) wanted.push_back(pair.teacher);
    Edit cut(teacher_);
    while (!cut.draft().outputs().empty()) cut.remove_output(0);
    for (const ValueId value : wanted) cut.add_output(value);
    const Graph teacher = cut.apply();
    Bindings bindings;
    const std::vector<ValueId> required = required_inputs(teacher);
    for (std::size_t i = 0; i < required.size(); ++i) bindings.set(required[i], inputs[i]);
    const std::vector<ValueId> inlined = inline_graph(edit_, teacher, bindings);
    for (std::size_t i = 0; i < pairs_.size(); ++i) pairs_[i].teacher = inlined[i];
    for (std::size_t i = 0; i < features_.size(); ++i) features_[i].teacher = inlined[pairs_.size() + i];
  }

  void compare(const Pair& pair) {
    if (pair.classes && weights_.divergence > 0)
      loss_.add(loss_.divergence(pair.student, pair.teacher, pair.classes->axis, weights_.temperature),
                weights_.divergence);
    if (weights_.squared_error > 0)
      loss_.add(loss_.squared_error(pair.student, pair.teacher), weights_.squared_error);
    if (weights_.cosine > 0) loss_.add(loss_.cosine(pair.student, pair.teacher), weights_.cosine);
    const auto class_count =
        pair.classes ? class_count_of(student_.graph, *pair.classes) : std::optional<std::int64_t>();
    if (class_count && weights_.labels > 0 && !result_.has_labels) learn_labels(pair.student, *class_count);
  }

  void learn_labels(ValueId scores, std::int64_t class_count) {
    result_.has_labels = true;
    result_.class_count = class_count;
    labels_ = edit_.add_input("training_labels", {.dtype = DataType::float32,
                                                  .shape = Shape{Dim("training_batch"), Dim(class_count)}});
    loss_.add(loss_.cross_entropy(scores, labels_), weights_.labels);
  }

  // Inputs in the order that DistillationGraph::graph promises; edits add theirs at the end.
  Graph with_labels_behind_samples(const Graph& loss) const {
    if (!result_.has_labels) return loss;
    std::vector<ValueId> inputs = required_inputs(loss);
    std::rotate(inputs.begin() + static_cast<std::ptrdiff_t>(result_.sample_input_count), inputs.end() - 1,
                inputs.end());
    return extract(loss, inputs, loss.outputs());
  }

  DistillationGraph finish() {
    while (!edit_.draft().outputs().empty()) edit_.remove_output(0);
    edit_.add_output(loss_.sum());
    const Graph loss = with_labels_behind_samples(edit_.apply());
    std::vector<ValueId> parameters = required_inputs(loss);
    parameters.erase(parameters.begin(),
                     parameters.end() - static_cast<std::ptrdiff_t>(student_.parameters.size()));
    result_.forward.assign(loss.nodes().begin(), loss.nodes().end());
    const ValueId sum = loss.outputs()[0];
    result_.graph = gradient(loss, std::vector<ValueId>{sum}, parameters);
    return std::move(result_);
  }

  const Graph& teacher_;
  const Trainable& student_;
  const LossWeights& weights_;
  Edit edit_;
  LossBuilder loss_;
  std::vector<Pair> pairs_;
  std::vector<Pair> features_;
  ValueId labels_ = ValueId::none;
  DistillationGraph result_;
};

}  // namespace

DistillationGraph distillation_graph(const Graph& teacher, const Trainable& student,
                                     const LossWeights& weights,
                                     const std::vector<std::string>& feature_names) {
  return Building(teacher, student, weights).run(feature_names);
}

std::vector<std::string> common_features(const Graph& teacher, const Trainable& student) {
  std::vector<std::string> names;
  for (const NodeId id : teacher.nodes()) {
    const OpDefinition* op = find_op(teacher.node(id));
    if (!op || op->quantization.weight_input < 0) continue;
    std::string last;
    for (const ValueId value : results_of_layer(teacher, teacher.node(id)))
      if (is_float_output(teacher, value) && counterpart_of(student, teacher.name_of(value)))
        last = teacher.name_of(value);
    if (!last.empty()) names.push_back(last);
  }
  return names;
}

}  // namespace edgeopt
