// --data and the preprocessing options, the same for every command that reads samples.
#pragma once
#include <optional>
#include <string>

#include "calibration/samples/samples.h"
#include "tools/command.h"

namespace edgeopt {

struct DataOptions {
  std::string data;
  Preprocessing preprocessing;
};

/// Declares --data (with this help text) and how raw samples become the model's input.
void declare_data_options(CLI::App& app, DataOptions& options, const std::string& help);

/// The samples of --data.
/// throws  UserError if --data was not given, saying so, or cannot be read
SampleSource open_data(const DataOptions& options, const Graph& graph, const RunContext& context);
/// The samples of another option (--test-data) with the same preprocessing.
SampleSource open_data(const std::string& data, const DataOptions& options, const Graph& graph,
                       const RunContext& context);

}  // namespace edgeopt
