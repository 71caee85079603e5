#include "reports/float_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

namespace edgeopt {

Table float_table(const FloatChoice& choice) {
  Table table{.header = {"layer", "operator", "in integers", "in float"}};
  for (std::size_t k = 0; k < choice.layers.size(); ++k) {
    const LayerTimes& layer = choice.layers[k];
    if (choice.is_float[k])
      table.rows.push_back({layer.node, layer.op_type, fmt::format("{:.4f} ms", layer.integer_ms),
                            fmt::format("{:.4f} ms", layer.float_ms)});
  }
  return table;
}

std::string float_explanation(const FloatChoice& choice) {
  if (!choice.left_alone_because.empty())
    return fmt::format("integers missed the goal of latency; all layers stay in them: {}",
                       choice.left_alone_because);
  return fmt::format(
      "these take the least time in float on this machine: {:.3f} ms, all in integers {:.3f} ms\n"
      "the same again: --keep-float {}",
      choice.chosen_ms, choice.integer_ms, fmt::join(choice.keep_float, " --keep-float "));
}

nlohmann::ordered_json floats_to_json(const FloatChoice& choice) {
  using Json = nlohmann::ordered_json;
  Json layers = Json::array();
  for (std::size_t k = 0; k < choice.layers.size(); ++k)
    layers.push_back({{"node", choice.layers[k].node},
                      {"op_type", choice.layers[k].op_type},
                      {"integer_ms", choice.layers[k].integer_ms},
                      {"float_ms", choice.layers[k].float_ms},
                      {"is_faster_in_float", static_cast<bool>(choice.is_float[k])}});
  const bool is_measured = choice.chosen_ms > 0;
  return {{"integer_ms", is_measured ? Json(choice.integer_ms) : Json()},
          {"chosen_ms", is_measured ? Json(choice.chosen_ms) : Json()},
          {"left_alone_because", choice.left_alone_because},
          {"keep_float", choice.keep_float},
          {"layers", layers}};
}

}  // namespace edgeopt
