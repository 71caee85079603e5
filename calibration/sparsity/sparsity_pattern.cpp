#include "calibration/sparsity/sparsity_pattern.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <string_view>

#include "support/error.h"

namespace edgeopt {
namespace {

// A group or block beyond this is no pattern that any kernel reads at once.
constexpr std::int64_t largest_size = 64;

template <typename Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

bool is_size(const std::optional<std::int64_t>& size) { return size && *size >= 1 && *size <= largest_size; }

[[noreturn]] void refuse(const std::string& text, std::string_view reason) {
  throw UserError(
      fmt::format("--sparsity '{}': {}; write a share of zeros (0.5), N:M (2:4: two of four input channels "
                  "stay) or OUTPUTSxINPUTS=SHARE (4x1=0.5)",
                  text, reason));
}

double share_of(const std::string& text, std::string_view digits) {
  const std::optional<double> share = number<double>(digits);
  if (!share) refuse(text, "this is no pattern");
  if (!(*share > 0 && *share < 1)) refuse(text, "the share must be between 0 and 1");
  return *share;
}

}  // namespace

SparsityPattern sparsity_pattern(const std::string& text) {
  const std::string_view view = text;
  SparsityPattern pattern;
  if (const std::size_t colon = view.find(':'); colon != std::string_view::npos) {
    const auto kept = number<std::int64_t>(view.substr(0, colon));
    const auto size = number<std::int64_t>(view.substr(colon + 1));
    if (!is_size(kept) || !is_size(size)) refuse(text, "this is no pattern");
    if (*kept >= *size) refuse(text, "fewer must stay than there are");
    pattern.kept_of_group = *kept;
    pattern.group_size = *size;
    pattern.share = 1 - static_cast<double>(*kept) / static_cast<double>(*size);
    return pattern;
  }
  const std::size_t cross = view.find('x');
  if (cross == std::string_view::npos) {
    pattern.share = share_of(text, view);
    return pattern;
  }
  const std::size_t equals = view.find('=', cross);
  if (equals == std::string_view::npos) refuse(text, "a block needs a share");
  const auto outputs = number<std::int64_t>(view.substr(0, cross));
  const auto inputs = number<std::int64_t>(view.substr(cross + 1, equals - cross - 1));
  if (!is_size(outputs) || !is_size(inputs)) refuse(text, "this is no block");
  pattern.share = share_of(text, view.substr(equals + 1));
  pattern.block_outputs = *outputs;
  pattern.block_inputs = *inputs;
  return pattern;
}

std::string name_of(const SparsityPattern& pattern) {
  if (pattern.is_grouped()) return fmt::format("{}:{}", pattern.kept_of_group, pattern.group_size);
  if (pattern.is_unstructured()) return "unstructured";
  return fmt::format("{}x{}", pattern.block_outputs, pattern.block_inputs);
}

std::string misfit(const SparsityPattern& pattern, const WeightLayout& layout) {
  const std::int64_t channels = layout.features / layout.taps;
  if (channels % pattern.width() != 0)
    return fmt::format("its {} input channels are no multiple of {}", channels, pattern.width());
  if (layout.outputs % pattern.block_outputs != 0)
    return fmt::format("its {} outputs are no multiple of {}", layout.outputs, pattern.block_outputs);
  return "";
}

std::int64_t unit_count(const SparsityPattern& pattern, std::int64_t features, std::int64_t outputs) {
  return (features / pattern.block_inputs) * (outputs / pattern.block_outputs);
}

}  // namespace edgeopt
