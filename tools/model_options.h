// The arguments that most commands begin with: the model and where the result goes.
#pragma once
#include <string>

#include "tools/command.h"

namespace edgeopt {

/// The required positional argument MODEL.
void declare_model(CLI::App& app, std::string& path, const std::string& help = "ONNX model");
/// The required option -o.
void declare_output(CLI::App& app, std::string& path);

}  // namespace edgeopt
