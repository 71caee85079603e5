#include "tools/describe_sparsity.h"

#include <fmt/format.h>

#include "reports/compression_report.h"
#include "reports/sparsity_report.h"

namespace edgeopt {

std::string sparsity_text(const SparsityFacts& facts) {
  std::string text = "zeros (errors relative to the layer's output):\n" + to_text(zero_table(facts));
  if (!facts.left_alone.empty()) text += "\nleft dense:\n" + to_text(dense_table(facts));
  if (!facts.after_repair) return text + "\nneither repaired nor judged: no samples were given (--data)\n";
  text += fmt::format("\non {} samples that were not learned from, before any training:\n",
                      facts.after_repair->sample_count);
  if (!facts.caution.empty()) text += fmt::format("  caution: {}\n", facts.caution);
  return text + to_text(repair_table(*facts.before_repair, *facts.after_repair));
}

}  // namespace edgeopt
