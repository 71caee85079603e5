#include "runtime/kernels/onednn/window.h"

#include <algorithm>

namespace edgeopt {

bool Window::has_padding() const {
  const auto is_used = [](std::int64_t pad) { return pad > 0; };
  return std::any_of(pads_begin.begin(), pads_begin.end(), is_used) ||
         std::any_of(pads_end.begin(), pads_end.end(), is_used);
}

Window window_of(const Node& node, const Dims& input, const Dims& output, Dims kernel) {
  const std::size_t rank = kernel.size();
  Window window{.kernel = std::move(kernel),
                .strides = node.attributes.get_ints("strides"),
                .dilations = node.attributes.get_ints("dilations")};
  window.strides.resize(rank, 1);
  window.dilations.resize(rank, 1);
  Dims pads = node.attributes.get_ints("pads");
  pads.resize(2 * rank, 0);
  const std::string auto_pad = node.attributes.get_string("auto_pad", "NOTSET");
  const bool is_same = auto_pad.starts_with("SAME");
  for (std::size_t i = 0; i < rank; ++i) {
    const std::int64_t reach = (window.kernel[i] - 1) * window.dilations[i] + 1;
    const std::int64_t needed = (output[i + 2] - 1) * window.strides[i] + reach - input[i + 2];
    if (is_same) {
      const std::int64_t total = std::max<std::int64_t>(0, needed);
      // The odd element goes to the end for SAME_UPPER, to the beginning for SAME_LOWER.
      pads[i] = auto_pad == "SAME_UPPER" ? total / 2 : total - total / 2;
      pads[i + rank] = total - pads[i];
    } else if (auto_pad == "VALID") {
      pads[i] = pads[i + rank] = 0;
    }
    pads[i + rank] = std::max(pads[i + rank], needed - pads[i]);
  }
  window.pads_begin.assign(pads.begin(), pads.begin() + static_cast<std::ptrdiff_t>(rank));
  window.pads_end.assign(pads.begin() + static_cast<std::ptrdiff_t>(rank), pads.end());
  return window;
}

}  // namespace edgeopt
