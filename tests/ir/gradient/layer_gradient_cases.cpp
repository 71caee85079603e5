// Convolutions, matrix products, poolings.
#include "tests/ir/gradient/gradient_cases.h"

namespace edgeopt {
namespace {

using Ints = std::vector<std::int64_t>;

std::vector<GradientCase> convolutions() {
  const GradientInput image = learned({2, 2, 5, 4});
  return {
      {"Conv", {learned({2, 3, 6}), learned({2, 3, 3})}, {}, {13, 22}},
      {"Conv", {image, learned({3, 2, 3, 2}), learned({3})}, {{"pads", Ints{1, 0, 1, 1}}}},
      {"Conv", {image, learned({2, 2, 3, 3})}, {{"strides", Ints{2, 1}}, {"pads", Ints{1, 1, 1, 1}}}},
      {"Conv", {image, learned({2, 2, 2, 2})}, {{"dilations", Ints{2, 3}}}},
      {"Conv", {image, learned({4, 1, 3, 3}), learned({4})}, {{"group", 2}}},
      {"Conv", {image, learned({2, 2, 3, 3})}, {{"auto_pad", "SAME_UPPER"}, {"strides", Ints{2, 2}}}},
      {"Conv", {image, learned({2, 2, 2, 2})}, {{"auto_pad", "SAME_LOWER"}}},
      {"Conv", {learned({1, 1, 3, 3, 3}), learned({2, 1, 2, 2, 2})}},
  };
}

std::vector<GradientCase> transposed_convolutions() {
  const GradientInput image = learned({2, 2, 3, 4});
  GradientCase same{"ConvTranspose", {image, learned({2, 1, 3, 3})}, {{"auto_pad", "SAME_UPPER"}}};
  same.attributes.set("strides", Ints{2, 2});
  same.needs_dims = true;
  GradientCase lower = same;
  lower.attributes.set("auto_pad", "SAME_LOWER");
  GradientCase shaped{"ConvTranspose", {image, learned({2, 1, 3, 3})}, {{"output_shape", Ints{6, 8}}}};
  shaped.attributes.set("strides", Ints{2, 2});
  shaped.needs_dims = true;
  return {
      {"ConvTranspose", {learned({2, 3, 4}), learned({3, 2, 3})}, {}, {13, 22}},
      {"ConvTranspose", {image, learned({2, 3, 3, 2}), learned({3})}, {{"pads", Ints{1, 0, 1, 1}}}},
      {"ConvTranspose",
       {image, learned({2, 2, 3, 3})},
       {{"strides", Ints{2, 3}}, {"output_padding", Ints{1, 2}}, {"pads", Ints{1, 1, 0, 1}}}},
      {"ConvTranspose", {image, learned({2, 1, 2, 2})}, {{"dilations", Ints{2, 2}}, {"strides", Ints{2, 2}}}},
      {"ConvTranspose", {image, learned({2, 2, 3, 3}), learned({4})}, {{"group", 2}}},
      same,
      lower,
      shaped,
  };
}

std::vector<GradientCase> products() {
  std::vector<GradientCase> cases = {
      {"MatMul", {learned({3, 4}), learned({4, 2})}},
      {"MatMul", {learned({2, 3, 4}), learned({4, 2})}},
      {"MatMul", {learned({2, 2, 3, 4}), learned({4, 2})}},
      {"MatMul", {learned({3, 4}), learned({2, 4, 2})}},
      {"MatMul", {learned({2, 1, 3, 4}), learned({3, 4, 2})}},
      {"MatMul", {learned({2, 3, 4}), learned({2, 4, 2})}},
      {"MatMul", {learned({4}), learned({4, 2})}},
      {"MatMul", {learned({4}), learned({3, 4, 2})}},
      {"MatMul", {learned({3, 4}), learned({4})}},
      {"MatMul", {learned({2, 3, 4}), learned({4})}},
      {"MatMul", {learned({4}), learned({4})}},
      {"Gemm", {learned({3, 4}), learned({4, 2}), learned({3, 1})}, {{"alpha", 0.7F}}},
      {"Gemm", {learned({3, 4}), learned({4, 2})}},
      {"Gemm", {learned({3, 4}), learned({4, 2}), learned({})}, {{"beta", 0.0F}}},
  };
  for (const bool a : {false, true})
    for (const bool b : {false, true})
      cases.push_back(
          {"Gemm",
           {learned(a ? Dims{4, 3} : Dims{3, 4}), learned(b ? Dims{2, 4} : Dims{4, 2}), learned({2})},
           {{"transA", a ? 1 : 0}, {"transB", b ? 1 : 0}, {"alpha", 1.5F}, {"beta", -0.5F}}});
  for (const char* equation : {"ij,jk->ik", "ij,jk", "ij,kj->i", "ij,ij->"})
    cases.push_back({"Einsum", {learned({3, 3}), learned({3, 3})}, {{"equation", equation}}});
  cases.push_back({"Einsum", {learned({2, 3, 4}), learned({2, 4, 2})}, {{"equation", "bij,bjk->bik"}}});
  cases.push_back(
      {"Einsum", {learned({2, 1, 3, 4}), learned({3, 4, 2})}, {{"equation", "...ij,...jk->...ik"}}});
  cases.push_back({"Einsum", {learned({2, 3}), learned({4, 2})}, {{"equation", "ij,ki->k"}}});
  cases.push_back({"Einsum", {learned({2, 3})}, {{"equation", "ij->ji"}}});
  cases.push_back({"Einsum", {learned({2, 3}), learned({3}), learned({2})}, {{"equation", "ij,j,i->ij"}}});
  return cases;
}

std::vector<GradientCase> poolings() {
  const GradientInput image = learned({2, 2, 5, 4});
  const Attributes square = {{"kernel_shape", Ints{3, 2}}};
  Attributes padded = {{"kernel_shape", Ints{3, 3}}, {"strides", Ints{2, 2}}, {"pads", Ints{1, 1, 1, 1}}};
  Attributes up = padded;
  up.set("ceil_mode", 1);
  Attributes counted = padded;
  counted.set("count_include_pad", 1);
  const Attributes same = {{"kernel_shape", Ints{2, 2}}, {"auto_pad", "SAME_UPPER"}};
  std::vector<GradientCase> cases;
  for (const char* op : {"MaxPool", "AveragePool"}) {
    for (const Attributes& attributes : {square, padded, up, same})
      cases.push_back({op, {image}, attributes, {13, 22}});
    cases.push_back({op, {learned({2, 3, 7})}, {{"kernel_shape", Ints{3}}, {"strides", Ints{2}}}});
  }
  cases.push_back({"MaxPool", {image}, {{"kernel_shape", Ints{2, 2}}, {"dilations", Ints{2, 1}}}});
  cases.push_back({"MaxPool", {image}, square, {13}, 2});
  cases.push_back({"AveragePool", {image}, counted});
  for (const int p : {1, 2, 3}) {
    cases.push_back({"LpPool", {image}, {{"kernel_shape", Ints{3, 2}}, {"p", p}}, {13, 22}});
    cases.push_back({"GlobalLpPool", {image}, {{"p", p}}, {13, 22}});
  }
  cases.push_back({"LpPool", {image}, padded});
  cases.push_back({"LpPool", {image}, same});
  for (const char* op : {"GlobalAveragePool", "GlobalMaxPool"}) {
    cases.push_back({op, {image}, {}, {13, 22}});
    cases.push_back({op, {learned({2, 3, 4})}});
  }
  return cases;
}

}  // namespace

std::vector<GradientCase> layer_gradient_cases() {
  std::vector<GradientCase> cases;
  for (auto* more : {convolutions, transposed_convolutions, products, poolings})
    for (GradientCase& each : more()) cases.push_back(std::move(each));
  return cases;
}

}  // namespace edgeopt
