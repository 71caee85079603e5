// alpha A B + beta C == A (alpha B) + (beta C), with a bias of one number written as a row.
#include "passes/framework/match.h"
#include "passes/framework/rewrite.h"
#include "passes/framework/tensor_algebra.h"

namespace edgeopt {
namespace {

std::int64_t column_count(const Node& gemm, const Tensor& weight) {
  return weight.dims()[gemm.attributes.get_int("transB", 0) ? 0 : 1];
}

bool is_factor_of_one(const Node& gemm, const char* name) { return gemm.attributes.get_float(name, 1) == 1; }

// beta C, one number per column; rows of their own stay as they are.
Tensor scaled_bias(const Tensor& bias, double beta, std::int64_t columns) {
  const Tensor scaled = in_double(bias) * filled(1, beta).reshaped({});
  return bias.element_count() == 1 ? scaled.reshaped({1}) + filled(columns, 0) : scaled;
}

Plan fold_gemm_factors(const Graph& graph, const Node& gemm) {
  const bool has_bias = gemm.has_input(2);
  const auto bias = has_bias ? graph.constant(gemm.inputs[2]) : std::nullopt;
  const auto weight = graph.constant(gemm.input(1));
  const bool is_alpha_one = is_factor_of_one(gemm, "alpha");
  const bool is_beta_one = is_factor_of_one(gemm, "beta") || !has_bias;
  const bool is_wide = weight && weight->rank() == 2 && column_count(gemm, *weight) > 1;
  const bool is_scalar = bias && bias->element_count() == 1 && is_wide;
  if (is_alpha_one && is_beta_one && !is_scalar) return no_match();
  if (!weight) return decline("the weight is computed, not constant");
  if (has_bias && !bias) return decline("the bias is computed, not constant");
  if (!has_algebra(*weight) || weight->rank() != 2 || (bias && !has_algebra(*bias)))
    return decline("the weight or the bias is neither float nor double");

  Edit edit(graph);
  if (!is_alpha_one) {
    const Tensor alpha = filled(1, gemm.attributes.get_float("alpha", 1));
    edit.set_input(gemm.id, 1,
                   edit.add_constant(rounded_to(weight->dtype(), in_double(*weight) * alpha),
                                     graph.name_of(gemm.inputs[1])));
  }
  if (bias && (!is_beta_one || is_scalar)) {
    const double beta = gemm.attributes.get_float("beta", 1);
    const Tensor scaled = scaled_bias(*bias, beta, column_count(gemm, *weight));
    edit.set_input(gemm.id, 2,
                   edit.add_constant(rounded_to(bias->dtype(), scaled), graph.name_of(gemm.inputs[2])));
  }
  Attributes left = gemm.attributes;
  left.remove("alpha");
  left.remove("beta");
  edit.set_attributes(gemm.id, std::move(left));
  return edit;
}

}  // namespace

Pass fold_gemm_factors_pass() {
  return rewrite_pass("fold_gemm_factors",
                      {.roots = {"Gemm"},
                       .summary = "Put the alpha and beta of a Gemm into its weight and bias.",
                       .fidelity = Fidelity::rounding,
                       .plan = fold_gemm_factors});
}

}  // namespace edgeopt
