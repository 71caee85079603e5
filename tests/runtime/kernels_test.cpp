// Every kernel against the slow evaluation of its operator, on the cases that it names itself.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "ir/edit.h"
#include "ir/evaluate.h"
#include "runtime/engine.h"
#include "runtime/kernel.h"
#include "support/random.h"

namespace edgeopt {
namespace {

Tensor make_tensor(const TensorForm& form, RandomStream& random, bool is_special) {
  Tensor tensor(form.dtype, form.dims);
  for (std::int64_t i = 0; i < tensor.element_count(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    if (form.dtype == DataType::float32)
      tensor.mutable_data<float>()[at] = static_cast<float>(2 * random.normal());
    if (form.dtype == DataType::uint8)
      tensor.mutable_data<std::uint8_t>()[at] = static_cast<std::uint8_t>(random.below(256));
    if (form.dtype == DataType::int8)
      tensor.mutable_data<std::int8_t>()[at] = static_cast<std::int8_t>(random.below(256));
    if (form.dtype == DataType::int64)
      tensor.mutable_data<std::int64_t>()[at] = static_cast<std::int64_t>(random.below(3));
    if (form.dtype == DataType::int32)
      tensor.mutable_data<std::int32_t>()[at] = static_cast<std::int32_t>(random.below(99));
  }
  // 4 and 16 bits.
  const bool is_other_integer =
      is_integer(form.dtype) && (bit_count(form.dtype) == 4 || bit_count(form.dtype) == 16);
  if (is_other_integer) {
    std::vector<std::int64_t> elements(static_cast<std::size_t>(tensor.element_count()));
    for (std::int64_t& element : elements) element = static_cast<std::int64_t>(random.below(65536));
    tensor = from_int64s(form.dtype, form.dims, elements);
  }
  if (is_special && form.dtype == DataType::float32) {
    constexpr float infinity = std::numeric_limits<float>::infinity();
    const float specials[] = {std::nanf(""), infinity, -infinity, 0.0f, -0.0f, 1e-40f, 3e38f};
    for (std::size_t i = 0; i < std::size(specials) && i < tensor.mutable_data<float>().size(); ++i)
      tensor.mutable_data<float>()[i] = specials[i];
  }
  return tensor;
}

struct Built {
  Graph graph;
  Tensors inputs;
};

constexpr int newest_opset = 20;

Tensor zero_points(const Quantization& quantization) {
  const auto count = static_cast<std::int64_t>(quantization.zero_points.size());
  const Tensor zeros = cast(Tensor::of<std::int32_t>({count}, quantization.zero_points), quantization.dtype);
  return quantization.is_per_channel() ? zeros : zeros.reshaped({});
}

ValueId add_conversion(Edit& edit, const char* op, ValueId value, const Quantization& quantization) {
  const auto count = static_cast<std::int64_t>(quantization.scales.size());
  const Tensor scales = Tensor::of<float>({count}, quantization.scales);
  return edit.add_node(
      op,
      {value, edit.add_constant(quantization.is_per_channel() ? scales : scales.reshaped({})),
       edit.add_constant(zero_points(quantization))},
      {{"axis", quantization.axis}});
}

Built build(const KernelCase& wanted) {
  RandomStream random(1, "kernel case");
  Edit edit{Graph()};
  edit.set_opset("", wanted.opset > 0 ? wanted.opset : newest_opset);
  Tensors given;
  std::vector<ValueId> inputs;
  for (std::size_t i = 0; i < wanted.inputs.size(); ++i) {
    const TensorForm& form = wanted.inputs[i];
    const auto fixed = std::find_if(wanted.constants.begin(), wanted.constants.end(),
                                    [&](const auto& entry) { return entry.first == i; });
    const bool is_constant = std::count(wanted.constant_inputs.begin(), wanted.constant_inputs.end(), i) > 0;
    const Tensor tensor = fixed != wanted.constants.end()
                              ? fixed->second
                              : make_tensor(form, random, wanted.is_special && !is_constant);
    if (is_constant || fixed != wanted.constants.end()) {
      inputs.push_back(edit.add_constant(tensor));
    } else {
      inputs.push_back(
          edit.add_input("x" + std::to_string(i), {.dtype = form.dtype, .shape = to_shape(form.dims)}));
      given.push_back(tensor);
    }
    if (i < wanted.input_quantization.size() && wanted.input_quantization[i])
      inputs[i] = add_conversion(edit, "DequantizeLinear", inputs[i], *wanted.input_quantization[i]);
  }
  const std::size_t dot = wanted.op_type.rfind('.');
  const auto outputs =
      edit.add_node({.op_type = wanted.op_type.substr(dot + 1),
                     .inputs = inputs,
                     .attributes = wanted.attributes,
                     .output_count = static_cast<int>(wanted.output_count),
                     .domain = dot == std::string::npos ? "" : wanted.op_type.substr(0, dot)});
  for (const ValueId output : outputs)
    edit.add_output(wanted.output_quantization
                        ? add_conversion(edit, "QuantizeLinear", output, *wanted.output_quantization)
                        : output);
  return {edit.apply(), given};
}

bool is_close(double expected, double got, double limit) {
  if (std::isnan(expected)) return std::isnan(got);
  if (std::isinf(expected)) return expected == got;
  return std::abs(expected - got) <= limit;
}

void check_close(const Tensor& expected, const Tensor& got, double tolerance) {
  REQUIRE(expected.dtype() == got.dtype());
  REQUIRE(expected.dims() == got.dims());
  const std::vector<double> a = to_doubles(expected);
  const std::vector<double> b = to_doubles(got);
  double scale = 0;
  for (const double x : a)
    if (std::isfinite(x)) scale = std::max(scale, std::abs(x));
  for (std::size_t i = 0; i < a.size(); ++i)
    if (!is_close(a[i], b[i], tolerance * scale)) {
      CAPTURE(i);
      CHECK(a[i] == b[i]);
      return;
    }
}

// Integer kernels sum exactly and scale once, the definition scales each term: where the real result lies
// within a float rounding of a tie, the two may fall to different sides of it.
void check_integers(const Tensor& expected, const Tensor& got) {
  REQUIRE(expected.dtype() == got.dtype());
  REQUIRE(expected.dims() == got.dims());
  const std::vector<double> a = to_doubles(expected);
  const std::vector<double> b = to_doubles(got);
  std::size_t different_count = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    different_count += a[i] != b[i];
    if (std::abs(a[i] - b[i]) > 1) {
      CAPTURE(i);
      CHECK(a[i] == b[i]);
      return;
    }
  }
  CHECK(100 * different_count <= a.size());
}

TEST_CASE("a kernel computes what its operator's definition says") {
  for (const Kernel& kernel : all_kernels())
    for (std::size_t i = 0; i < kernel.cases.size(); ++i) {
      CAPTURE(kernel.name);
      CAPTURE(kernel.cases[i].op_type);
      CAPTURE(i);
      const Built built = build(kernel.cases[i]);
      const Tensors expected = evaluate(built.graph, built.inputs);
      const Tensors got = compile(built.graph)->run(built.inputs);
      REQUIRE(expected.size() == got.size());
      for (std::size_t output = 0; output < got.size(); ++output)
        if (kernel.cases[i].output_quantization)
          check_integers(expected[output], got[output]);
        else
          check_close(expected[output], got[output], kernel.tolerance);
    }
}

TEST_CASE("a kernel runs the cases that it names") {
  for (const Kernel& kernel : all_kernels()) {
    CAPTURE(kernel.name);
    CHECK_FALSE(kernel.cases.empty());
    for (std::size_t i = 0; i < kernel.cases.size(); ++i) {
      CAPTURE(i);
      const Built built = build(kernel.cases[i]);
      std::vector<std::string> kernels = executed_kernels(built.graph, built.inputs);
      CHECK(std::count(kernels.begin(), kernels.end(), kernel.name) == 1);
    }
  }
}

TEST_CASE("a kernel gives the same bytes at 1, 2 and 4 threads") {
  for (const Kernel& kernel : all_kernels())
    for (std::size_t i = 0; i < kernel.cases.size(); ++i) {
      CAPTURE(kernel.name);
      CAPTURE(i);
      const Built built = build(kernel.cases[i]);
      const Tensors alone = compile(built.graph, {.thread_count = 1})->run(built.inputs);
      for (const int threads : {2, 4})
        CHECK(compile(built.graph, {.thread_count = threads})->run(built.inputs) == alone);
    }
}

}  // namespace
}  // namespace edgeopt
