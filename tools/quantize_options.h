// The options of quantization, the same for `quantize` and `optimize`.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "recipes/quantize.h"
#include "tools/command.h"

namespace edgeopt {

/// --observer auto: several are tried.
inline constexpr std::string_view automatic_observer = "auto";

struct QuantizeFlags {
  std::string scheme = "int8";
  std::vector<std::string> layer_schemes;
  std::string weight_storage = "int4";
  std::string rounding = "auto";
  std::string observer = std::string(automatic_observer);
  std::string range_search = "auto";
  double percentile = 99.99;  // ObserverOptions::percentile names its source
  std::string profile = "x86_avx512_vnni";
  bool names_profile = false;  // it was given, not assumed
  std::vector<std::string> keep_float;
  std::string equalization = "none";
  bool without_bias_correction = false;
};

void declare_quantize_options(CLI::App& app, QuantizeFlags& flags);

/// --observer and --percentile alone, for `calibrate`.
void declare_observer_options(CLI::App& app, QuantizeFlags& flags);
/// throws  UserError if --percentile is given without --observer percentile, to which it belongs
void refuse_unused_percentile(const CLI::App& app, const QuantizeFlags& flags);
ObserverOptions observer_options(const QuantizeFlags& flags);

/// throws  UserError for a scheme that is none, an unknown profile or observer
QuantizeOptions quantize_options(const QuantizeFlags& flags, const RunContext& context);

}  // namespace edgeopt
