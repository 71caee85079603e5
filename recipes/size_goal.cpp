#include "recipes/size_goal.h"

#include <fmt/format.h>

#include "ir/onnx/onnx.h"
#include "passes/pipelines.h"

namespace edgeopt {
namespace {

// int4 begins here (ONNX Operator changelog, QuantizeLinear).
constexpr int first_opset_with_int4 = 21;

// The expected size is off by little: names and lengths that depend on each other. Each round takes what it
// was off by from the budget.
constexpr int most_rounds = 3;

double file_bytes(const Graph& graph) { return static_cast<double>(model_to_bytes(graph).size()); }

class Story {
 public:
  Story(const Graph& model, const SampleSource& samples, const QuantizeOptions& options, double largest_bytes)
      : model_(model), samples_(samples), options_(options), largest_bytes_(largest_bytes) {
    // Learning changes no size: it waits until the widths are known.
    options_.recovery.reset();
  }

  SizedModel tell(const std::optional<RecoveryOptions>& recovery) {
    take(quantize_model(model_, samples_, options_));
    if (told_.bytes > largest_bytes_) narrow();
    if (recovery) {
      options_.recovery = recovery;
      if (told_.choice) options_.widths = told_.choice->widths;
      take(quantize_model(model_, samples_, options_));
    }
    if (told_.bytes > largest_bytes_ && told_.limited_because.empty())
      told_.limited_because = "no width of a layer's weights is left to reduce";
    return std::move(told_);
  }

 private:
  void take(QuantizedModel model) {
    told_.bytes = file_bytes(model.graph);
    told_.model = std::move(model);
  }

  void narrow() {
    const Graph widened = run_pipeline(named_pipeline("widen"), model_, {}).graph;
    told_.limited_because = reason_against_narrow(widened);
    if (!told_.limited_because.empty()) return;
    const QuantizedModel ranged = with_ranges(widened);
    const WidthStudy study(ranged.prepared, samples_, options_);
    // Biases that were corrected may be new in the file.
    const double further = file_bytes(told_.model.graph) -
                           file_bytes(quantize_with_ranges(told_.model.prepared, options_).graph);
    double budget = largest_bytes_ - further;
    for (int round = 0; round < most_rounds; ++round) {
      WidthChoice choice = study.choose(budget);
      QuantizeOptions narrow = options_;
      narrow.widths = choice.widths;
      take(quantize_model(model_, samples_, narrow));
      const bool is_smallest = !choice.is_within;
      choice.smallest_bytes += told_.bytes - choice.expected_bytes;
      choice.expected_bytes = told_.bytes;
      told_.choice = std::move(choice);
      if (told_.bytes <= largest_bytes_) return;
      if (is_smallest) break;
      budget -= told_.bytes - largest_bytes_;
    }
    told_.limited_because = out_of_reach();
  }

  // The ranges that were chosen, at the opset of narrow weights.
  QuantizedModel with_ranges(const Graph& widened) const {
    QuantizeOptions once = options_;
    for (const ObserverOptions& observer : options_.observers)
      if (observer.method == told_.model.observer) once.observers = {observer};
    once.corrects_biases = false;
    once.rounding = WeightRounding::nearest;
    return quantize_model(widened, samples_, once);
  }

  std::string reason_against_narrow(const Graph& widened) const {
    if (!options_.profile.quantization.packed_weights)
      return fmt::format("the profile {} reads no weights of 4 bits, so none is below a byte",
                         options_.profile.name);
    if (!options_.widths.packs_weights) return "--weight-storage int8 leaves every weight a whole byte";
    if (widened.opset() < first_opset_with_int4)
      return fmt::format("weights of 4 bits need opset {}, and the model cannot leave opset {}",
                         first_opset_with_int4, widened.opset());
    return "";
  }

  std::string out_of_reach() const {
    return fmt::format(
        "the smallest reachable file has {:.0f} bytes, with weights of {} bits wherever that saves any; "
        "scales, "
        "biases, the graph itself and what options keep wide take the rest",
        told_.bytes, possible_weight_bits(options_.widths.scheme).back());
  }

  const Graph& model_;
  const SampleSource& samples_;
  QuantizeOptions options_;
  double largest_bytes_;
  SizedModel told_;
};

}  // namespace

SizedModel quantize_to_size(const Graph& model, const SampleSource& samples, const QuantizeOptions& options,
                            double largest_bytes) {
  return Story(model, samples, options, largest_bytes).tell(options.recovery);
}

}  // namespace edgeopt
