#include "tools/model_options.h"

#include <CLI/CLI.hpp>

namespace edgeopt {

void declare_model(CLI::App& app, std::string& path, const std::string& help) {
  app.add_option("model", path, help)->required()->type_name("MODEL");
}

void declare_output(CLI::App& app, std::string& path) {
  app.add_option("-o,--output", path, "Where to write the result")->required()->type_name("OUT");
}

}  // namespace edgeopt
