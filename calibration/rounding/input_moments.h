// How the inputs of a layer go together, and what the layers before did to them.
#pragma once
#include <Eigen/Core>
#include <cstdint>
#include <vector>

#include "calibration/rounding/input_products.h"

namespace edgeopt {

/// Of some columns of a group, over drawn rows.
struct InputMoments {
  std::vector<double> products;  // sum over rows of x x', [columns][columns]; around the means if centred
  Eigen::MatrixXd drift;         // S: for x, w + S w gives nearly what w gave for the teacher's input
  std::vector<double> means;     // of x; zeros if not centred
  std::vector<double> teacher_means;  // of the teacher's input, in the same unit; likewise
};

/// S solves, for all weights at once, with t the teacher's input at the same place,
///   min over S w of  sum over rows of ((w + S w)'x - w't)^2 + ridge |S w|^2.
///
/// teacher_unit  what one unit of the teacher's rows is in units of the student's
/// is_centred    around the means, of which the bias takes care (bias_correction.h)
/// source        Li et al., "GPTAQ: Efficient Finetuning-Free Quantization for Asymmetric Calibration", ICML
///               2025
InputMoments input_moments(const InputRows& student, const InputRows& teacher, double teacher_unit,
                           const ColumnRange& columns, bool is_centred);

}  // namespace edgeopt
