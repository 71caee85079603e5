#include "calibration/training/block_reconstruction.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "calibration/class_scores.h"
#include "calibration/training/blocks.h"
#include "calibration/training/losses.h"
#include "calibration/training/soft_rounding.h"
#include "calibration/training/trainable.h"
#include "calibration/training/trainer.h"
#include "calibration/training/with_parameters.h"
#include "ir/evaluate.h"
#include "ir/extract.h"
#include "ir/gradient/gradient.h"
#include "ir/infer.h"
#include "ir/saturated_counts.h"
#include "runtime/engine.h"
#include "support/parallel.h"

namespace edgeopt {
namespace {

constexpr double runs_per_step = 3;  // a block forward once and backward twice
constexpr std::int64_t fewest_steps = 100;
constexpr std::int64_t most_steps = 10000;
// When rounding starts to be pulled to its ends, and from how gently to how firmly.
// source  Nagel et al. 2020, section 3.2 and its published implementation: 20 % of the steps, 20 to 2
constexpr double free_share = 0.2;
constexpr double first_sharpness = 20;
constexpr double last_sharpness = 2;
// How the pull on a weight's rounding compares with what the error of the block says about it, and how fast
// its variable moves. Measured on mobilenet_v1_025 at 4 bits, where with 1 and 10 a third of the weights were
// still undecided at the end, and hardening them threw half of the gain away.
constexpr double firmness = 30;
constexpr double block_rounding_rate = 40;

/// A block in the teacher and in the trainable student.
struct Block {
  ValueId teacher_begin, teacher_end;
  ValueId student_begin, student_end;
};

class Reconstruction {
 public:
  Reconstruction(const Graph& student, const Graph& teacher, const SampleSource& samples,
                 const ReconstructionOptions& options)
      : student_(student),
        teacher_(teacher),
        samples_(samples),
        options_(options),
        trainable_(make_trainable(student, {.float_twin = &teacher,
                                            .learns_weights = false,
                                            .learns_biases = true,
                                            .learns_activation_scales = true,
                                            .learns_weight_scales = false,
                                            .learns_rounding = true,
                                            .drop_probability = options.drop_probability})),
        exact_(without_dropping(trainable_.graph)) {
    const std::vector<ValueId> inputs = required_inputs(trainable_.graph);
    const std::size_t first = inputs.size() - trainable_.parameters.size();
    for (std::size_t i = first; i < inputs.size(); ++i) parameter_of_[inputs[i]] = i - first;
  }

  Graph run() {
    const std::vector<Block> blocks = find_blocks();
    if (blocks.empty()) return student_;
    shard_size_ = shard_size_for(student_, samples_);
    read_samples();
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      report_progress(options_.progress, "reconstructing blocks", static_cast<std::int64_t>(i),
                      static_cast<std::int64_t>(blocks.size()));
      learn(blocks[i]);
    }
    return with_parameters(student_, trainable_, trainable_.parameters);
  }

 private:
  // The student's value for one of the teacher's that is quantized, or for its result.
  std::optional<ValueId> counterpart(ValueId teacher_value) const {
    const std::string& name = teacher_.name_of(teacher_value);
    if (const auto found = trainable_.by_name.find(name + "_dequantized"); found != trainable_.by_name.end())
      return found->second;
    const ValueId output = teacher_.outputs()[0];
    const std::optional<ClassScores> scores = class_scores_at(teacher_, output);
    if (teacher_value == output || (scores && teacher_value == scores->value))
      return trainable_.graph.find_value(name);
    return std::nullopt;
  }

  bool has_rounding(ValueId end, ValueId begin) const {
    return std::ranges::any_of(inputs_behind(trainable_.graph, end, begin), [&](ValueId input) {
      const auto found = parameter_of_.find(input);
      return found != parameter_of_.end() &&
             trainable_.parameters[found->second].role == ParameterRole::rounding;
    });
  }

