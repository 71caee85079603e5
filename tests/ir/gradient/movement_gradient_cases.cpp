// Operators that move, select, repeat or interpolate elements.
#include "tests/ir/gradient/gradient_cases.h"

namespace edgeopt {
namespace {

using Ints = std::vector<std::int64_t>;

std::vector<GradientCase> shapes() {
  const GradientInput x = learned({2, 3, 4});
  return {
      {"Reshape", {x, fixed_ints({4, 6})}},
      {"Reshape", {x, fixed_ints({0, -1})}},
      {"Reshape", {learned({}), fixed_ints({1, 1})}},
      {"Flatten", {x}, {{"axis", 2}}},
      {"Flatten", {x}, {{"axis", 0}}},
      {"Transpose", {x}},
      {"Transpose", {x}, {{"perm", Ints{1, 2, 0}}}},
      {"Squeeze", {learned({2, 1, 3, 1}), fixed_ints({1, -1})}},
      {"Squeeze", {learned({2, 1, 3, 1})}},
      {"Unsqueeze", {x, fixed_ints({0, -1})}},
      {"Expand", {learned({3, 1}), fixed_ints({2, 3, 4})}},
      {"Expand", {learned({2, 3}), fixed_ints({1, 3})}},
      {"DepthToSpace", {learned({1, 8, 2, 3})}, {{"blocksize", 2}}},
      {"DepthToSpace", {learned({1, 8, 2, 3})}, {{"blocksize", 2}, {"mode", "CRD"}}},
      {"SpaceToDepth", {learned({1, 2, 4, 6})}, {{"blocksize", 2}}},
      {"Trilu", {learned({2, 3, 4})}, {}, {14}},
      {"Trilu", {learned({3, 3}), fixed(Tensor::scalar<std::int64_t>(1))}, {{"upper", 0}}, {14}},
  };
}

std::vector<GradientCase> parts() {
  const GradientInput x = learned({4, 5});
  return {
      {"Concat", {learned({2, 3}), learned({2, 1}), learned({2, 2})}, {{"axis", 1}}},
      {"Concat", {learned({2, 3}), learned({1, 3})}, {{"axis", -2}}},
      {"Concat", {learned({2, 3}), fixed(Tensor(DataType::float64, {2, 3}))}, {{"axis", 0}}},
      {"Split", {x, fixed_ints({2, 1, 2})}, {{"axis", 1}}, {13, 21}, 3, {0, 1, 2}},
      {"Split", {x, fixed_ints({2, 1, 2})}, {{"axis", -1}}, {13, 21}, 3, {1}},
      {"Split", {x}, {{"axis", 0}}, {13}, 2, {0, 1}},
      {"Split", {x}, {{"axis", 1}, {"num_outputs", 2}}, {18}, 2, {0, 1}},
      {"Slice", {x, fixed_ints({1}), fixed_ints({3})}},
      {"Slice", {x, fixed_ints({1, -2}), fixed_ints({100, -5}), fixed_ints({0, 1}), fixed_ints({2, -1})}},
      {"Slice", {x, fixed_ints({0}), fixed_ints({-1}), fixed_ints({-1})}},
      {"Gather", {x, fixed_ints({0, 2, -1, 2})}},
      {"Gather", {x, fixed(int64_tensor(Ints{1, 1, 3, 0}).reshaped({2, 2}))}, {{"axis", 1}}},
      {"Gather", {x, fixed(Tensor::scalar<std::int64_t>(2))}, {{"axis", 1}}},
      {"Gather", {x, fixed_ints({-2})}, {{"axis", -1}}},
      {"GatherElements", {x, fixed(int64_tensor(Ints{0, 1, 1, 0, 2, 3}).reshaped({2, 3}))}},
      {"GatherND", {x, fixed(int64_tensor(Ints{0, 1, 3, 4, 0, 1}).reshaped({3, 2}))}},
  };
}

std::vector<GradientCase> placements() {
  const GradientInput x = learned({4, 5});
  const GradientInput places = fixed(int64_tensor(Ints{0, 1, 3, 4, -1, 1}).reshaped({3, 2}));
  const GradientInput rows = fixed(int64_tensor(Ints{2, 0}).reshaped({2, 1}));
  const GradientInput along = fixed(int64_tensor(Ints{0, 1, 2, 3, 2, -4}).reshaped({2, 3}));
  const GradientInput repeated = fixed(int64_tensor(Ints{1, 1, 2, 3, 3, 3}).reshaped({2, 3}));
  const GradientInput lengths = fixed_ints({3, 1});
  return {
      {"ScatterND", {x, places, learned({3})}},
      {"ScatterND", {x, rows, learned({2, 5})}, {}, {13, 18}},
      {"ScatterND",
       {x, fixed(int64_tensor(Ints{2, 2}).reshaped({2, 1})), learned({2, 5})},
       {{"reduction", "add"}},
       {16}},
      {"ScatterElements", {x, along, learned({2, 3})}, {{"axis", 0}}},
      {"ScatterElements", {x, along, learned({2, 3})}, {{"axis", -1}}},
      {"ScatterElements", {x, repeated, learned({2, 3})}, {{"axis", 1}, {"reduction", "add"}}, {16, 18}},
      {"ReverseSequence", {learned({3, 2, 2}), lengths}},
      {"ReverseSequence", {learned({2, 3}), lengths}, {{"time_axis", 1}, {"batch_axis", 0}}},
      {"TopK", {x, fixed_ints({3})}, {}, {13, 21}, 2},
      {"TopK", {x, fixed_ints({2})}, {{"axis", 0}, {"largest", 0}}, {13}, 2},
  };
}

std::vector<GradientCase> repetitions() {
  const GradientInput x = learned({2, 3, 4});
  std::vector<GradientCase> cases = {
      {"Tile", {learned({2, 3}), fixed_ints({2, 3})}},
      {"Pad", {x, fixed_ints({0, 1, 2, 0, 0, 1})}},
      {"Pad", {x, fixed_ints({0, -1, 1, 0, 1, -1}), fixed(Tensor::scalar(2.5))}},
      {"Pad", {x, fixed_ints({0, 0, 0, 0, 0, 0})}},
      {"Pad", {x, fixed_ints({1, 2, 0, 1}), left_out(), fixed_ints({-1, 0})}, {}, {18}},
      {"Pad", {x, fixed_ints({1, 1}), left_out(), fixed_ints({2})}, {{"mode", "edge"}}, {18}},
      {"Pad", {x, fixed_ints({2, -1}), left_out(), fixed_ints({-2})}, {{"mode", "wrap"}}, {19}},
  };
  for (const char* mode : {"constant", "reflect", "edge"})
    cases.push_back({"Pad", {x, fixed_ints({0, 2, 1, 0, 1, 3})}, {{"mode", mode}}});
  return cases;
}

std::vector<GradientCase> resizings() {
  const GradientInput x = learned({1, 2, 3, 4});
  const auto scales = [](std::vector<float> factors) { return fixed(Tensor::of<float>({4}, factors)); };
  const GradientInput larger = scales({1, 1, 2, 1.5F}), smaller = scales({1, 1, 0.7F, 0.5F});
  std::vector<GradientCase> cases;
  for (const char* mode : {"nearest", "linear", "cubic"}) {
    for (const char* coordinates : {"half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"})
      cases.push_back({"Resize",
                       {x, left_out(), larger},
                       {{"mode", mode}, {"coordinate_transformation_mode", coordinates}}});
    cases.push_back({"Resize", {x, left_out(), smaller}, {{"mode", mode}}});
    cases.push_back({"Resize", {x, left_out(), left_out(), fixed_ints({1, 2, 5, 3})}, {{"mode", mode}}});
    cases.push_back({"Resize",
                     {x, fixed(Tensor::of<float>({8}, {0, 0, -0.3F, 0.1F, 1, 1, 0.8F, 1.2F})), larger},
                     {{"mode", mode},
                      {"coordinate_transformation_mode", "tf_crop_and_resize"},
                      {"extrapolation_value", 2.0F}}});
  }
  cases.push_back({"Resize", {x, left_out(), smaller}, {{"mode", "linear"}, {"antialias", 1}}, {18}});
  cases.push_back({"Resize",
                   {x, left_out(), fixed(Tensor::of<float>({2}, {2, 2}))},
                   {{"mode", "linear"}, {"axes", Ints{2, 3}}},
                   {18}});
  return cases;
}

}  // namespace

std::vector<GradientCase> movement_gradient_cases() {
  std::vector<GradientCase> cases;
  for (auto* more : {shapes, parts, placements, repetitions, resizings})
    for (GradientCase& each : more()) cases.push_back(std::move(each));
  return cases;
}

}  // namespace edgeopt
