// The order of things: every pipeline on one page, a reason per line. A pass exists by its file; it runs by
// its line here.
#include "passes/pipelines.h"

namespace edgeopt {

std::vector<Stage> simplify_stages() {
  return {
      {.name = "prepare",
       .steps =
           {
               {"remove_constants_from_inputs", "no pass can use a weight that a caller might override"},
               {"replace_constant_nodes", "all constants live in one place from here on"},
           }},
      // From here on every weight of an ordinary file is a constant of the graph.
      {.name = "simplify",
       .steps =
           {
               {"remove_unused_nodes", "everything below has less to look at"},
               {"remove_identity", "lets neighbours meet"},
               {"remove_dropout", "does nothing in inference"},
               {"fold_constants", "turns computed weights into constants that the fusions can read"},
               {"fold_shapes", "turns shape arithmetic into constants; before what asks for constant shapes"},
               {"replace_constant_if", "its condition may just have become constant"},
               {"fold_reshape_target", "needs inferred dims; frees the shape arithmetic behind it"},
               {"merge_casts", "before no-ops, which it creates"},
               {"merge_transposes", "before no-ops, which it creates"},
               {"merge_reshapes", "before no-ops, which it creates"},
               {"remove_noop_cast", "lets neighbours meet"},
               {"remove_noop_transpose", "lets neighbours meet"},
               {"remove_noop_reshape", "lets neighbours meet"},
               {"remove_noop_expand", "lets neighbours meet"},
               {"remove_noop_pad", "lets neighbours meet"},
               {"remove_noop_slice", "lets neighbours meet"},
               {"remove_noop_arithmetic", "lets neighbours meet"},
               {"remove_single_operand", "lets neighbours meet"},
               {"remove_unit_pool", "lets neighbours meet"},
               {"merge_equal_constants", "before nodes, which are equal only if their constants are one"},
               {"merge_equal_nodes", "last, when what differs for no reason is gone"},
           },
       .repeats = true},
  };
}

std::vector<Stage> fuse_stages() {
  std::vector<Stage> stages = simplify_stages();
  stages.push_back({.name = "fuse",
                    .steps =
                        {
                            {"fold_batch_norm", "first, while nothing stands between it and its layer"},
                        },
                    .repeats = true});
  return stages;
}

const std::vector<Pipeline>& all_pipelines() {
  static const std::vector<Pipeline> pipelines = {
      {.name = "simplify",
       .summary = "Remove what does nothing and compute what is constant; the results stay the same.",
       .stages = simplify_stages()},
      {.name = "fuse",
       .summary =
           "Simplify, then merge neighbours into one operator; the results stay within float rounding.",
       .stages = fuse_stages()},
  };
  return pipelines;
}

}  // namespace edgeopt
