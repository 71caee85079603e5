// Rounds weights so that the outputs of layers stay, not the weights themselves.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>

#include "calibration/samples/samples.h"
#include "ir/graph.h"
#include "ir/quantization/quantization_scheme.h"

namespace edgeopt {

struct SecondOrderOptions {
  /// The scheme of the weight of a node of the prepared graph; nothing leaves the weight as it is.
  std::function<std::optional<QuantizationScheme>(const Node&)> scheme_of;
  /// Biases are corrected afterwards, so that means do not matter (bias_correction.h).
  bool corrects_biases = true;
  /// Samples used at most; the Hessian is known well enough long before.
  std::int64_t largest_sample_count = 256;
  /// Intermediate values kept at most; fewer samples are used when they would take more.
  std::int64_t largest_memory_bytes = std::int64_t{128} << 20;
  /// Called after every layer with how many are done and how many there are.
  std::function<void(std::int64_t done, std::int64_t count)> progress = {};
};

/// The prepared graph with weights that are multiples of their scales, and the scales beside them
/// (Value::quantization), for Conv (depthwise and grouped too), Gemm and MatMul.
///
/// Layers are rounded in order, each for the inputs that it really gets behind the rounded layers before it,
/// and so that it gives what the float layer gives for the float model's inputs; its bias follows.
/// The Hessian X'X comes from drawn rows in fixed memory (calibration/rounding/input_products.h); above 1024
/// columns it is taken apart into blocks of as many.
///
/// prepared  float graph with the same nodes as `student`
/// student   what the quantizing passes made of it
/// returns   the same bytes at any thread count
/// source    Frantar, Ashkboos, Hoefler, Alistarh, "GPTQ: Accurate Post-Training Quantization for Generative
///           Pre-trained Transformers", ICLR 2023; the form without an inverse: Chen et al., "The Geometry of
///           LLM Quantization: GPTQ as Babai's Nearest Plane Algorithm", 2025; inputs of the float model: Li
///           et al., "GPTAQ: Efficient Finetuning-Free Quantization for Asymmetric Calibration", ICML 2025
Graph with_second_order_rounding(const Graph& prepared, const Graph& student, const SampleSource& samples,
                                 const SecondOrderOptions& options);

}  // namespace edgeopt
