// Operators that read images between their pixels.
#include <utility>

#include "tests/ir/gradient/gradient_cases.h"

namespace edgeopt {
namespace {

// Points inside, outside and between; images of two and three axes, with axes of different lengths.
std::vector<GradientCase> grids() {
  std::vector<GradientCase> cases;
  const GradientInput x = learned({2, 2, 3, 4}), grid = learned({2, 2, 3, 2}, -1.7, 1.7);
  for (const char* padding : {"zeros", "border", "reflection"})
    for (const int aligns_corners : {0, 1}) {
      for (const char* mode : {"linear", "cubic", "nearest"})
        cases.push_back({"GridSample",
                         {x, grid},
                         {{"mode", mode}, {"padding_mode", padding}, {"align_corners", aligns_corners}},
                         {20, 22}});
      cases.push_back({"GridSample",
                       {learned({1, 2, 2, 3, 4}), learned({1, 2, 1, 2, 3}, -1.3, 1.3)},
                       {{"padding_mode", padding}, {"align_corners", aligns_corners}},
                       {20}});
    }
  for (const char* mode : {"bilinear", "bicubic", "nearest"})
    cases.push_back({"GridSample", {x, grid}, {{"mode", mode}}, {16}});
  // Mirrored more than once.
  cases.push_back({"GridSample", {x, learned({2, 2, 2, 2}, -6, 6)}, {{"padding_mode", "reflection"}}, {20}});
  // An axis of one pixel.
  cases.push_back({"GridSample", {learned({1, 1, 1, 3}), learned({1, 2, 2, 2})}, {}, {20}});
  return cases;
}

// Regions inside, across the border, outside, and smaller than a pixel; two of one image.
// None lies so that two samples see a pixel with the same weight: the largest would be either.
std::vector<GradientCase> regions() {
  const GradientInput x = learned({2, 3, 5, 6});
  const GradientInput rois =
      learned({4, 4}, {0.3, 0.2, 4.6, 3.9, -2, -1.5, 3, 2.2, 9, 9, 12, 12, 1.1, 1.2, 1.6, 1.4});
  const GradientInput batches = fixed_ints({0, 1, 1, 0});
  std::vector<GradientCase> cases;
  for (const char* mode : {"avg", "max"}) {
    const Attributes sized = {{"mode", mode}, {"output_height", 2}, {"output_width", 3}};
    cases.push_back({"RoiAlign", {x, rois, batches}, sized, {13, 16, 22}});
    Attributes sampled = sized;
    sampled.set("sampling_ratio", 2);
    sampled.set("spatial_scale", 0.5F);
    cases.push_back({"RoiAlign", {x, rois, batches}, sampled, {13, 16}});
    sampled.set("coordinate_transformation_mode", "output_half_pixel");
    cases.push_back({"RoiAlign", {x, rois, batches}, sampled, {16}});
  }
  return cases;
}

}  // namespace

std::vector<GradientCase> sampling_gradient_cases() {
  std::vector<GradientCase> cases = grids();
  for (GradientCase& each : regions()) cases.push_back(std::move(each));
  return cases;
}

}  // namespace edgeopt
