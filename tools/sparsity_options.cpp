#include "tools/sparsity_options.h"

#include <CLI/CLI.hpp>

#include "support/error.h"
#include "tools/option_checks.h"

namespace edgeopt {

void declare_sparsity_options(CLI::App& app, SparsityFlags& flags) {
  std::vector<std::string> criteria;
  for (const std::string_view name : sparsity_criterion_names()) criteria.emplace_back(name);
  app.add_option("--sparsity", flags.pattern,
                 "Zeros among the weights: a share (0.5), N:M (2:4) or blocks of outputs x inputs (4x1=0.5)")
      ->type_name("PATTERN");
  app.add_option("--criterion", flags.criterion,
                 "Which weights go (default: second-order, with repair; magnitude needs no samples)")
      ->check(one_of(criteria));
  app.add_option("--include", flags.included,
                 "Make this node sparse although it would stay dense; may be repeated")
      ->type_name("NODE")
      ->allow_extra_args(false);
  app.add_flag("--uniform", flags.is_uniform,
               "The same share of zeros in every layer (default: shares with the least damage in sum)");
  app.add_flag("--sparse-storage", flags.has_sparse_storage,
               "Write weights as positions and values where that takes fewer bytes");
  require_with(app, {"--criterion", "--include", "--uniform"}, "--sparsity");
}

SparsityOptions sparsity_options(const SparsityFlags& flags, bool has_samples, const RunContext& context) {
  SparsityOptions options{.weights = {.pattern = sparsity_pattern(flags.pattern),
                                      .included = flags.included,
                                      .progress = context.progress},
                          .balances = !flags.is_uniform,
                          .seed = context.seed};
  if (!flags.criterion.empty()) options.weights.criterion = *sparsity_criterion_named(flags.criterion);
  if (!has_samples && options.weights.criterion != SparsityCriterion::magnitude)
    throw UserError("--sparsity needs samples (--data), or --criterion magnitude, which chooses without");
  return options;
}

}  // namespace edgeopt
