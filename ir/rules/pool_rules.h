// What the poolings share: one window over [N,C,...], one reduction over its elements.
#pragma once
#include <functional>
#include <span>
#include <vector>

#include "ir/op.h"
#include "ir/rules/window_rules.h"

namespace edgeopt {

/// One plane of the input and one window on it.
struct PoolWindow {
  const Window& window;
  std::span<const double> plane;
  std::span<const std::int64_t> index;  // of the window
};

/// [N, C, ...] by the attribute kernel_shape. throws UserError if the input is no [N,C,...]
std::optional<Shape> pooled_shape(const Attributes& attributes, const Operand& input);
Window pool_window(const Attributes& attributes, const Tensor& input);
/// One window as large as each plane.
Window global_window(const Tensor& input);
/// [N, C, 1, ...]
std::vector<Operand> infer_global_pool(const InferCall& call);

/// Taps of a window inside the padded input: what ceil_mode adds behind the padding never counts.
std::int64_t padded_tap_count(const PoolWindow& window);

/// Calls `reduce` for every window of every plane.
Tensor pool(const Tensor& input, const Window& window,
            const std::function<double(const PoolWindow&)>& reduce);

/// One operation per output element and tap.
Cost pool_cost(const InferCall& call, std::span<const Operand> outputs);

}  // namespace edgeopt
