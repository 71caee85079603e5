// y = f of all elements of x along the axes. Floats are summed in double, one after the other; integers in
// int64, wrapping around.
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "ir/gradient/reduction_gradients.h"
#include "ir/rules/op_rules.h"
#include "ir/tied_dims.h"

namespace edgeopt {
namespace {

template <typename T>
using GroupFunction = T (*)(std::span<const T>);

/// `on_integers` is null where integers are computed as floats too.
struct Reduction {
  GroupFunction<double> on_floats = nullptr;
  GroupFunction<std::int64_t> on_integers = nullptr;
};

// The elements group by group, in the order in which they lie.
template <typename T>
std::vector<T> grouped(const std::vector<T>& elements, const Dims& from, const Dims& to) {
  std::vector<T> result(elements.size());
  const auto group_count = static_cast<std::size_t>(element_count(to));
  std::vector<std::size_t> next(group_count);
  for (std::size_t i = 0; i < group_count; ++i) next[i] = i * (elements.size() / group_count);
  const std::vector<std::int64_t> groups = broadcast_indexes(to, from);
  for (std::size_t i = 0; i < elements.size(); ++i)
    result[next[static_cast<std::size_t>(groups[i])]++] = elements[i];
  return result;
}

template <typename T>
std::vector<T> reduce(const std::vector<T>& elements, const Dims& from, const Dims& to, GroupFunction<T> f) {
  const std::vector<T> in_groups = grouped(elements, from, to);
  std::vector<T> results(static_cast<std::size_t>(element_count(to)));
  const std::size_t size = results.empty() ? 0 : elements.size() / results.size();
  for (std::size_t i = 0; i < results.size(); ++i)
    results[i] = f(std::span<const T>(in_groups).subspan(i * size, size));
  return results;
}

bool reduces_nothing(const Attributes& attributes, const std::vector<std::int64_t>& axes) {
  return axes.empty() && attributes.get_int("noop_with_empty_axes", 0) != 0;
}

// No axes at all means every axis.
std::vector<std::int64_t> effective_axes(std::vector<std::int64_t> axes, std::size_t rank) {
  if (axes.empty())
    for (std::size_t i = 0; i < rank; ++i) axes.push_back(static_cast<std::int64_t>(i));
  return sorted_axes(std::move(axes), rank);
}

Tensors evaluate(const EvaluateCall& call, const Reduction& reduction) {
  const Tensor& x = call.inputs[0];
  std::vector<std::int64_t> axes = given_axes(call, 1);
  const bool keeps_all = reduces_nothing(call.attributes(), axes);
  axes = keeps_all ? axes : effective_axes(axes, x.rank());
  const Dims with_ones = reduced_dims(x.dims(), axes, true);
  const Dims dims = reduced_dims(x.dims(), axes, call.attributes().get_int("keepdims", 1) != 0);
  if (is_floating_point(x.dtype()) || !reduction.on_integers)
    return {from_doubles(x.dtype(), dims, reduce(to_doubles(x), x.dims(), with_ones, reduction.on_floats))};
  return {from_int64s(x.dtype(), dims, reduce(to_int64s(x), x.dims(), with_ones, reduction.on_integers))};
}

Shape unknown_dims(std::size_t rank) { return Shape(rank); }

std::optional<Shape> inferred_shape(const InferCall& call) {
  if (!call.inputs[0].has_shape()) return std::nullopt;
  const Shape& x = call.inputs[0].shape();
  const bool keep_dims = call.attributes().get_int("keepdims", 1) != 0;
  const auto axes = given_axes(call, 1);
  if (!axes) return keep_dims ? std::optional(unknown_dims(x.size())) : std::nullopt;
  if (reduces_nothing(call.attributes(), *axes)) return x;
  return reduced_shape(x, effective_axes(*axes, x.size()), keep_dims);
}

// The axes that are not reduced pass through.
std::vector<TiedDims> tied_dims(const InferCall& call) {
  const auto given = given_axes(call, 1);
  if (!call.inputs[0].has_shape() || !given) return {};
  const std::size_t rank = call.inputs[0].shape().size();
  const std::vector<std::int64_t> axes =
      reduces_nothing(call.attributes(), *given) ? *given : effective_axes(*given, rank);
  const bool keep_dims = call.attributes().get_int("keepdims", 1) != 0;
  std::vector<TiedDims> ties;
  std::size_t moved_to = 0;
  for (std::size_t axis = 0; axis < rank; ++axis) {
    const bool is_reduced = std::ranges::find(axes, static_cast<std::int64_t>(axis)) != axes.end();
    if (!is_reduced) ties.push_back({{input_dim(0, axis), output_dim(0, moved_to)}});
    if (!is_reduced || keep_dims) ++moved_to;
  }
  return ties;
}

OpDefinition reduce_op(std::string name, std::vector<int> versions, Reduction reduction) {
  GradientRule gradient = reduction_gradient(name);
  return {
      .name = std::move(name),
      .versions = std::move(versions),
      .infer =
          [](const InferCall& call) {
            return std::vector<Operand>{operand(call.inputs[0].type.dtype, inferred_shape(call))};
          },
      .evaluate = [reduction](const EvaluateCall& call) { return evaluate(call, reduction); },
      .count_cost = [](const InferCall& call,
                       auto) { return Cost{.other_operations = known_element_count(call.inputs[0])}; },
      .gradient = std::move(gradient),
      .tied_dims = tied_dims,
  };
}

// Of integers: as unsigned numbers, so that overflow wraps around.
template <typename T>
T plus(T a, T b) {
  if constexpr (std::is_same_v<T, double>)
    return a + b;
  else
    return static_cast<T>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}
template <typename T>
T times(T a, T b) {
  if constexpr (std::is_same_v<T, double>)
    return a * b;
  else
    return static_cast<T>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
}
template <typename T>
T magnitude(T a) {
  return a < T{0} ? times(a, T{-1}) : a;
}

template <typename T>
T sum(std::span<const T> x) {
  T total{0};
  for (const T each : x) total = plus(total, each);
  return total;
}

template <typename T>
T product(std::span<const T> x) {
  T total{1};
  for (const T each : x) total = times(total, each);
  return total;
}

template <typename T>
T absolute_sum(std::span<const T> x) {
  T total{0};
  for (const T each : x) total = plus(total, magnitude(each));
  return total;
}

template <typename T>
T square_sum(std::span<const T> x) {
  T total{0};
  for (const T each : x) total = plus(total, times(each, each));
  return total;
}

// NaN wins, as in numpy. The largest of nothing is -infinity.
double largest(std::span<const double> x) {
  double result = -std::numeric_limits<double>::infinity();
  for (const double each : x)
    if (each > result || std::isnan(each)) result = each;
  return result;
}

double smallest(std::span<const double> x) {
  double result = std::numeric_limits<double>::infinity();
  for (const double each : x)
    if (each < result || std::isnan(each)) result = each;
  return result;
}

double mean(std::span<const double> x) { return sum(x) / static_cast<double>(x.size()); }
double length(std::span<const double> x) { return std::sqrt(square_sum(x)); }
double log_sum(std::span<const double> x) { return std::log(sum(x)); }

// log(sum(exp(x))) = m + log(sum(exp(x - m))), m = max(x), so that nothing overflows.
double log_sum_exp(std::span<const double> x) {
  const double shift = largest(x);
  if (std::isinf(shift)) return shift;
  double total = 0;
  for (const double each : x) total += std::exp(each - shift);
  return shift + std::log(total);
}

// Max and Min of integers compare in their own type; uint64 does not fit into int64.
template <typename Compare>
Tensors extreme_integers(const EvaluateCall& call, Compare is_better) {
  const Tensor& x = call.inputs[0];
  std::vector<std::int64_t> axes = given_axes(call, 1);
  if (reduces_nothing(call.attributes(), axes)) return {x};
  axes = effective_axes(axes, x.rank());
  const Dims with_ones = reduced_dims(x.dims(), axes, true);
  Tensor y(x.dtype(), reduced_dims(x.dims(), axes, call.attributes().get_int("keepdims", 1) != 0));
  const std::vector<std::int64_t> groups = broadcast_indexes(with_ones, x.dims());
  visit_type(NativeTypes{}, x.dtype(), [&]<typename T>() {
    constexpr T low = std::numeric_limits<T>::lowest();
    constexpr T high = std::numeric_limits<T>::max();
    const std::span<T> results = y.mutable_data<T>();
    std::ranges::fill(results, is_better(high, low) ? low : high);
    for (std::size_t i = 0; i < groups.size(); ++i) {
      T& best = results[static_cast<std::size_t>(groups[i])];
      if (is_better(x.data<T>()[i], best)) best = x.data<T>()[i];
    }
  });
  return {y};
}

template <typename Compare>
OpDefinition extreme(std::string name, GroupFunction<double> on_floats, Compare is_better) {
  OpDefinition op = reduce_op(std::move(name), {1, 11, 12, 13, 18, 20}, {.on_floats = on_floats});
  op.evaluate = [on_floats, is_better](const EvaluateCall& call) {
    if (!is_floating_point(call.inputs[0].dtype())) return extreme_integers(call, is_better);
    return evaluate(call, {.on_floats = on_floats});
  };
  return op;
}

}  // namespace

std::vector<OpDefinition> reduce_table() {
  const std::vector<int> versions = {1, 11, 13, 18};
  return {
      homogeneous(reduce_op("ReduceSum", {1, 11, 13}, {sum<double>, sum<std::int64_t>})),
      homogeneous(reduce_op("ReduceMean", versions, {mean})),
      homogeneous(extreme("ReduceMax", largest, [](auto a, auto b) { return a > b; })),
      homogeneous(extreme("ReduceMin", smallest, [](auto a, auto b) { return a < b; })),
      reduce_op("ReduceProd", versions, {product<double>, product<std::int64_t>}),
      homogeneous(reduce_op("ReduceL1", versions, {absolute_sum<double>, absolute_sum<std::int64_t>})),
      homogeneous(reduce_op("ReduceL2", versions, {length})),
      reduce_op("ReduceLogSum", versions, {log_sum}),
      reduce_op("ReduceLogSumExp", versions, {log_sum_exp}),
      reduce_op("ReduceSumSquare", versions, {square_sum<double>, square_sum<std::int64_t>}),
  };
}

}  // namespace edgeopt
