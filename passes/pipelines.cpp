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
  stages.push_back({
      .name = "fuse",
      .steps =
          {
              {"fold_pad_into_conv", "first, so that what folds across a Conv's input sees all its padding"},
              {"fold_pad_into_pool", "beside its twin"},
              {"fold_batch_norm", "while nothing stands between it and its layer"},
              {"fold_mul_into_layer", "what is left of normalizations written out by hand"},
              {"fold_add_into_layer", "likewise; after Mul, whose bias it joins"},
              {"fuse_matmul_add",
               "makes layers with a bias, which the two above take further in the next round"},
              {"fold_transpose_into_gemm", "Gemms are final now"},
              {"fold_batch_norm_into_next", "only for norms that no layer before them took"},
              {"fold_scale_into_next", "likewise for factors and summands"},
              {"replace_min_max", "shows Clips to the patterns below"},
              {"fuse_hard_sigmoid", "before Clips merge into what it would not recognise"},
              {"fuse_hard_swish", "needs the HardSigmoid"},
              {"merge_clips", "after the patterns that hold a Clip"},
              {"fuse_gelu", "before anything takes its factors apart"},
              {"fuse_layer_norm", "needs the means as ReduceMean"},
              {"replace_spatial_mean", "after LayerNormalization, whose means it must not take"},
          },
      .repeats = true,
  });
  // From here on the operators are final; the new constants and nodes are tidied up.
  stages.push_back({
      .name = "tidy",
      .steps =
          {
              {"fold_constants", "fusions compute on constants"},
              {"remove_noop_reshape", "a pool may have made a reshape superfluous"},
              {"merge_equal_constants", "fusions write the same bounds and biases several times"},
              {"merge_equal_nodes", "equal constants make equal nodes"},
              {"remove_unused_nodes", "nothing may stay that no output needs"},
          },
      .repeats = true,
  });
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
