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
               {"inline_functions", "no pass looks into a function"},
               {"replace_constant_nodes",
                "after functions, which bring their own; all constants live in one place from here on"},
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
               {"merge_slices", "before no-ops, one node less"},
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

std::vector<Stage> prepare_quantization_stages() {
  std::vector<Stage> stages = {
      {.name = "raise",
       .steps = {
           {"remove_constants_from_inputs",
            "before the new constants of the next step hide that an exporter listed all"},
           {"raise_opset", "before anything can rely on what opset 13 says"},
       }}};
  const std::vector<Stage> fuse = fuse_stages();
  stages.insert(stages.end(), fuse.begin(), fuse.end());
  stages.push_back({.name = "prepare quantization",
                    .steps =
                        {
                            {"fold_gemm_factors", "a Gemm with factors has no integer form"},
                            {"replace_sub_by_add", "Sub has no integer form, Add has"},
                            {"replace_div_by_mul", "Div has no integer form, Mul has"},
                            {"replace_average_pool", "before activations move, which a Conv keeps behind it"},
                            {"move_activation_to_layers", "last, when it is settled which layers there are"},
                            {"remove_unused_nodes", "leaves no constants that only the old nodes read"},
                        },
                    .repeats = true});
  return stages;
}

std::vector<Stage> widen_stages() {
  return {{.name = "widen",
           .steps = {
               {"remove_constants_from_inputs",
                "before the new constants of the next step hide that an exporter listed all"},
               {"raise_opset_to_21", "before anything else, so that all passes see one opset"},
           }}};
}

std::vector<Stage> equalize_stages() {
  return {{.name = "equalize",
           .steps = {{"equalize_channels", "before ranges are observed, because it changes them"}}}};
}

std::vector<Stage> quantize_stages() {
  return {{.name = "quantize",
           .steps = {
               {"insert_quantization", "needs the observed ranges, which no other pass may outdate"},
               {"merge_equal_constants", "shared scales and zero points are written once"},
           }}};
}

std::vector<Stage> block_stages() {
  return {{.name = "blocks",
           .steps = {
               {"quantize_weight_blocks", "the weights are final; nothing else changes"},
           }}};
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
      {.name = "prepare_quantization",
       .summary = "Raise the opset, fuse, and turn what has no integer form into what has.",
       .stages = prepare_quantization_stages()},
      {.name = "widen",
       .summary = "Raise the opset to 21, for integers of 4 and 16 bits; before prepare_quantization.",
       .stages = widen_stages()},
      {.name = "equalize",
       .summary = "Even out the ranges of channels between layers; for weights with one scale or few bits.",
       .stages = equalize_stages()},
      {.name = "quantize",
       .summary = "Write what the device runs in integers with Q/DQ pairs; needs observed ranges.",
       .stages = quantize_stages()},
      {.name = "quantize_blocks",
       .summary = "Store marked weights in blocks of few bits; activations stay in float.",
       .stages = block_stages()},
  };
  return pipelines;
}

}  // namespace edgeopt
