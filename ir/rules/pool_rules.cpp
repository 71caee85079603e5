#include "ir/rules/pool_rules.h"

#include <fmt/format.h>

#include "ir/rules/call_inputs.h"
#include "ir/rules/op_rules.h"
#include "ir/saturated_counts.h"
#include "support/error.h"

namespace edgeopt {
namespace {

void require_planes(std::size_t rank) {
  if (rank < 3) throw UserError(fmt::format("the input has {} dims, but needs at least 3: [N,C,...]", rank));
}

}  // namespace

std::optional<Shape> pooled_shape(const Attributes& attributes, const Operand& input) {
  if (!input.has_shape()) return std::nullopt;
  require_planes(input.shape().size());
  Shape shape(input.shape().begin(), input.shape().begin() + 2);
  const Shape spatial = window_output_shape(attributes, std::span(input.shape()).subspan(2),
                                            attributes.get_ints("kernel_shape"));
  shape.insert(shape.end(), spatial.begin(), spatial.end());
  return shape;
}

Window pool_window(const Attributes& attributes, const Tensor& input) {
  require_planes(input.rank());
  return window_of(attributes, std::span(input.dims()).subspan(2), attributes.get_ints("kernel_shape"));
}

Window global_window(const Tensor& input) {
  require_planes(input.rank());
  Window window;
  for (std::size_t i = 2; i < input.rank(); ++i)
    window.push_back({.input = input.dims()[i], .kernel = input.dims()[i], .output = 1});
  return window;
}

std::vector<Operand> infer_global_pool(const InferCall& call) {
  const Operand& input = required_input(call, 0);
  if (!input.has_shape()) return {of_unknown_shape(input)};
  require_planes(input.shape().size());
  Shape shape = input.shape();
  std::fill(shape.begin() + 2, shape.end(), Dim(1));
  return {operand(input.type.dtype, std::move(shape))};
}

std::int64_t padded_tap_count(const PoolWindow& window) {
  std::int64_t count = 1;
  for (std::size_t i = 0; i < window.index.size(); ++i) {
    const WindowAxis& axis = window.window[i];
    std::int64_t inside = 0;
    for (std::int64_t k = 0; k < axis.kernel; ++k)
      inside += axis.position(window.index[i], k) < axis.input + axis.pad_end;
    count *= inside;
  }
  return count;
}

Tensor pool(const Tensor& input, const Window& window,
            const std::function<double(const PoolWindow&)>& reduce) {
  const std::vector<double> elements = to_doubles(input);
  const Dims windows = output_dims(window);
  const auto plane = static_cast<std::size_t>(element_count(input_dims(window)));
  if (plane == 0 && element_count(windows) > 0) throw UserError("nothing to pool: an axis has no elements");
  Dims dims{input.dims()[0], input.dims()[1]};
  dims.insert(dims.end(), windows.begin(), windows.end());
  std::vector<double> pooled;
  for (std::size_t p = 0; p < static_cast<std::size_t>(dims[0] * dims[1]); ++p)
    for_each_index(windows, [&](std::span<const std::int64_t> index) {
      pooled.push_back(reduce({window, std::span(elements).subspan(p * plane, plane), index}));
    });
  return from_doubles(input.dtype(), std::move(dims), pooled);
}

Cost pool_cost(const InferCall& call, std::span<const Operand> outputs) {
  const std::vector<std::int64_t> kernel = call.attributes().get_ints("kernel_shape");
  const std::int64_t inputs = known_element_count(call.inputs[0]);
  return {.other_operations = kernel.empty() ? inputs
                                             : saturated_product(known_element_count(outputs[0]),
                                                                 known_element_count(to_shape(kernel)))};
}

}  // namespace edgeopt
