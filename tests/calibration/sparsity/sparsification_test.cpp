// Sparse weights: what feedback gains, which zeros stay, what is left alone.
#include "calibration/sparsity/sparsification.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "calibration/sparsity/feedback_sparsity.h"
#include "support/error.h"
#include "support/parallel.h"
#include "support/random.h"
#include "tests/calibration/training/teaching.h"
#include "tests/support/onnx_text.h"

namespace edgeopt {
namespace {

using Eigen::MatrixXd;

MatrixXd random_matrix(Eigen::Index rows, Eigen::Index columns, const std::string& stream) {
  RandomStream random(1, stream);
  MatrixXd result(rows, columns);
  for (Eigen::Index i = 0; i < rows; ++i)
    for (Eigen::Index j = 0; j < columns; ++j) result(i, j) = random.normal();
  return result;
}

// Inputs that have much in common.
MatrixXd correlated_products(Eigen::Index features) {
  const MatrixXd x = random_matrix(400, 3, "common") * random_matrix(3, features, "mixing") +
                     0.3 * random_matrix(400, features, "own");
  return x.transpose() * x;
}

double error_of(const MatrixXd& products, const MatrixXd& difference) {
  return difference.cwiseProduct(products * difference).sum();
}

SparseWeights sparsified(const MatrixXd& weights, const MatrixXd& products, const std::string& pattern) {
  return sparsify_with_feedback(weights, products, sparsity_pattern(pattern), {.mask = zeros_of(weights)});
}

const SampleSource& samples() {
  static const SampleSource source = patterned_samples({1, 2, 6, 6}, 64);
  return source;
}

Tensor weight_of(const Graph& graph, const std::string& name) {
  return graph.constant(graph.find_value(name).value()).value();
}

std::int64_t zero_count(const Graph& graph, const std::string& name) {
  return std::ranges::count(weight_of(graph, name).data<float>(), 0.0f);
}

SparseModel sparse(const std::string& pattern, SparsityCriterion criterion) {
  return with_sparse_weights(small_teacher(), &samples(),
                             {.pattern = sparsity_pattern(pattern), .criterion = criterion});
}

Graph sparse_at(int threads) {
  const int before = thread_count();
  set_thread_count(threads);
  Graph graph = sparse("0.5", SparsityCriterion::second_order).graph;
  set_thread_count(before);
  return graph;
}

}  // namespace

TEST_CASE("feedback sparsity: inputs that have nothing to do with each other lose what brings least") {
  MatrixXd weights(4, 1);
  weights << 1, -3, 2, 0.5;
  const Eigen::Vector4d energies(100, 1, 4, 100);
  const SparseWeights result = sparsified(weights, energies.asDiagonal(), "0.5");
  // w^2 x^2: 100, 9, 16, 25
  CHECK((result.mask(1, 0) && result.mask(2, 0)));
  CHECK(result.weights(0, 0) == doctest::Approx(1));
  CHECK(result.weights(1, 0) == 0);
  CHECK(result.weights(3, 0) == doctest::Approx(0.5));
}

TEST_CASE("feedback sparsity: of two equal inputs one takes the other's weight over") {
  MatrixXd weights(2, 1);
  weights << 1, 2;
  const SparseWeights result = sparsified(weights, MatrixXd::Constant(2, 2, 1000.0), "0.5");
  CHECK(result.mask.count() == 1);
  // The damping of 1 % pulls back a little.
  CHECK(result.weights.sum() == doctest::Approx(3).epsilon(0.02));
}

TEST_CASE(
    "feedback sparsity: comes closer than |w||x| without repair on correlated inputs, in every pattern") {
  const MatrixXd products = correlated_products(32);
  const MatrixXd weights = random_matrix(32, 8, "weights");
  const MatrixXd scores = weights.cwiseAbs().array().colwise() * products.diagonal().array().sqrt();
  std::vector<std::int64_t> features;
  for (std::int64_t f = 0; f < 32; ++f) features.push_back(f);
  for (const char* text : {"0.5", "2:4", "4x1=0.5"}) {
    CAPTURE(text);
    const SparsityPattern pattern = sparsity_pattern(text);
    const SparseWeights repaired = sparsified(weights, products, text);
    WeightMask wanda = WeightMask::Constant(32, 8, false);
    mark_least(scores, pattern, {.features = features, .output_count = 8}, unit_count(pattern, 32, 8) / 2,
               wanda);
    CHECK(repaired.mask.count() == wanda.count());
    const MatrixXd lost = wanda.select(weights, MatrixXd::Zero(32, 8));
    CHECK(error_of(products, repaired.weights - weights) < 0.2 * error_of(products, lost));
    CHECK((repaired.mask == zeros_of(repaired.weights)).all());
  }
}

TEST_CASE("feedback sparsity: the weights that are left cannot do better") {
  const MatrixXd products = correlated_products(12);
  const MatrixXd weights = random_matrix(12, 3, "weights");
  const SparseWeights result = sparsified(weights, products, "0.5");
  MatrixXd hessian = products;
  hessian.diagonal().array() += 0.01 * products.diagonal().mean();
  // The gradient by every weight that is left is zero.
  const MatrixXd gradient = hessian * (result.weights - weights);
  const double largest = result.mask.select(MatrixXd::Zero(12, 3), gradient).cwiseAbs().maxCoeff();
  CHECK(largest < 1e-9 * gradient.cwiseAbs().maxCoeff());
}

TEST_CASE("feedback sparsity: zeros that are there stay and count") {
  MatrixXd weights = random_matrix(16, 2, "weights");
  weights.topRows(8).setZero();
  const SparseWeights result = sparsified(weights, correlated_products(16), "0.5");
  CHECK(result.mask.topRows(8).all());
  CHECK(result.mask.count() == 16);
  CHECK((result.weights - weights).norm() < 1e-12);
}

TEST_CASE("feedback sparsity: without inputs the largest weights stay as they are") {
  MatrixXd weights(4, 1);
  weights << 1, -3, 2, 0.5;
  const SparseWeights result = sparsified(weights, MatrixXd::Zero(4, 4), "0.5");
  CHECK((result.mask(0, 0) && result.mask(3, 0)));
  CHECK(result.weights(1, 0) == doctest::Approx(-3));
}

TEST_CASE("sparse weights: half of each layer is zero, and the first layer stays dense") {
  const Graph teacher = small_teacher();
  const SparseModel model = sparse("0.5", SparsityCriterion::second_order);
  REQUIRE(model.layers.size() == 2);
  for (const SparseLayer& layer : model.layers) CHECK(layer.zero_count * 2 == layer.element_count);
  REQUIRE(model.left_alone.size() == 1);
  CHECK(model.left_alone[0].reason == "it reads the model's input");
  CHECK(zero_count(model.graph, "v") == 0);
  CHECK(weight_of(model.graph, "v") == weight_of(teacher, "v"));
  CHECK(zero_count(model.graph, "w") == model.layers[0].zero_count);
}

TEST_CASE("sparse weights: repair brings the model closer, and more than Wanda and magnitude do") {
  const Graph teacher = small_teacher();
  const SparseModel repaired = sparse("0.5", SparsityCriterion::second_order);
  const double distance = relative_distance(teacher, repaired.graph, samples());
  CHECK(distance < 0.5 * relative_distance(teacher, repaired.unrepaired, samples()));
  for (const SparsityCriterion criterion : {SparsityCriterion::wanda, SparsityCriterion::magnitude}) {
    const SparseModel plain = sparse("0.5", criterion);
    CHECK(plain.graph == plain.unrepaired);
    CHECK(distance < 0.5 * relative_distance(teacher, plain.graph, samples()));
  }
  for (const SparseLayer& layer : repaired.layers) CHECK(*layer.error_after < *layer.error_before);
}

TEST_CASE("sparse weights: give the same bytes at any thread count") { CHECK(sparse_at(1) == sparse_at(2)); }

TEST_CASE("sparse weights: left alone when excluded, shared, depthwise or of another size") {
  const Graph graph = graph_from_text(R"(
g (float[1,4,6,6] x) => (float[1,6,6,6] y)
<float[4,4,1,1] a = {1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16}, float[4,1,1,1] d = {1,2,3,4},
 float[4,4,1,1] s = {1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16},
 float[6,4,1,1] l = {1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,1,2,3,4,5,6,7,8}>
{ p = Conv(x, a) q = Conv<group = 4>(p, d) r = Conv(q, s) t = Conv(r, s) y = Conv(t, l) })");
  const auto reasons = [&](const SparsifyOptions& options) {
    std::map<std::string, std::string> by_node;
    for (const DenseLayer& layer : sparse_candidates(graph, options).left_alone)
      by_node[layer.node] = layer.reason;
    return by_node;
  };
  const auto found = reasons({.pattern = sparsity_pattern("4x1=0.5")});
  CHECK(found.at("p") == "it reads the model's input");
  CHECK(found.at("q") == "a depthwise convolution: few weights, each of which matters");
  CHECK(found.at("r") == "others read its weights, too");
  CHECK(found.at("y") == "its 6 outputs are no multiple of 4");
  CHECK(reasons({.pattern = sparsity_pattern("0.5")}).count("y") == 0);
  CHECK(reasons({.pattern = sparsity_pattern("0.5"), .excluded = {"y"}}).at("y") == "excluded");
  CHECK(reasons({.pattern = sparsity_pattern("0.5"), .included = {"p"}}).count("p") == 0);
  CHECK_THROWS_WITH_AS(reasons({.excluded = {"nobody"}}), doctest::Contains("there is no node 'nobody'"),
                       UserError);
}

TEST_CASE("sparse weights: magnitude needs no samples, the others do") {
  const Graph teacher = small_teacher();
  const SparseModel model =
      with_sparse_weights(teacher, nullptr, {.criterion = SparsityCriterion::magnitude});
  CHECK_FALSE(model.layers[0].error_after.has_value());
  CHECK(zero_count(model.graph, "w") == model.layers[0].zero_count);
  CHECK_THROWS_AS(with_sparse_weights(teacher, nullptr, {}), UserError);
}

TEST_CASE("layers without weights, and those that groups do not divide, are no candidates") {
  for (const char* layer : {"<float[2,1,0,3] w = {}> { r = Unknown(x) y = Conv(r, w) }",
                            "<float[0,1,1,1] w = {}> { r = Unknown(x) y = Conv(r, w) }",
                            "<float[0,4] w = {}> { r = Unknown(x) y = MatMul(r, w) }",
                            "<float[3,1,1,1] w = {1,2,3}> { r = Unknown(x) y = Conv<group = 2>(r, w) }"}) {
    CAPTURE(layer);
    const Graph model = graph_from_text(std::string("g (float x) => (float y) ") + layer);
    CHECK(sparse_candidates(model, {.pattern = sparsity_pattern("0.5"), .included = {"y"}}).layers.empty());
  }
}

}  // namespace edgeopt
