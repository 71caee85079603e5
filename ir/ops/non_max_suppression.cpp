// Per batch and class: boxes by falling score, each kept unless it overlaps one kept before by more than
// iou_threshold (intersection over union). y[k] = {batch, class, box}.
#include <algorithm>
#include <array>
#include <numeric>
#include <optional>

#include "ir/rules/op_rules.h"
#include "support/error.h"

namespace edgeopt {
namespace {

struct Box {
  double top = 0, left = 0, bottom = 0, right = 0;
  double area() const { return (bottom - top) * (right - left); }
};

struct Limits {
  std::int64_t most_per_class = 0;
  double iou_threshold = 0;
  std::optional<double> score_threshold;
};

// Corners in any order, or {x_center, y_center, width, height}.
Box to_box(std::span<const double> box, bool is_center_point) {
  if (is_center_point)
    return {box[1] - box[3] / 2, box[0] - box[2] / 2, box[1] + box[3] / 2, box[0] + box[2] / 2};
  return {std::min(box[0], box[2]), std::min(box[1], box[3]), std::max(box[0], box[2]),
          std::max(box[1], box[3])};
}

double intersection_over_union(const Box& a, const Box& b) {
  const double height = std::min(a.bottom, b.bottom) - std::max(a.top, b.top);
  const double width = std::min(a.right, b.right) - std::max(a.left, b.left);
  if (height <= 0 || width <= 0) return 0;
  const double common = height * width;
  return common / (a.area() + b.area() - common);
}

// The boxes of one class that stay, best first.
std::vector<std::int64_t> selected(std::span<const Box> boxes, std::span<const double> scores,
                                   const Limits& limits) {
  std::vector<std::size_t> order(boxes.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
  std::vector<std::int64_t> kept;
  for (const std::size_t candidate : order) {
    if (static_cast<std::int64_t>(kept.size()) >= limits.most_per_class) break;
    if (limits.score_threshold && scores[candidate] <= *limits.score_threshold) continue;
    const bool is_suppressed = std::ranges::any_of(kept, [&](std::int64_t better) {
      return intersection_over_union(boxes[candidate], boxes[static_cast<std::size_t>(better)]) >
             limits.iou_threshold;
    });
    if (!is_suppressed) kept.push_back(static_cast<std::int64_t>(candidate));
  }
  return kept;
}

std::optional<double> single_number(const EvaluateCall& call, std::size_t index) {
  if (!call.has_input(index)) return std::nullopt;
  if (call.inputs[index].element_count() != 1) throw UserError("a limit must be one number");
  return to_double(call.inputs[index]);
}

Limits limits_of(const EvaluateCall& call) {
  return {.most_per_class = to_int64(single_number(call, 2).value_or(0)),
          .iou_threshold = single_number(call, 3).value_or(0),
          .score_threshold = single_number(call, 4)};
}

void require_fitting(const Dims& boxes, const Dims& scores) {
  if (boxes.size() != 3 || scores.size() != 3 || boxes[2] != 4 || boxes[0] != scores[0] ||
      boxes[1] != scores[2])
    throw UserError("boxes must be [batch, box, 4] and scores [batch, class, box]");
}

Tensors evaluate(const EvaluateCall& call) {
  const Dims& dims = call.inputs[1].dims();
  require_fitting(call.inputs[0].dims(), dims);
  const bool is_center_point = call.attributes().get_int("center_point_box", 0) != 0;
  const std::vector<double> corners = to_doubles(call.inputs[0]);
  const std::vector<double> scores = to_doubles(call.inputs[1]);
  std::vector<Box> boxes;
  for (std::size_t i = 0; i < corners.size(); i += 4)
    boxes.push_back(to_box(std::span(corners).subspan(i, 4), is_center_point));
  const Limits limits = limits_of(call);
  const auto box_count = static_cast<std::size_t>(dims[2]);
  std::vector<std::int64_t> result;
  for (std::int64_t batch = 0; batch < dims[0]; ++batch)
    for (std::int64_t category = 0; category < dims[1]; ++category) {
      const auto of_batch = std::span(boxes).subspan(static_cast<std::size_t>(batch) * box_count, box_count);
      const auto line = static_cast<std::size_t>(batch * dims[1] + category);
      const auto of_class = std::span(scores).subspan(line * box_count, box_count);
      for (const std::int64_t box : selected(of_batch, of_class, limits))
        result.insert(result.end(), {batch, category, box});
    }
  return {Tensor::of<std::int64_t>({static_cast<std::int64_t>(result.size() / 3), 3}, result)};
}

}  // namespace

OpDefinition non_max_suppression_op() {
  return {
      .name = "NonMaxSuppression",
      .versions = {10, 11},
      .required_inputs = 2,
      .infer =
          [](const InferCall&) {
            return std::vector<Operand>{operand(DataType::int64, Shape{Dim(), 3})};
          },
      .evaluate = evaluate,
  };
}

}  // namespace edgeopt
