// The main job: simplify, fuse, quantize, judge, measure, and say whether it met its goals.
#include "recipes/optimize.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "ir/onnx/onnx.h"
#include "ir/onnx/sparse_storage.h"
#include "passes/pipelines.h"
#include "recipes/distill.h"
#include "recipes/goal_probe.h"
#include "recipes/repair.h"
#include "support/error.h"

namespace edgeopt {
namespace {

// One input could meet a special case (all ReLUs open); many would cost time and show nothing more.
constexpr std::int64_t compared_sample_count = 2;

double bytes_of(const Graph& graph) { return static_cast<double>(model_to_bytes(graph).size()); }

class Story {
 public:
  Story(const Graph& original, const OptimizeRequest& request)
      : original_(original),
        request_(request),
        quantize_(request.quantize),
        largest_bytes_(largest_bytes(request.goals, request.original_bytes)),
        start_(original) {}

  Optimized tell() {
    simplify_and_fuse();
    prune();
    sparsify();
    learn_back();
    quantize();
    judge();
    repair();
    store();
    measure();
    compare_with_goals();
    return std::move(told_);
  }

 private:
  void simplify_and_fuse() {
    comparison_ = compared_with(original_);
    told_.fused = fuse_model(original_, named_pipeline("fuse"), comparison_);
    told_.graph = told_.fused.graph;
  }

  bool is_smaller() const { return told_.pruning || request_.sparsity; }

  // What follows starts from the smaller model; the teacher stays the original.
  void prune() {
    if (!request_.prune) return;
    if (!request_.samples) throw UserError("pruning needs samples to rank and repair on; give --data");
    if (request_.prunes_to_goals)
      prune_to_goals();
    else
      take(prune_model(original_, request_.samples->calibration, *request_.prune));
  }

  void prune_to_goals() {
    const GoalProbe probe{.original = &original_,
                          .original_bytes = request_.original_bytes,
                          .goals = request_.goals,
                          .quantize = completed(quantize_),
                          .samples = request_.samples->calibration,
                          .inputs = measured_inputs(),
                          .latency = request_.latency};
    ShareSearch found = search_share(original_, probe.samples, *request_.prune,
                                     [&](const Graph& graph) { return goal_excess(graph, probe); });
    told_.notes.push_back(sentence_of(found, request_.prune->budget.kind));
    if (!found.pruned) return;
    take(std::move(*found.pruned));
    told_.pruning->trials = std::move(found.trials);
  }

  void take(PrunedModel pruned) {
    told_.notes.push_back(fmt::format("pruned to {:.1f} % of the multiply-adds",
                                      100 * pruned.multiply_adds.result / pruned.multiply_adds.original));
    for (const RemovedBlock& block : pruned.blocks)
      told_.notes.push_back(fmt::format("residual block '{}' was taken out before that", block.name));
    told_.pruning = PruningFacts{.groups = std::move(pruned.groups),
                                 .kept = std::move(pruned.kept),
                                 .multiply_adds = pruned.multiply_adds,
                                 .parameters = pruned.parameters,
                                 .meets_budget = pruned.meets_budget};
    start_ = std::move(pruned.graph);
  }

  // Behind pruning, so that no zeros go with channels; before quantizing, which keeps them.
  void sparsify() {
    if (!request_.sparsity) return;
    if (!told_.pruning) start_ = prepare_for_pruning(original_, request_.seed).graph;
    std::optional<SampleSource> samples;
    if (request_.samples) samples = request_.samples->calibration;
    SparsifiedModel sparse = sparsify_model(told_.fused.graph, start_, samples, *request_.sparsity);
    told_.notes.push_back(fmt::format("{:.1f} % of the weights are zero ({})",
                                      100 * sparse.facts.zero_share(), name_of(sparse.facts.pattern)));
    told_.sparsity = std::move(sparse.facts);
    start_ = std::move(sparse.graph);
  }

  void learn_back() {
    if (!is_smaller()) return;
    if (request_.training && request_.samples) {
      Distilled trained =
          distill_model(start_, told_.fused.graph, request_.samples->calibration, *request_.training);
      tell_learning(told_.pruning ? "the pruned model" : "the sparse model", trained);
      start_ = std::move(trained.graph);
    }
    told_.graph = start_;
    comparison_ = compared_with(start_);
  }

  ComparisonSet compared_with(const Graph& graph) const {
    return request_.samples
               ? comparison_on_samples(graph, request_.samples->calibration, compared_sample_count)
               : comparison_on_random(graph, compared_sample_count, request_.seed);
  }

