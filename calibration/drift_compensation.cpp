#include "calibration/drift_compensation.h"

#include <Eigen/Cholesky>
#include <cstdlib>

namespace edgeopt {
namespace {

using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// sum over rows of (x - mean x)(y - mean y)'
RowMajor covariance(const std::vector<double>& products, const std::vector<double>& x_means,
                    const std::vector<double>& y_means, std::int64_t row_count) {
  const std::int64_t count = std::ssize(x_means);
  const Eigen::Map<const Eigen::VectorXd> x(x_means.data(), count), y(y_means.data(), count);
  return Eigen::Map<const RowMajor>(products.data(), count, count) -
         static_cast<double>(row_count) * x * y.transpose();
}

}  // namespace

InputMoments input_moments(const InputRows& student, const InputRows& teacher, double teacher_unit,
                           std::int64_t group, std::int64_t first, std::int64_t count) {
  const std::int64_t rows = student.taken_row_count();
  const std::vector<double> means = student.means(group, first, count);
  const RowMajor own = covariance(student.products(group, first, count), means, means, rows);
  std::vector<double> teacher_means = teacher.means(group, first, count);
  const RowMajor both =
      covariance(student.products(teacher, group, first, count), means, teacher_means, rows) * teacher_unit;
  for (double& mean : teacher_means) mean *= teacher_unit;
  InputMoments moments{.products = std::vector<double>(own.data(), own.data() + own.size()),
                       .means = means,
                       .teacher_means = teacher_means};
  static const double ridge = std::getenv("EO_RIDGE") ? std::atof(std::getenv("EO_RIDGE")) : 0.01;
  if (ridge < 0) {
    moments.drift = Eigen::MatrixXd::Zero(count, count);
    return moments;
  }
  RowMajor damped = own;
  const double mean = own.diagonal().mean();
  damped.diagonal().array() += mean > 0 ? ridge * mean : 1;
  moments.drift = damped.ldlt().solve(Eigen::MatrixXd(both - own));
  return moments;
}

}  // namespace edgeopt