  std::vector<Block> find_blocks() const {
    std::vector<Block> blocks;
    if (required_inputs(teacher_).size() != 1 || teacher_.outputs().size() != 1) return blocks;
    ValueId teacher_begin = required_inputs(teacher_)[0];
    ValueId student_begin = required_inputs(trainable_.graph)[0];
    for (const ValueId cut : cut_values(teacher_)) {
      const std::optional<ValueId> end = counterpart(cut);
      if (!end || !has_rounding(*end, student_begin)) continue;
      blocks.push_back({teacher_begin, cut, student_begin, *end});
      teacher_begin = cut;
      student_begin = *end;
    }
    return blocks;
  }

  void read_samples() {
    std::int64_t largest = 1;
    for (const ValueId cut : cut_values(teacher_))
      if (const auto& shape = teacher_.type_of(cut).shape)
        largest = std::max(largest, known_element_count(*shape));
    constexpr std::int64_t kept_at_once = 3;  // student's input, teacher's input and output
    const std::int64_t affordable =
        options_.largest_memory_bytes /
        saturated_product(kept_at_once * static_cast<std::int64_t>(sizeof(float)), largest);
    const std::int64_t count =
        std::min({samples_.count, options_.largest_sample_count, std::max<std::int64_t>(1, affordable)});
    student_values_.resize(static_cast<std::size_t>(count));
    parallel_for(count, [&](std::int64_t i, int) {
      // Spread over all samples, so that sorted classes are all seen.
      student_values_[static_cast<std::size_t>(i)] = samples_.read(i * samples_.count / count).inputs.at(0);
    });
    teacher_values_ = student_values_;
  }

  void learn(const Block& block) {
    teacher_values_ = advanced(teacher_, block.teacher_begin, block.teacher_end, teacher_values_);
    TrainingTask task = task_for(block);
    const SampleSource pairs = block_samples();
    const std::int64_t steps = step_count();
    const double sum = static_cast<double>(rounding_count(task.parameters));
    const double pull = firmness * first_loss(task, pairs) / std::sqrt(std::max(1.0, sum)) *
                        static_cast<double>(options_.batch_size);
    task.regularize = [=](std::int64_t step, const std::vector<Parameter>& parameters, Tensors& gradients) {
      const double done = static_cast<double>(step) / static_cast<double>(steps);
      if (done < free_share) return;
      const double sharpness =
          last_sharpness + (first_sharpness - last_sharpness) * (1 - done) / (1 - free_share);
      for (std::size_t i = 0; i < parameters.size(); ++i)
        if (parameters[i].role == ParameterRole::rounding)
          add_rounding_pull(parameters[i].value.data<float>(), pull, sharpness,
                            gradients[i].mutable_data<float>());
    };
    const TrainingOutcome outcome =
        train(task, pairs, nullptr,
              {.step_count = steps,
               .batches = {.batch_size = options_.batch_size,
                           .shard_size = shard_size_,
                           .seed = options_.seed,
                           .largest_memory_bytes = 0},
               .optimizer = {.learning_rate = options_.learning_rate, .rounding_rate = block_rounding_rate},
               .check_interval = steps});
    keep(block, outcome.parameters);
    student_values_ = advanced(exact_, block.student_begin, block.student_end, student_values_);
  }

  static std::int64_t rounding_count(const std::vector<Parameter>& parameters) {
    std::int64_t count = 0;
    for (const Parameter& parameter : parameters)
      if (parameter.role == ParameterRole::rounding) count += parameter.value.element_count();
    return count;
  }

  std::vector<std::size_t> parameters_of(const Block& block) const {
    std::vector<std::size_t> indexes;
    for (const ValueId input : inputs_behind(trainable_.graph, block.student_end, block.student_begin))
      if (const auto found = parameter_of_.find(input); found != parameter_of_.end())
        indexes.push_back(found->second);
    return indexes;
  }

