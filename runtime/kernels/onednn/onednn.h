// What the kernels on oneDNN share: descriptors, fused functions, packed weights, prebound execution.
#pragma once
#include <memory>
#include <oneapi/dnnl/dnnl.hpp>
#include <vector>

#include "runtime/kernel.h"
#include "runtime/packed_constants.h"

namespace edgeopt::onednn {

const dnnl::engine& cpu_engine();

/// undef for a type that oneDNN's kernels do not compute with.
dnnl::memory::data_type data_type_of(DataType type);
/// Dense, in the layout of the form; a scalar has one dim.
dnnl::memory::desc desc_of(const TensorForm& form);
/// In whatever format the primitive likes best.
dnnl::memory::desc any_desc(DataType type, const Dims& dims);

/// True if every operand that is present is of a type that oneDNN computes with and has elements.
bool has_usable_operands(const KernelCall& call);

/// Appends the functions; inputs and outputs of the chain are real numbers divided by `unit`.
void append_activations(dnnl::post_ops& post_ops, const std::vector<Activation>& activations, float unit = 1);
/// True if f(x / unit) * unit can be computed on x / unit: no function depends on the unit but by its bounds.
bool keeps_unit(const std::vector<Activation>& activations);

/// The constant reordered from `from` to `to`, shared between sessions.
std::shared_ptr<const PackedConstant> pack(const Tensor& constant, const dnnl::memory::desc& from,
                                           const dnnl::memory::desc& to);

/// True if oneDNN has a primitive for what `describe` asks of it.
template <typename Describe>
bool is_available(const Describe& describe) {
  try {
    describe();
    return true;
  } catch (const dnnl::error&) {
    return false;
  }
}

/// A primitive with its arguments; running it allocates nothing of its own.
class PrimitiveStep {
 public:
  explicit PrimitiveStep(const dnnl::primitive& primitive);
  /// The argument lies where `place` says at every run.
  void bind(int argument, const dnnl::memory::desc& desc, std::shared_ptr<const Slot> place);
  void bind(int argument, const dnnl::memory::desc& desc, std::shared_ptr<const PackedConstant> packed);
  void run();
  /// The step, for a plan.
  static BoundStep finish(std::shared_ptr<PrimitiveStep> step, std::size_t scratch_bytes);

 private:
  struct Argument {
    dnnl::memory memory;
    std::shared_ptr<const Slot> place;
    std::byte* bound = nullptr;
  };
  dnnl::primitive primitive_;
  dnnl::stream stream_;
  std::vector<Argument> arguments_;
  std::vector<dnnl_exec_arg_t> c_arguments_;
  std::vector<std::shared_ptr<const PackedConstant>> packed_;
};

/// The scratchpad is the plan's.
dnnl::primitive_attr new_attributes();

}  // namespace edgeopt::onednn
