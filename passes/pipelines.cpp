// The order of things: every pipeline on one page, a reason per line. A pass exists by its file; it runs by
// its line here.
#include "passes/pipelines.h"

namespace edgeopt {

std::vector<Stage> simplify_stages() {
  return {{.name = "simplify",
           .steps =
               {
                   {"remove_unused_nodes", "everything below has less to look at"},
                   {"remove_identity", "lets neighbours meet"},
                   {"remove_dropout", "does nothing in inference"},
                   {"fold_constants", "turns computed weights into constants that the fusions can read"},
               },
           .repeats = true}};
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
