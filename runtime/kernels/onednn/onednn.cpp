#include "runtime/kernels/onednn/onednn.h"

#include <fmt/format.h>

#include <algorithm>

#include "support/error.h"

namespace edgeopt::onednn {
namespace {

using Tag = dnnl::memory::format_tag;

Tag plain_tag(std::size_t rank) {
  constexpr Tag tags[] = {Tag::a,     Tag::a,      Tag::ab,      Tag::abc,      Tag::abcd,
                          Tag::abcde, Tag::abcdef, Tag::abcdefg, Tag::abcdefgh, Tag::abcdefghi};
  if (rank >= std::size(tags)) throw InternalError(fmt::format("rank {} is beyond oneDNN's", rank));
  return tags[rank];
}

Tag channels_last_tag(std::size_t rank) {
  if (rank == 3) return Tag::nwc;
  return rank == 4 ? Tag::nhwc : Tag::ndhwc;
}

dnnl::memory::dims dims_of(const Dims& dims) { return dims.empty() ? dnnl::memory::dims{1} : dims; }

void append_activation(dnnl::post_ops& post_ops, const Activation& activation, float unit) {
  using Function = dnnl::algorithm;
  const auto& [op, alpha, beta] = activation;
  if (op == "Relu") return post_ops.append_eltwise(1, Function::eltwise_relu, 0, 0);
  if (op == "LeakyRelu") return post_ops.append_eltwise(1, Function::eltwise_relu, alpha, 0);
  if (op == "Clip") return post_ops.append_eltwise(1, Function::eltwise_clip, alpha / unit, beta / unit);
  if (op == "Sigmoid") return post_ops.append_eltwise(1, Function::eltwise_logistic, 0, 0);
  if (op == "Tanh") return post_ops.append_eltwise(1, Function::eltwise_tanh, 0, 0);
  if (op == "Elu") return post_ops.append_eltwise(1, Function::eltwise_elu, alpha, 0);
  if (op == "HardSwish") return post_ops.append_eltwise(1, Function::eltwise_hardswish, 0, 0);
  if (op == "Gelu") return post_ops.append_eltwise(1, Function::eltwise_gelu_erf, 0, 0);
  if (op == "HardSigmoid") {
    post_ops.append_eltwise(1, Function::eltwise_linear, alpha, beta);
    return post_ops.append_eltwise(1, Function::eltwise_clip, 0, 1);
  }
  throw InternalError(fmt::format("no fused function for {}", op));
}

}  // namespace

const dnnl::engine& cpu_engine() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

dnnl::memory::data_type data_type_of(DataType type) {
  switch (type) {
    case DataType::float32:
      return dnnl::memory::data_type::f32;
    case DataType::int32:
      return dnnl::memory::data_type::s32;
    case DataType::int8:
      return dnnl::memory::data_type::s8;
    case DataType::uint8:
      return dnnl::memory::data_type::u8;
    default:
      return dnnl::memory::data_type::undef;
  }
}

dnnl::memory::desc desc_of(const TensorForm& form) {
  const bool is_plain = form.layout == Layout::plain || !can_be_channels_last(form.dims);
  return {dims_of(form.dims), data_type_of(form.dtype),
          is_plain ? plain_tag(form.dims.size()) : channels_last_tag(form.dims.size())};
}

dnnl::memory::desc any_desc(DataType type, const Dims& dims) {
  return {dims_of(dims), data_type_of(type), dnnl::memory::format_tag::any};
}

bool has_usable_operands(const KernelCall& call) {
  constexpr std::size_t highest_rank = 9;  // of plain_tag
  const auto is_usable = [](const TaskOperand& operand) {
    return !operand.is_present ||
           (data_type_of(operand.form.dtype) != dnnl::memory::data_type::undef &&
            element_count(operand.form.dims) > 0 && operand.form.dims.size() <= highest_rank);
  };
  return std::all_of(call.inputs.begin(), call.inputs.end(), is_usable) &&
         std::all_of(call.outputs.begin(), call.outputs.end(), is_usable);
}

void append_activations(dnnl::post_ops& post_ops, const std::vector<Activation>& activations, float unit) {
  for (const Activation& activation : activations) append_activation(post_ops, activation, unit);
}

bool keeps_unit(const std::vector<Activation>& activations) {
  return std::all_of(activations.begin(), activations.end(), [](const Activation& activation) {
    return activation.op_type == "Relu" || activation.op_type == "LeakyRelu" || activation.op_type == "Clip";
  });
}

std::shared_ptr<const PackedConstant> pack(const Tensor& constant, const dnnl::memory::desc& from,
                                           const dnnl::memory::desc& to) {
  // Descriptors are plain data without padding of their own, so their bytes name the format. The one that is
  // read counts too: a square matrix read transposed has the same dims.
  std::string format(reinterpret_cast<const char*>(&from.data), sizeof(from.data));
  format.append(reinterpret_cast<const char*>(&to.data), sizeof(to.data));
  return packed_constant(constant, format, to.get_size(), [&](std::byte* target) {
    dnnl::stream stream(cpu_engine());
    dnnl::memory source(from, cpu_engine(), const_cast<std::byte*>(constant.bytes().data()));
    dnnl::memory result(to, cpu_engine(), target);
    dnnl::reorder(source, result).execute(stream, source, result);
    stream.wait();
  });
}

dnnl::primitive_attr new_attributes() {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

PrimitiveStep::PrimitiveStep(const dnnl::primitive& primitive)
    : primitive_(primitive), stream_(cpu_engine()) {}

void PrimitiveStep::bind(int argument, const dnnl::memory::desc& desc, std::shared_ptr<const Slot> place) {
  arguments_.push_back({dnnl::memory(desc, cpu_engine(), DNNL_MEMORY_NONE), std::move(place)});
  c_arguments_.push_back({argument, arguments_.back().memory.get()});
}

void PrimitiveStep::bind(int argument, const dnnl::memory::desc& desc,
                         std::shared_ptr<const PackedConstant> packed) {
  arguments_.push_back({dnnl::memory(desc, cpu_engine(), packed->data()), nullptr});
  c_arguments_.push_back({argument, arguments_.back().memory.get()});
  packed_.push_back(std::move(packed));
}

void PrimitiveStep::run() {
  for (Argument& argument : arguments_)
    if (argument.place && argument.place->data != argument.bound) {
      argument.bound = argument.place->data;
      argument.memory.set_data_handle(argument.bound);
    }
  const dnnl_status_t status = dnnl_primitive_execute(
      primitive_.get(), stream_.get(), static_cast<int>(c_arguments_.size()), c_arguments_.data());
  if (status != dnnl_success)
    throw InternalError(fmt::format("oneDNN failed with status {}", static_cast<int>(status)));
}

BoundStep PrimitiveStep::finish(std::shared_ptr<PrimitiveStep> step, std::size_t scratch_bytes) {
  return {.run = [step = std::move(step)] { step->run(); }, .scratch_bytes = scratch_bytes};
}

}  // namespace edgeopt::onednn
