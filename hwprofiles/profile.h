// What a device can do. A profile is one .toml file; what nobody has measured is absent.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "ir/data_type.h"

namespace edgeopt {

/// What the device's runtime does with quantized graphs; the quantization passes ask nothing else.
struct QuantizationRules {
  DataType activation_type = DataType::uint8;
  bool activations_symmetric = false;     // zero point fixed to the middle
  DataType weight_type = DataType::int8;  // always symmetric
  bool weights_per_channel = true;
  int weight_bits = 8;            // fewer where products of two 8-bit numbers overflow the accumulator
  int depthwise_weight_bits = 8;  // of Convs with one input and one output per group
  /// Convs of fewer output channels that nothing quantized comes before are faster in floats.
  std::int64_t fewest_output_channels = 1;
  bool packed_weights = true;                     // reads weights of 4 bits as int4, two in a byte
  std::vector<std::string> integer_operators;     // compute with weights in integers
  std::vector<std::string> joining_operators;     // run in integers between quantized neighbours
  std::vector<std::string> same_scale_operators;  // move elements: need one scale on inputs and outputs
  std::vector<std::string> fused_activations;  // vanish into the saturation of the quantization behind them
  std::string source;
};

struct HardwareProfile {
  std::string name = "x86_avx512_vnni";
  std::string description;
  std::optional<int> core_count;
  std::optional<double> clock_ghz;
  std::optional<int> vector_bits;
  bool has_int8_dot_product = false;
  std::int64_t channel_multiple = 1;  // channel counts that waste nothing are multiples of it
  /// Patterns of zeros in weights ("2:4", "4x1", "unstructured") with which the device's runtime is faster.
  std::vector<std::string> sparse_patterns;
  QuantizationRules quantization;
};

/// A profile by name (a file in the profile folder, built into the program) or by path to a .toml file.
/// throws  UserError naming the key that is missing, unknown or of the wrong type; or listing the names there
/// are
HardwareProfile load_profile(const std::string& name_or_path);
std::vector<std::string> profile_names();

}  // namespace edgeopt
