// The options of quantization, the same for `quantize` and `optimize`.
#include "tools/quantize_options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "hwprofiles/profile.h"
#include "support/error.h"
#include "tools/option_checks.h"

namespace edgeopt {

void declare_observer_options(CLI::App& app, QuantizeFlags& flags) {
  app.add_option("--observer", flags.observer,
                 "How a range is chosen from what was seen: minmax covers everything, the others cut "
                 "outliers; auto tries "
                 "mse, entropy and minmax and keeps what comes closest to the float model")
      ->check(one_of({"auto", "minmax", "percentile", "entropy", "mse"}))
      ->capture_default_str();
  app.add_option("--percentile", flags.percentile, "Percent of the elements that a percentile range covers")
      ->check(number_between(50, 100))
      ->capture_default_str();
}

void declare_quantize_options(CLI::App& app, QuantizeFlags& flags) {
  app.add_option("--scheme", flags.scheme,
                 "Widths of weights and activations: int8, w4a8, w4a4, w8a16, ...; `quantize` also takes w4: "
                 "weights alone")
      ->capture_default_str();
  app.add_option("--layer-scheme", flags.layer_schemes,
                 "NODE=SCHEME: widths of one layer; may be given several times")
      ->type_name("NODE=SCHEME")
      ->allow_extra_args(false);
  app.add_option("--weight-storage", flags.weight_storage,
                 "How weights of up to 4 bits lie in the file: int4 (half the size, opset 21) or int8")
      ->check(one_of({"int4", "int8"}))
      ->capture_default_str();
  app.add_option("--rounding", flags.rounding,
                 "How weights are rounded: nearest; second-order, which keeps the outputs of layers; auto: "
                 "second-order below 8 bits")
      ->check(one_of({"auto", "nearest", "second-order"}))
      ->capture_default_str();
  declare_observer_options(app, flags);
  app.add_option(
         "--range-search", flags.range_search,
         "Widen or narrow the observed ranges, one at a time, where the outputs lose less: on, off, or "
         "auto: for activations below 8 bits")
      ->check(one_of({"auto", "on", "off"}))
      ->capture_default_str();
  app.add_option("--profile", flags.profile,
                 fmt::format("The device: {} or a .toml file", fmt::join(profile_names(), ", ")))
      ->type_name("P")
      ->each([&flags](const std::string&) { flags.names_profile = true; })
      ->capture_default_str();
  app.add_option("--keep-float", flags.keep_float, "Leave this node in float; may be given several times")
      ->type_name("NODE")
      ->allow_extra_args(false);
  app.add_option("--equalize", flags.equalization,
                 "Move factors per channel between layers first: samples, where that lowers the noise of the "
                 "integers; weights, until both weights have equal ranges")
      ->check(one_of({"none", "weights", "samples"}))
      ->capture_default_str();
  app.add_flag("--no-bias-correction", flags.without_bias_correction,
               "Do not correct biases for the error that quantization adds");
}

ObserverOptions observer_options(const QuantizeFlags& flags) {
  // Ranges alone cannot be compared with the float model; squared error is the method that damages least
  // blindly.
  if (flags.observer == automatic_observer) return {.method = ObserverMethod::mse};
  return {.method = observer_named(flags.observer), .percentile = flags.percentile};
}

void refuse_unused_percentile(const CLI::App& app, const QuantizeFlags& flags) {
  if (flags.observer != "percentile")
    refuse_given(app, {"--percentile"}, "it is that of --observer percentile; give this too");
}

namespace {

QuantizationWidths widths_of(const QuantizeFlags& flags, const QuantizationRules& rules) {
  QuantizationWidths widths{.scheme = scheme_named(flags.scheme),
                            .packs_weights = flags.weight_storage == "int4" && rules.packed_weights};
  for (const std::string& text : flags.layer_schemes) {
    // Names of nodes may hold '=', schemes do not.
    const std::size_t sign = text.rfind('=');
    if (sign == std::string::npos || sign == 0)
      throw UserError(fmt::format("--layer-scheme {}: want NODE=SCHEME, such as /conv1/Conv=w8a8", text));
    const LayerScheme scheme = while_doing("--layer-scheme " + text.substr(0, sign),
                                           [&] { return scheme_named(text.substr(sign + 1)); });
    widths.layers[text.substr(0, sign)] = scheme;
  }
  return widths;
}

WeightRounding rounding_named(const std::string& name) {
  if (name == "nearest") return WeightRounding::nearest;
  return name == "second-order" ? WeightRounding::second_order : WeightRounding::automatic;
}

RangeSearchUse range_search_named(const std::string& name) {
  if (name == "on") return RangeSearchUse::always;
  return name == "off" ? RangeSearchUse::never : RangeSearchUse::automatic;
}

}  // namespace

QuantizeOptions quantize_options(const QuantizeFlags& flags, const RunContext& context) {
  const HardwareProfile profile = load_profile(flags.profile);
  QuantizeOptions options{
      .profile = profile,
      .widths = widths_of(flags, profile.quantization),
      .range_search = range_search_named(flags.range_search),
      .equalization = *equalization_named(flags.equalization),
      .rounding = rounding_named(flags.rounding),
      .corrects_biases = !flags.without_bias_correction,
      .keep_float = flags.keep_float,
      .progress = context.progress,
  };
  if (flags.observer != automatic_observer) options.observers = {observer_options(flags)};
  return options;
}

}  // namespace edgeopt
