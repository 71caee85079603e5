// A pass: a named graph -> graph step that decides on a const Graph and answers with a complete Edit or a
// reason.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "hwprofiles/profile.h"
#include "ir/edit.h"
#include "ir/graph.h"

namespace edgeopt {

/// How far the numbers may move.
enum class Fidelity {
  exact,     // the same bits
  rounding,  // the same mathematics in another order: within float rounding
  lossy,     // other numbers on purpose: quantization, pruning
};
std::string_view name_of(Fidelity fidelity);

/// The reason why a rewrite does not apply; shown by `--explain` and tested by `declines:` in golden tests.
struct Declined {
  std::string reason;
};
using Plan = std::variant<Declined, Edit>;
inline Plan decline(std::string reason) { return Declined{std::move(reason)}; }

/// For roots that are nowhere near the pattern (an Add that adds no bias): declines without a word in the
/// report.
inline Plan no_match() { return Declined{}; }

/// Reasons for declining and how often each was met, in order of first appearance.
using DeclineCounts = std::vector<std::pair<std::string, int>>;
/// Counts one more; an empty reason (no_match) does not count.
void count_decline(DeclineCounts& counts, const std::string& reason, int times = 1);

/// What a pass may know beside the graph.
struct PassContext {
  HardwareProfile profile;
  std::vector<std::string> keep_float =
      {};  // nodes that quantization leaves in float, by name or name of output
};

/// How often a pass acted, and why it did not elsewhere.
struct PassOutcome {
  Graph graph;
  int rewrite_count = 0;
  DeclineCounts declined = {};
};

struct Pass {
  std::string name;     // the file's name
  std::string summary;  // one sentence for `edgeopt passes`
  Fidelity fidelity = Fidelity::exact;
  std::function<PassOutcome(const Graph& graph, const PassContext& context)> run;
};

/// All passes; generated from the files in passes/*/.
const std::vector<Pass>& all_passes();
/// throws  UserError listing the passes if there is none of this name
const Pass& find_pass(std::string_view name);

}  // namespace edgeopt
