#include "calibration/layers/normal_equations.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include "ir/edit.h"
#include "runtime/engine.h"
#include "support/parallel.h"

namespace edgeopt {
namespace {

using Eigen::MatrixXd;

// Samples whose rows are multiplied at once, and such shards in flight; fixed, so that sums have one order.
constexpr std::int64_t shard_size = 4;
constexpr std::int64_t shards_in_flight = 4;

// R'S by the engine, which knows the machine's vector instructions.
Graph product_graph(std::int64_t rows_width, std::int64_t right_width) {
  Edit edit{Graph()};
  edit.set_opset("", 13);
  const ValueId left =
      edit.add_input("left", {.dtype = DataType::float32, .shape = Shape{Dim("rows"), rows_width}});
  const ValueId right =
      edit.add_input("right", {.dtype = DataType::float32, .shape = Shape{Dim("rows"), right_width}});
  edit.add_output(edit.add_node("Gemm", {left, right}, {{"transA", 1}}));
  return edit.apply();
}

/// The rows of a shard in one group: [x 1] and [x 1 e].
struct Rows {
  std::vector<float> left, right;
  std::int64_t count = 0;
  double square_sum = 0;
};

class Accumulation {
 public:
  Accumulation(const Graph& graph, const WeightedLayer& layer, const RowOptions& options,
               const std::function<RowSource(std::int64_t, int)>& read)
      : graph_(graph), layer_(layer), options_(options), read_(read), width_(layer.features + 1) {}

  std::vector<Folds> run();

 private:
  using Shard = std::vector<Rows>;  // by group
  Shard read_shard(std::int64_t begin, int worker);
  void add_rows(Shard& shard, const RowReader& reader, const RowSource& source, std::int64_t sample) const;
  std::vector<float> product(const Rows& rows, Session& session) const;
  void add(NormalMatrices& total, const std::vector<float>& product) const;

