// A small teacher, its quantized student, and samples: what the tests of training share.
#pragma once
#include "calibration/samples/samples.h"
#include "ir/graph.h"

namespace edgeopt {

/// Standard normal samples, one stream per index.
SampleSource normal_samples(const Dims& dims, std::int64_t count);

/// Mixtures of a few fixed patterns: like real samples, they leave most directions alone, along which
/// rounding is free.
SampleSource patterned_samples(const Dims& dims, std::int64_t count);

/// Two convolutions with a Relu between them and a classifier behind, weights from a seed; batch axis N.
Graph small_teacher();

/// The teacher as Q/DQ with weights of this many bits and ranges observed on the samples.
Graph quantized_student(const Graph& teacher, const SampleSource& samples, int weight_bits);

/// Mean over the samples of |a - b|^2 / |a|^2 of the first output.
double relative_distance(const Graph& a, const Graph& b, const SampleSource& samples);

}  // namespace edgeopt