  // Inputs: the block's input, the target, [seed], parameters.
  TrainingTask task_for(const Block& block) const {
    Edit edit(trainable_.graph);
    LossBuilder losses(edit);
    const ValueId target = edit.add_input("block_target", teacher_.type_of(block.teacher_end));
    losses.add(losses.squared_error(block.student_end, target), 1);
    while (!edit.draft().outputs().empty()) edit.remove_output(0);
    edit.add_output(losses.sum());
    const Graph whole = edit.apply();
    std::vector<ValueId> inputs = {block.student_begin, target};
    const std::vector<ValueId> behind =
        inputs_behind(trainable_.graph, block.student_end, block.student_begin);
    inputs.insert(inputs.end(), behind.begin(), behind.end());
    const Graph piece = extract(whole, inputs, std::vector<ValueId>{whole.outputs()[0]});
    TrainingTask task;
    const std::vector<ValueId> piece_inputs = required_inputs(piece);
    std::vector<ValueId> wanted;
    for (std::size_t i = 2; i < piece_inputs.size(); ++i) {
      const auto found = parameter_of_.find(inputs[i]);
      if (found == parameter_of_.end()) {
        task.has_seed = true;
        continue;
      }
      wanted.push_back(piece_inputs[i]);
      task.parameters.push_back(trainable_.parameters[found->second]);
    }
    task.graph = gradient(piece, std::vector<ValueId>{piece.outputs()[0]}, wanted);
    return task;
  }

  SampleSource block_samples() const {
    return {.count = static_cast<std::int64_t>(student_values_.size()), .read = [this](std::int64_t i) {
              const auto k = static_cast<std::size_t>(i);
              return Sample{.inputs = {student_values_[k], teacher_values_[k]}};
            }};
  }

  // With every element rounded to its nearer integer: what learning starts from.
  double first_loss(const TrainingTask& task, const SampleSource& pairs) const {
    Tensors inputs = pairs.read(0).inputs;
    if (task.has_seed) inputs.push_back(Tensor::scalar(std::int64_t{0}));
    for (const Parameter& parameter : task.parameters)
      inputs.push_back(parameter.role == ParameterRole::rounding ? hardened(parameter.value)
                                                                 : parameter.value);
    return to_double(compile(without_dropping(task.graph))->run(inputs)[0]);
  }

  std::int64_t step_count() const {
    const double per_step =
        work_per_sample(teacher_) * runs_per_step * static_cast<double>(options_.batch_size);
    return std::clamp(static_cast<std::int64_t>(options_.work / per_step), fewest_steps, most_steps);
  }

  void keep(const Block& block, const std::vector<Parameter>& learned) {
    const std::vector<std::size_t> indexes = parameters_of(block);
    for (std::size_t i = 0; i < indexes.size(); ++i) {
      Parameter& parameter = trainable_.parameters[indexes[i]];
      parameter.value =
          parameter.role == ParameterRole::rounding ? hardened(learned[i].value) : learned[i].value;
    }
  }

  // What the piece between two values gives for each sample.
  Tensors advanced(const Graph& graph, ValueId begin, ValueId end, const Tensors& values) const {
    std::vector<ValueId> inputs = {begin};
    Tensors fixed;
    for (const ValueId input : inputs_behind(graph, end, begin)) {
      inputs.push_back(input);
      const auto found = parameter_of_.find(input);
      const bool is_parameter = &graph == &exact_ && found != parameter_of_.end();
      fixed.push_back(is_parameter ? trainable_.parameters[found->second].value
                                   : Tensor::scalar(std::int64_t{0}));
    }
    SessionPool sessions(extract(graph, inputs, std::vector<ValueId>{end}));
    Tensors results(values.size());
    parallel_for(static_cast<std::int64_t>(values.size()), [&](std::int64_t i, int worker) {
      Tensors given = {values[static_cast<std::size_t>(i)]};
      given.insert(given.end(), fixed.begin(), fixed.end());
      results[static_cast<std::size_t>(i)] = sessions.session(worker).run(given)[0];
    });
    return results;
  }

  const Graph& student_;
  const Graph& teacher_;
  const SampleSource& samples_;
  const ReconstructionOptions& options_;
  Trainable trainable_;
  Graph exact_;
  std::map<ValueId, std::size_t> parameter_of_;
  std::int64_t shard_size_ = 1;
  Tensors student_values_;  // what goes into the next block, per sample
  Tensors teacher_values_;
};

}  // namespace

Graph with_reconstructed_blocks(const Graph& student, const Graph& teacher, const SampleSource& samples,
                                const ReconstructionOptions& options) {
  return Reconstruction(student, teacher, samples, options).run();
}

}  // namespace edgeopt
