// Quantization as a recipe: prepare, observe, decide, insert, correct. What `edgeopt quantize` and `optimize`
// run.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "calibration/ranges/calibrate.h"
#include "calibration/ranges/ranges_file.h"
#include "calibration/samples/samples.h"
#include "calibration/training/block_reconstruction.h"
#include "calibration/training/distillation.h"
#include "hwprofiles/profile.h"
#include "ir/graph.h"
#include "passes/framework/pipeline.h"
#include "passes/quantization_plan.h"
#include "passes/quantization_widths.h"
#include "passes/weight_blocks.h"
#include "recipes/range_search.h"
#include "support/error.h"

namespace edgeopt {

/// No layer of the model can run in integers on the profile's device; the message gives the reasons.
class NothingToQuantize : public UserError {
 public:
  using UserError::UserError;
};

/// Learning the teacher's outputs back.
struct RecoveryOptions {
  /// Rounding block by block first; nothing: end to end alone.
  std::optional<ReconstructionOptions> reconstruction;
  DistillationOptions distillation;
};

/// How weights become integers.
enum class WeightRounding {
  automatic,  // second_order below 8 bits, nearest at 8
  nearest,
  second_order,  // calibration/rounding/second_order_rounding.h
};

/// Whether observed ranges are changed where the model's outputs lose less (recipes/range_search.h).
enum class RangeSearchUse {
  automatic,  // where activations have fewer than 8 bits; at 8 it changes little (docs/quantize.md)
  never,
  always,
};

/// Whether factors are moved between layers before ranges are observed.
enum class Equalization {
  none,
  /// Equal ranges of both weights (pass equalize_channels). With one scale per channel it gains little and
  /// can lose much (kws-dscnn, min-max: 25.5 dB without, 18.6 dB with).
  weights,
  samples,  // calibration/equalization/channel_equalization.h
};
std::string_view name_of(Equalization equalization);
std::optional<Equalization> equalization_named(std::string_view name);

struct QuantizeOptions {
  HardwareProfile profile;
  QuantizationWidths widths = {};  // int8 everywhere unless said otherwise
  /// With several, each is tried and the one whose result comes closest to the float model on the samples is
  /// kept.
  std::vector<ObserverOptions> observers = {{.method = ObserverMethod::mse},
                                            {.method = ObserverMethod::entropy},
                                            {.method = ObserverMethod::minmax}};
  RangeSearchUse range_search = RangeSearchUse::automatic;
  Equalization equalization = Equalization::none;
  WeightRounding rounding = WeightRounding::automatic;
  bool corrects_biases = true;               // sequential bias correction after inserting
  std::vector<std::string> keep_float = {};  // nodes by name, or by name of their output
  /// Learning the teacher's outputs back behind everything else; nothing: no learning.
  std::optional<RecoveryOptions> recovery = {};
  /// Whom to learn from; null: the float model itself.
  const Graph* teacher = nullptr;
  PassCheck check = {};  // for the passes that promise to keep the result
  /// Told what is being done and how far it is: 0 <= done <= count.
  std::function<void(std::string_view what, std::int64_t done, std::int64_t count)> progress = {};
};

/// One observer that was tried, and how close to the float model its result came.
struct ObserverTrial {
  ObserverMethod method = ObserverMethod::minmax;
  double sqnr_db = 0;  // on samples that calibrated: of the scores of classes, else the mean over the outputs
};

struct QuantizedModel {
  Graph graph;
  Graph prepared;                  // the float graph that was quantized: same values, same names, not rounded
  std::vector<StepOutcome> steps;  // of every pass that ran
  std::vector<KeptFloat> kept_float;  // nodes that compute with weights and stayed in float, and why
  int integer_layer_count = 0;        // operators that run in integers
  int packed_layer_count = 0;         // operators whose weights alone are integers
  ObserverMethod observer = ObserverMethod::minmax;  // whose ranges were kept
  std::vector<ObserverTrial> trials;                 // empty if only one observer was asked for
  std::vector<SearchedScale> searched_scales;        // empty if ranges were not searched
  std::optional<Distilled> recovered;                // how learning went, if it was asked for
};

/// The model as a Q/DQ model that the profile's device runs in integers.
///
/// model    float; any opset from 7 on
/// samples  real samples of the model's inputs
/// returns  the same bytes for the same inputs and options, at any thread count
/// throws   UserError if nothing can be quantized, with the reasons
QuantizedModel quantize_model(const Graph& model, const SampleSource& samples,
                              const QuantizeOptions& options);

/// The same with the ranges of values of `model` that were calibrated before. What was not observed there,
/// or goes when the model is prepared, has none, and layers that need it stay in float.
///
/// throws  UserError if nothing can be quantized, or the file names values that the model lacks
QuantizedModel quantize_model_with_ranges(const Graph& model, const RangesFile& file,
                                          const QuantizeOptions& options);

/// The same with ranges that stand on the values of a prepared graph, or with scales that
/// were decided (Value::quantization); no bias correction without samples.
QuantizedModel quantize_with_ranges(const Graph& ranged, const QuantizeOptions& options);

/// The model with the weights of MatMul and Gemm in blocks of 4 bits, everything else in float.
///
/// samples             what weights are rounded for (calibration/rounding/block_rounding.h); null: to nearest
/// as_mat_mul_n_bits  as com.microsoft.MatMulNBits instead of DequantizeLinear with block_size
/// throws             UserError if there are no such weights, or the model cannot be written at opset 21
QuantizedModel quantize_weight_blocks(const Graph& model, const WeightBlocks& blocks, bool as_mat_mul_n_bits,
                                      const SampleSource* samples, const QuantizeOptions& options);

}  // namespace edgeopt
