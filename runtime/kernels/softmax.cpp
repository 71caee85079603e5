// Softmax and LogSoftmax in floats. Before opset 13 they run over all dims from the axis on.
#include "runtime/kernels/onednn/onednn.h"

namespace edgeopt {
namespace {

constexpr int opset_of_single_axis = 13;

std::optional<std::string> decline_softmax(const KernelCall& call) {
  if (call.inputs[0].form.dtype != DataType::float32 || !onednn::has_usable_operands(call))
    return "it is not float";
  return std::nullopt;
}

struct Rows {
  Dims dims;
  int axis = 0;
};

// [before, along, behind] the axis.
Rows rows_of(const KernelCall& call) {
  const Dims& dims = call.inputs[0].form.dims;
  const bool is_single = call.opset >= opset_of_single_axis;
  const std::int64_t axis =
      dims.empty() ? 0
                   : normalize_axis(call.node().attributes.get_int("axis", is_single ? -1 : 1), dims.size());
  const std::span all(dims);
  const auto at = static_cast<std::size_t>(axis);
  if (dims.empty()) return {{1, 1}, 1};
  if (!is_single) return {{element_count(all.first(at)), element_count(all.subspan(at))}, 1};
  return {{element_count(all.first(at)), dims[at], element_count(all.subspan(at + 1))}, 1};
}

template <typename Primitive>
BoundStep bind_rows(const KernelCall& call) {
  Rows rows = rows_of(call);
  if (rows.dims.size() == 3 && rows.dims[2] == 1) rows.dims.pop_back();
  const auto desc = onednn::desc_of({DataType::float32, rows.dims});
  const typename Primitive::primitive_desc description({dnnl::prop_kind::forward_inference, desc, rows.axis},
                                                       onednn::new_attributes(), onednn::cpu_engine());
  auto step = std::make_shared<onednn::PrimitiveStep>(Primitive(description));
  step->bind(DNNL_ARG_SRC, desc, place_of(call.inputs[0]));
  step->bind(DNNL_ARG_DST, desc, place_of(call.outputs[0]));
  const auto scratch = description.scratchpad_desc();
  step->bind(DNNL_ARG_SCRATCHPAD, scratch, place_of({.slot = call.scratch, .is_present = true}));
  return onednn::PrimitiveStep::finish(std::move(step), scratch.get_size());
}

BoundStep bind_softmax(const KernelCall& call) {
  return call.node().is("Softmax") ? bind_rows<dnnl::softmax_forward>(call)
                                   : bind_rows<dnnl::logsoftmax_forward>(call);
}

std::vector<KernelCase> softmax_cases() {
  std::vector<KernelCase> cases;
  for (const std::int64_t count : {1, 15, 16, 17, 53})
    cases.push_back({.op_type = "Softmax", .inputs = {{DataType::float32, {3, count}}}});
  cases.push_back(
      {.op_type = "Softmax", .inputs = {{DataType::float32, {2, 5, 7}}}, .attributes = {{"axis", 1}}});
  cases.push_back({.op_type = "LogSoftmax", .inputs = {{DataType::float32, {2, 17}}}});
  cases.push_back({.op_type = "Softmax",
                   .inputs = {{DataType::float32, {2, 5, 7}}},
                   .attributes = {{"axis", 1}},
                   .opset = 11});
  return cases;
}

}  // namespace

Kernel softmax_kernel() {
  return {.name = "softmax",
          .op_types = {"Softmax", "LogSoftmax"},
          .decline = decline_softmax,
          .bind = bind_softmax,
          .in_place_inputs = {0},
          .cases = softmax_cases(),
          // oneDNN's polynomial for exp is good to a few units of 2^-23.
          .tolerance = 2e-6};
}

}  // namespace edgeopt
