#include "tests/calibration/samples/complaint.h"

#include "calibration/samples/samples.h"
#include "support/error.h"

namespace edgeopt {

std::string complaint(const std::string& data, const Graph& graph, const Preprocessing& options) {
  try {
    const SampleSource source = open_samples(data, graph, options, 1);
    for (std::int64_t i = 0; i < source.count; ++i) source.read(i);
  } catch (const UserError& error) {
    return error.what();
  }
  return "";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace edgeopt
