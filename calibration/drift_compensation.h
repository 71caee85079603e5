// What the layers before did to a layer's inputs, made up for by its weights before they are rounded.
#pragma once
#include <Eigen/Core>
#include <cstdint>
#include <vector>

#include "calibration/input_products.h"

namespace edgeopt {

/// How a layer's inputs go together, around their means: the bias takes care of those (bias_correction.h).
struct InputMoments {
  std::vector<double> products;       // sum over rows of x x', [columns][columns]
  std::vector<double> means;          // of x
  std::vector<double> teacher_means;  // of the teacher's, in the same unit
  Eigen::MatrixXd drift;  // S with w + S w the weights that give for x nearly what w gave for the teacher's x
};

/// Of `count` columns of a group from `first` on. S solves, for all weights at once,
///   min over S w of  sum over rows of ((w + S w)'x - w't)^2 + ridge |S w|^2
/// with t the teacher's input at the same place.
///
/// teacher  rows in a unit of `teacher_unit` units of the student's
/// source   Li et al., "GPTAQ: Efficient Finetuning-Free Quantization for Asymmetric Calibration", ICML 2025
InputMoments input_moments(const InputRows& student, const InputRows& teacher, double teacher_unit,
                           std::int64_t group, std::int64_t first, std::int64_t count);

}  // namespace edgeopt