  const Graph& graph_;
  const WeightedLayer& layer_;
  const RowOptions& options_;
  const std::function<RowSource(std::int64_t, int)>& read_;
  std::int64_t width_;
};

void Accumulation::add_rows(Shard& shard, const RowReader& reader, const RowSource& source,
                            std::int64_t sample) const {
  const auto features = static_cast<std::size_t>(layer_.features);
  const auto outputs = static_cast<std::size_t>(layer_.outputs);
  const bool has_target = source.target.dtype() != DataType::undefined;
  for (const std::int64_t position :
       spread_positions(reader.position_count(), options_.positions_per_sample, sample))
    for (std::int64_t g = 0; g < layer_.groups; ++g) {
      Rows& rows = shard[static_cast<std::size_t>(g)];
      const std::size_t begin = rows.left.size();
      rows.left.resize(begin + features + 1, 1.0F);
      const std::span<float> row = std::span(rows.left).subspan(begin);
      reader.read_features(source.input, position, g, row.first(features));
      rows.right.insert(rows.right.end(), row.begin(), row.end());
      ++rows.count;
      if (!has_target) continue;
      rows.right.resize(rows.right.size() + outputs);
      const std::span<float> errors = std::span(rows.right).last(outputs);
      reader.read_outputs(source.target, position, g, errors);
      for (const float error : errors)
        rows.square_sum += static_cast<double>(error) * static_cast<double>(error);
    }
}

Accumulation::Shard Accumulation::read_shard(std::int64_t begin, int worker) {
  Shard shard(static_cast<std::size_t>(layer_.groups));
  std::optional<RowReader> reader;
  for (std::int64_t i = begin; i < std::min(begin + shard_size, options_.sample_count); ++i) {
    const RowSource source = read_(i, worker);
    if (!reader) reader.emplace(graph_, layer_, source.input.dims());
    add_rows(shard, *reader, source, i);
  }
  return shard;
}

std::vector<float> Accumulation::product(const Rows& rows, Session& session) const {
  const std::int64_t right = std::ssize(rows.right) / rows.count;
  if (layer_.groups == 1) {
    const Tensor result = session.run({Tensor::of<float>({rows.count, width_}, rows.left),
                                       Tensor::of<float>({rows.count, right}, rows.right)})[0];
    return {result.data<float>().begin(), result.data<float>().end()};
  }
  // Groups are small (depthwise: 9 features), and too many to be worth a call each.
  std::vector<float> result(static_cast<std::size_t>(width_ * right), 0.0F);
  for (std::int64_t r = 0; r < rows.count; ++r)
    for (std::int64_t i = 0; i < width_; ++i)
      for (std::int64_t j = 0; j < right; ++j)
        result[static_cast<std::size_t>(i * right + j)] +=
            rows.left[static_cast<std::size_t>(r * width_ + i)] *
            rows.right[static_cast<std::size_t>(r * right + j)];
  return result;
}

void Accumulation::add(NormalMatrices& total, const std::vector<float>& product) const {
  using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const std::int64_t right = std::ssize(product) / width_;
  const Eigen::Map<const RowMajor> both(product.data(), width_, right);
  if (total.gram.size() == 0) {
    total.gram = Eigen::MatrixXd::Zero(width_, width_);
    total.cross = Eigen::MatrixXd::Zero(width_, right - width_);
  }
  total.gram += both.leftCols(width_).cast<double>();
  total.cross += both.rightCols(right - width_).cast<double>();
}

std::vector<Folds> Accumulation::run() {
  std::vector<Folds> totals(static_cast<std::size_t>(layer_.groups));
  const std::int64_t wave = shard_size * shards_in_flight;
  SessionPool without(product_graph(width_, width_)), with(product_graph(width_, width_ + layer_.outputs));
  for (std::int64_t begin = 0; begin < options_.sample_count; begin += wave) {
    std::vector<Shard> shards(shards_in_flight);
    std::vector<std::vector<std::vector<float>>> products(shards_in_flight);
    parallel_for(shards_in_flight, [&](std::int64_t s, int worker) {
      if (begin + s * shard_size >= options_.sample_count) return;
      Shard& shard = shards[static_cast<std::size_t>(s)];
      shard = read_shard(begin + s * shard_size, worker);
      for (const Rows& rows : shard) {
        const bool has_target = std::ssize(rows.right) > rows.count * width_;
        SessionPool& pool = has_target ? with : without;
        products[static_cast<std::size_t>(s)].push_back(product(rows, pool.session(worker)));
      }
    });
    for (std::size_t s = 0; s < shards.size(); ++s)
      for (std::size_t g = 0; g < products[s].size(); ++g) {
        NormalMatrices& total = totals[g][s % 2];
        add(total, products[s][g]);
        total.square_sum += shards[s][g].square_sum;
        total.row_count += shards[s][g].count;
      }
  }
  return totals;
}

// A thousandth to ten times the mean energy of an input; a layer with hardly more rows than features wants
// much.
constexpr std::array<double, 6> ridges = {1e-4, 1e-3, 1e-2, 1e-1, 1, 10};

MatrixXd update(const NormalMatrices& matrices, double ridge, bool with_constant) {
  const Eigen::Index size = matrices.gram.rows() - (with_constant ? 0 : 1);
  const MatrixXd gram = with_ridge(matrices.gram, ridge).topLeftCorner(size, size);
  MatrixXd delta = MatrixXd::Zero(matrices.cross.rows(), matrices.cross.cols());
  delta.topRows(size) = gram.ldlt().solve(MatrixXd(matrices.cross.topRows(size)));
  return delta;
}

}  // namespace

std::vector<Folds> accumulate(const Graph& graph, const WeightedLayer& layer, const RowOptions& options,
                              const std::function<RowSource(std::int64_t sample, int worker)>& read) {
  return Accumulation(graph, layer, options, read).run();
}

NormalMatrices& NormalMatrices::operator+=(const NormalMatrices& other) {
  if (other.gram.size() == 0) return *this;
  if (gram.size() == 0) return *this = other;
  row_count += other.row_count;
  gram += other.gram;
  cross += other.cross;
  square_sum += other.square_sum;
  return *this;
}

double NormalMatrices::error_of(const MatrixXd& delta) const {
  const MatrixXd explained = gram * delta;
  return square_sum - 2 * delta.cwiseProduct(cross).sum() + delta.cwiseProduct(explained).sum();
}

MatrixXd best_update(const Folds& folds, bool with_constant) {
  NormalMatrices all = folds[0];
  all += folds[1];
  double best_ridge = ridges.back();
  double least = all.square_sum;
  const bool can_try = folds[0].gram.size() != 0 && folds[1].gram.size() != 0;
  for (const double ridge : can_try ? std::span<const double>(ridges) : std::span<const double>()) {
    const double error = folds[1].error_of(update(folds[0], ridge, with_constant)) +
                         folds[0].error_of(update(folds[1], ridge, with_constant));
    if (!(error < least)) continue;
    least = error;
    best_ridge = ridge;
  }
  return update(all, best_ridge, with_constant);
}

Eigen::MatrixXd with_ridge(const Eigen::MatrixXd& gram, double ridge) {
  Eigen::MatrixXd result = gram;
  const Eigen::Index features = gram.rows() - 1;
  const double mean = features == 0 ? 0 : gram.diagonal().head(features).mean();
  // An input that is zero everywhere still needs an invertible matrix.
  const double added = ridge * mean + 1e-12 * (1 + gram(features, features));
  result.diagonal().head(features).array() += added;
  result(features, features) += added * 1e-3;
  return result;
}

}  // namespace edgeopt
