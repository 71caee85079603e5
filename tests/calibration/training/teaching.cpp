#include "tests/calibration/training/teaching.h"

#include "calibration/ranges/calibrate.h"
#include "hwprofiles/profile.h"
#include "ir/edit.h"
#include "ir/infer.h"
#include "passes/framework/pass.h"
#include "runtime/engine.h"
#include "support/random.h"
#include "tests/support/onnx_text.h"

namespace edgeopt {
namespace {

Tensor normal_tensor(const Dims& dims, const std::string& name, double deviation) {
  RandomStream random(1, name);
  Tensor tensor(DataType::float32, dims);
  for (float& element : tensor.mutable_data<float>())
    element = static_cast<float>(deviation * random.normal());
  return tensor;
}

}  // namespace

SampleSource normal_samples(const Dims& dims, std::int64_t count) {
  return {.count = count, .sha256 = "normal", .read = [dims](std::int64_t index) {
            return Sample{.inputs = {normal_tensor(dims, "sample " + std::to_string(index), 1)}};
          }};
}

SampleSource patterned_samples(const Dims& dims, std::int64_t count) {
  return {.count = count, .sha256 = "patterned", .read = [dims](std::int64_t index) {
            constexpr int pattern_count = 4;
            RandomStream random(1, "shares of sample " + std::to_string(index));
            Tensor sample(DataType::float32, dims);
            for (int k = 0; k < pattern_count; ++k) {
              const Tensor pattern = normal_tensor(dims, "pattern " + std::to_string(k), 1);
              const auto share = static_cast<float>(random.normal());
              for (std::size_t i = 0; i < sample.data<float>().size(); ++i)
                sample.mutable_data<float>()[i] += share * pattern.data<float>()[i];
            }
            return Sample{.inputs = {sample}};
          }};
}

Graph small_teacher() {
  const Graph open = graph_from_text(R"(
    <ir_version: 8, opset_import: ["": 13]>
    g (float[N,2,6,6] x, float[8,2,3,3] v_in, float[8] b_in, float[6,8,3,3] w_in, float[6] d_in, float[54,5] m_in,
       float[5] e_in) => (float[N,5] y)
    {
      c = Conv<pads = [1,1,1,1]>(x, v_in, b_in)
      r = Relu(c)
      s = Conv<strides = [2,2], pads = [1,1,1,1]>(r, w_in, d_in)
      t = Relu(s)
      f = Flatten(t)
      y = Gemm(f, m_in, e_in)
    })");
  Edit edit(open);
  const auto fill = [&](const std::string& name, const Dims& dims, double deviation) {
    const ValueId input = *open.find_value(name + "_in");
    edit.replace(input, edit.add_constant(normal_tensor(dims, name, deviation), name));
    edit.remove_input(input);
  };
  fill("v", {8, 2, 3, 3}, 0.3);
  fill("b", {8}, 0.1);
  fill("w", {6, 8, 3, 3}, 0.2);
  fill("d", {6}, 0.1);
  fill("m", {54, 5}, 0.3);
  fill("e", {5}, 0.1);
  return with_inferred_types(edit.apply());
}

Graph quantized_student(const Graph& teacher, const SampleSource& samples, int weight_bits) {
  PassContext context{.profile = load_profile("x86_avx512_vnni")};
  context.profile.quantization.weight_bits = weight_bits;
  const Graph ranged = with_ranges(teacher, samples, {.observer = {.method = ObserverMethod::minmax}});
  return find_pass("insert_quantization").run(ranged, context).graph;
}

double relative_distance(const Graph& a, const Graph& b, const SampleSource& samples) {
  const auto first = compile(a), second = compile(b);
  double sum = 0;
  for (std::int64_t i = 0; i < samples.count; ++i) {
    const Tensors inputs = samples.read(i).inputs;
    const std::vector<double> x = to_doubles(first->run(inputs)[0]);
    const std::vector<double> y = to_doubles(second->run(inputs)[0]);
    double error = 0, energy = 0;
    for (std::size_t k = 0; k < x.size(); ++k) {
      error += (x[k] - y[k]) * (x[k] - y[k]);
      energy += x[k] * x[k];
    }
    sum += error / energy;
  }
  return sum / static_cast<double>(samples.count);
}

}  // namespace edgeopt