  void tell_learning(const std::string& who, const Distilled& learned) {
    if (learned.history.empty()) return;
    told_.learning.push_back({who, learned.step_count, learned.best_step, learned.history});
    const std::string which = learned.held_back_count > 0 ? "loss on samples held back"
                                                          : "loss, with too few samples to hold any back,";
    told_.notes.push_back(
        fmt::format("{} learned the original's outputs back in {} steps: {} {:.4f} after the first look, "
                    "{:.4f} at the end",
                    who, learned.step_count, which, learned.history.front().held_back_loss,
                    learned.history.back().held_back_loss));
  }

  QuantizeOptions completed(QuantizeOptions options) const {
    options.check = check_against(comparison_, fused_tolerance);
    if (is_smaller()) options.teacher = &told_.fused.graph;
    return options;
  }

  QuantizedModel quantized_with(const QuantizeOptions& options) const {
    return quantize_model(start_, request_.samples->calibration, completed(options));
  }

  // Only a goal of latency makes the result depend on this machine, and only where integers alone miss it.
  void leave_slow_integers_in_float() {
    if (std::ranges::none_of(request_.goals, is_about_latency)) return;
    QuantizeOptions plain = quantize_;
    plain.recovery.reset();
    const QuantizedModel integers = quantized_with(plain);
    try {
      const std::vector<Latency> both =
          measure_latency({&original_, &integers.graph}, measured_inputs(), request_.latency);
      Achievement achievement;
      take_latency(both[0], both[1], achievement);
      const auto is_met = [&](const Goal& goal) {
        return !is_about_latency(goal) || judge_goal(goal, achievement).is_met;
      };
      if (std::ranges::all_of(request_.goals, is_met)) return;
      told_.floats = choose_floats(integers, measured_inputs(), plain, request_.latency);
    } catch (const UserError&) {
      return;  // this machine cannot run it; measure() says so
    }
    quantize_.keep_float.insert(quantize_.keep_float.end(), told_.floats->keep_float.begin(),
                                told_.floats->keep_float.end());
  }

  QuantizedModel quantized_to_goals() {
    if (!largest_bytes_) return quantized_with(quantize_);
    SizedModel sized =
        quantize_to_size(start_, request_.samples->calibration, completed(quantize_), *largest_bytes_);
    if (sized.choice) quantize_.widths = sized.choice->widths;
    told_.widths = std::move(sized.choice);
    told_.size_limited_because = std::move(sized.limited_because);
    return std::move(sized.model);
  }

  void quantize() {
    if (!request_.samples) {
      told_.not_quantized_because = "no samples were given to calibrate on";
      return;
    }
    try {
      leave_slow_integers_in_float();
      told_.quantized = quantized_to_goals();
      told_.graph = told_.quantized->graph;
      if (told_.quantized->recovered) tell_learning("the quantized model", *told_.quantized->recovered);
    } catch (const NothingToQuantize& error) {
      told_.not_quantized_because = error.what();
    }
  }

  void judge() {
    if (!request_.samples) return;
    const auto progress = [&](std::int64_t done, std::int64_t total) {
      report_progress(request_.progress, "judging", done, total);
    };
    told_.judgement = judge_models(original_, told_.graph, request_.samples->judging,
                                   {.seed = request_.seed, .progress = progress});
  }

  // Samples that judge also say which layer is to blame: calibration has not seen them.
  void repair() {
    if (!told_.quantized || !misses_accuracy(judge_accuracy_goals(told_.judgement))) return;
    const SampleSource& judging = request_.samples->judging;
    told_.sensitivity = layer_sensitivity(told_.quantized->prepared, judging, quantize_,
                                          {.seed = request_.seed, .progress = request_.progress});
    for (Repair& repair : possible_repairs(*told_.quantized, *told_.sensitivity, quantize_))
      if (is_repaired_by(repair)) return;
  }

  // The goal of size goes before those of accuracy: what it forbids is not kept, however good.
  bool is_too_large(const Graph& graph, RepairTrial trial) {
    const Achievement achievement{.original_bytes = request_.original_bytes, .result_bytes = bytes_of(graph)};
    for (const Goal& goal : request_.goals)
      if (is_about_size(goal))
        if (GoalOutcome outcome = judge_goal(goal, achievement); !outcome.is_met)
          trial.goals.push_back(outcome);
    if (trial.goals.empty()) return false;
    told_.repairs.push_back(std::move(trial));
    return true;
  }

  // Told by the layers in float alone, without the time that rounding and learning take.
  bool is_sure_to_be_too_large(const Repair& repair) {
    return largest_bytes_ &&
           is_too_large(quantize_with_ranges(told_.quantized->prepared, repair.options).graph,
                        {.what = repair.what, .arguments = repair.arguments});
  }

