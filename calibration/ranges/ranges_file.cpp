// One object per value: its range, and its histogram from the first to the last occupied bin.
#include "calibration/ranges/ranges_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "ir/edit.h"
#include "support/error.h"
#include "support/file.h"

namespace edgeopt {
namespace {

using Json = nlohmann::ordered_json;
constexpr const char* format_name = "edgeopt-ranges-1";
constexpr std::int64_t all_bins = 2 * std::int64_t{RangeHistogram::side_bins};

Json to_json(const RangeHistogram& histogram) {
  Json json = {{"count", histogram.count()},
               {"zero_count", histogram.zero_count()},
               {"nonfinite_count", histogram.nonfinite_count()},
               {"min", histogram.min()},
               {"max", histogram.max()}};
  const std::vector<std::int64_t>& bins = histogram.bins();
  const auto is_occupied = [](std::int64_t n) { return n != 0; };
  const auto first = std::find_if(bins.begin(), bins.end(), is_occupied);
  if (first == bins.end()) return json;
  const auto end = std::find_if(bins.rbegin(), bins.rend(), is_occupied).base();
  json["bin_exponent"] = histogram.exponent();
  json["first_bin"] = first - bins.begin() - RangeHistogram::side_bins;
  json["bins"] = std::vector<std::int64_t>(first, end);
  return json;
}

RangeHistogram histogram_from(const Json& json) {
  RangeHistogram::Parts parts{.count = json.at("count"),
                              .zero_count = json.at("zero_count"),
                              .nonfinite_count = json.at("nonfinite_count"),
                              .min = json.at("min"),
                              .max = json.at("max")};
  if (json.contains("bins")) {
    const std::vector<std::int64_t> stored = json.at("bins");
    const std::int64_t first = json.at("first_bin").get<std::int64_t>() + RangeHistogram::side_bins;
    if (first < 0 || first > all_bins || static_cast<std::int64_t>(stored.size()) > all_bins - first)
      throw UserError(fmt::format("bins from {} on do not fit into {}", first, all_bins));
    parts.exponent = json.at("bin_exponent");
    parts.bins.assign(all_bins, 0);
    std::copy(stored.begin(), stored.end(), parts.bins.begin() + first);
  }
  return RangeHistogram::from_parts(std::move(parts));
}

Json to_json(const ObserverOptions& options) {
  return {{"method", name_of(options.method)},
          {"percentile", options.percentile},
          {"levels", options.levels},
          {"is_symmetric", options.is_symmetric}};
}

ObserverOptions observer_from(const Json& json) {
  return {.method = observer_named(json.at("method").get<std::string>()),
          .percentile = json.at("percentile"),
          .levels = json.at("levels"),
          .is_symmetric = json.at("is_symmetric")};
}

Range range_from(const Json& json) {
  const Range range{.min = json.at(0), .max = json.at(1)};
  if (!(range.min <= 0 && range.max >= 0) || !std::isfinite(range.max - range.min))
    throw UserError(fmt::format("the range [{}, {}] must include 0 and be finite", range.min, range.max));
  return range;
}

void read_value(const std::string& name, const Json& json, RangesFile& file) {
  while_doing(fmt::format("value '{}'", name), [&] {
    if (json.contains("range")) file.ranges.emplace(name, range_from(json.at("range")));
    if (json.contains("observed"))
      file.observations.values.push_back({name, histogram_from(json.at("observed"))});
  });
}

RangesFile file_from(const Json& json) {
  if (!json.is_object() || json.value("format", "") != format_name)
    throw UserError(fmt::format("this is no ranges file: \"format\" is not \"{}\"", format_name));
  RangesFile file{.edgeopt_version = json.at("edgeopt_version"),
                  .model_sha256 = json.at("model_sha256"),
                  .observer = observer_from(json.at("observer"))};
  for (const Json& entry : json.at("data")) {
    file.data.push_back({entry.at("description"), entry.at("sha256"), entry.at("sample_count")});
    file.observations.sample_count += file.data.back().sample_count;
  }
  for (const auto& [name, value] : json.at("values").items()) read_value(name, value, file);
  return file;
}

void choose_ranges(RangesFile& file) {
  file.ranges.clear();
  for (const ObservedValue& value : file.observations.values)
    if (const auto range = choose_range(value.histogram, file.observer))
      file.ranges.emplace(value.name, *range);
}

void merge_into(RangesFile& merged, const RangesFile& file) {
  if (merged.model_sha256 != file.model_sha256)
    throw UserError("the ranges files belong to different models; merge those of one model");
  for (const CalibrationData& data : file.data)
    if (std::find(merged.data.begin(), merged.data.end(), data) != merged.data.end())
      throw UserError(
          fmt::format("samples '{}' are in two of the ranges files; merge each once", data.description));
  std::vector<ObservedValue>& values = merged.observations.values;
  const auto has_same_name = [](const ObservedValue& a, const ObservedValue& b) { return a.name == b.name; };
  if (!std::equal(values.begin(), values.end(), file.observations.values.begin(),
                  file.observations.values.end(), has_same_name))
    throw UserError("the ranges files observed different values; calibrate with the same options");
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i].histogram.merge(file.observations.values[i].histogram);
  merged.observations.sample_count += file.observations.sample_count;
  merged.data.insert(merged.data.end(), file.data.begin(), file.data.end());
}

}  // namespace