  bool is_repaired_by(Repair& repair) {
    if (is_sure_to_be_too_large(repair)) return false;
    // The checkpoint is the first result's: another student cannot go on from it.
    if (repair.options.recovery) repair.options.recovery->distillation.checkpoint.clear();
    QuantizedModel candidate = quantized_with(repair.options);
    RepairTrial trial{.what = repair.what, .arguments = repair.arguments};
    if (largest_bytes_ && is_too_large(candidate.graph, trial)) return false;
    Judgement judgement =
        judge_models(original_, candidate.graph, request_.samples->judging, {.seed = request_.seed});
    trial.goals = judge_accuracy_goals(judgement);
    trial.is_kept = !misses_accuracy(trial.goals);
    told_.repairs.push_back(trial);
    if (!trial.is_kept) return false;
    told_.graph = candidate.graph;
    told_.quantized = std::move(candidate);
    told_.judgement = std::move(judgement);
    return true;
  }

  std::vector<GoalOutcome> judge_accuracy_goals(const Judgement& judgement) const {
    Achievement achievement;
    take_accuracy(judgement, achievement);
    std::vector<GoalOutcome> outcomes;
    for (const Goal& goal : request_.goals)
      if (is_about_accuracy(goal)) outcomes.push_back(judge_goal(goal, achievement));
    return outcomes;
  }

  // What was not measured cannot be repaired.
  static bool misses_accuracy(const std::vector<GoalOutcome>& goals) {
    return std::ranges::any_of(goals,
                               [](const GoalOutcome& goal) { return goal.is_measured && !goal.is_met; });
  }

  void store() {
    if (request_.has_sparse_storage) told_.graph = with_sparse_storage(told_.graph);
  }

  // A model that this machine cannot run is still a result; its latency is then unknown, not guessed.
  void measure() {
    try {
      const std::vector<Latency> both =
          measure_latency({&original_, &told_.graph}, measured_inputs(), request_.latency);
      told_.original_latency = both[0];
      told_.result_latency = both[1];
    } catch (const UserError& error) {
      told_.not_measured_because = error.what();
    }
  }

  Tensors measured_inputs() const {
    if (request_.samples) return request_.samples->judging.read(0).inputs;
    const ComparisonSet random = comparison_on_random(original_, 1, request_.seed);
    if (random.missing_because) throw UserError(*random.missing_because);
    return random.inputs.front();
  }

  void compare_with_goals() {
    const Achievement achievement = achieved();
    for (const Goal& goal : request_.goals) {
      GoalOutcome outcome = judge_goal(goal, achievement);
      if (is_about_size(goal) && !outcome.is_met && !told_.size_limited_because.empty())
        outcome.why_not += "; " + told_.size_limited_because;
      told_.goals.push_back(std::move(outcome));
    }
  }

  Achievement achieved() const {
    Achievement achievement{.original_bytes = request_.original_bytes, .result_bytes = bytes_of(told_.graph)};
    if (told_.original_latency) take_latency(*told_.original_latency, *told_.result_latency, achievement);
    take_accuracy(told_.judgement, achievement);
    return achievement;
  }

  static void take_latency(const Latency& original, const Latency& result, Achievement& achievement) {
    achievement.original_ms = percentile_of(original.times_ms, 50);
    achievement.result_ms = percentile_of(result.times_ms, 50);
  }

  static void take_accuracy(const Judgement& judgement, Achievement& achievement) {
    const Metric* top1 = judgement.find("top1");
    if (top1 && top1->difference) achievement.drop_points = -top1->difference->value;
    const Metric* agreement = judgement.find("agreement");
    if (agreement && agreement->result) achievement.agreement_percent = agreement->result->value;
    const Metric* sqnr = judgement.find("sqnr");
    if (sqnr && sqnr->result) achievement.sqnr_db = sqnr->result->value;
  }

  const Graph& original_;
  const OptimizeRequest& request_;
  QuantizeOptions quantize_;  // as asked, then with the widths that a goal of size chose
  std::optional<double> largest_bytes_;
  Graph start_;  // what is quantized: the original, or what pruning and zeros left of it
  ComparisonSet comparison_;
  Optimized told_;
};

}  // namespace

bool Optimized::meets_goals() const {
  return std::all_of(goals.begin(), goals.end(), [](const GoalOutcome& goal) { return goal.is_met; });
}

Optimized optimize_model(const Graph& original, const OptimizeRequest& request) {
  return Story(original, request).tell();
}

}  // namespace edgeopt