RangesFile make_ranges_file(Observations observations, const ObserverOptions& observer) {
  RangesFile file{.observer = observer, .observations = std::move(observations)};
  choose_ranges(file);
  return file;
}

std::string to_json_text(const RangesFile& file) {
  Json json = {{"format", format_name},
               {"edgeopt_version", file.edgeopt_version},
               {"model_sha256", file.model_sha256},
               {"observer", to_json(file.observer)},
               {"data", Json::array()},
               {"values", Json::object()}};
  for (const CalibrationData& data : file.data)
    json["data"].push_back(
        {{"description", data.description}, {"sha256", data.sha256}, {"sample_count", data.sample_count}});
  std::map<std::string, Range> unobserved = file.ranges;
  for (const ObservedValue& value : file.observations.values) {
    Json& entry = json["values"][value.name] = Json::object();
    if (const auto range = file.ranges.find(value.name); range != file.ranges.end())
      entry["range"] = {range->second.min, range->second.max};
    entry["observed"] = to_json(value.histogram);
    unobserved.erase(value.name);
  }
  for (const auto& [name, range] : unobserved) json["values"][name]["range"] = {range.min, range.max};
  return json.dump() + "\n";
}

RangesFile ranges_from_json(const std::string& text) {
  try {
    return file_from(Json::parse(text));
  } catch (const nlohmann::json::exception& error) {
    throw UserError(fmt::format("the ranges file is damaged: {}", error.what()));
  }
}

void write_ranges(const std::filesystem::path& path, const RangesFile& file) {
  write_file(path, to_json_text(file));
}

RangesFile read_ranges(const std::filesystem::path& path) {
  return while_doing(fmt::format("ranges '{}'", path.string()), [&] {
    const MappedFile file(path);
    return ranges_from_json({reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()});
  });
}

RangesFile merge_ranges(const std::vector<RangesFile>& files) {
  if (files.empty()) throw UserError("no ranges files to merge are given");
  RangesFile merged = files[0];
  for (std::size_t i = 1; i < files.size(); ++i) merge_into(merged, files[i]);
  if (files.size() > 1) choose_ranges(merged);
  return merged;
}

Graph with_ranges(const Graph& graph, const RangesFile& file) {
  Edit edit(graph);
  for (const auto& [name, range] : file.ranges) {
    const auto value = graph.find_value(name);
    if (!value)
      throw UserError(
          fmt::format("the ranges file names value '{}', which the model lacks; calibrate this model", name));
    edit.set_range(*value, range);
  }
  return edit.apply();
}

}  // namespace edgeopt
