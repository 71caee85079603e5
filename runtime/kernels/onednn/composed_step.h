// A primitive with operands that lie otherwise than it likes: they are reordered in the step's scratch
// memory, inputs before and outputs after it, at every run. For weights that change between runs, and for
// their gradients.
#pragma once
#include <deque>
#include <memory>
#include <vector>

#include "runtime/kernels/onednn/onednn.h"

namespace edgeopt::onednn {

class ComposedStep {
 public:
  ComposedStep(const dnnl::primitive& primitive, const Slot* scratch);
  /// The operand lies as the primitive wants it.
  void bind(int argument, const dnnl::memory::desc& desc, std::shared_ptr<const Slot> place);
  void bind(int argument, const dnnl::memory::desc& desc, std::shared_ptr<const PackedConstant> packed);
  void bind_input(int argument, const dnnl::memory::desc& given, const dnnl::memory::desc& wanted,
                  std::shared_ptr<const Slot> place);
  void bind_output(int argument, const dnnl::memory::desc& made, const dnnl::memory::desc& wanted,
                   std::shared_ptr<const Slot> place);
  /// Memory for the primitive's own use.
  void bind_scratchpad(const dnnl::memory::desc& desc);
  void run();
  /// The step, for a plan.
  static BoundStep finish(std::shared_ptr<ComposedStep> step);

 private:
  struct Part {
    Slot slot;
    std::size_t offset = 0;
  };
  std::shared_ptr<const Slot> new_part(std::size_t bytes);
  std::unique_ptr<PrimitiveStep> reorder(const dnnl::memory::desc& from, std::shared_ptr<const Slot> source,
                                         const dnnl::memory::desc& to, std::shared_ptr<const Slot> target);

  const Slot* scratch_;
  std::size_t scratch_bytes_ = 0;
  std::deque<Part> parts_;
  std::vector<std::unique_ptr<PrimitiveStep>> before_;
  PrimitiveStep primitive_;
  std::vector<std::unique_ptr<PrimitiveStep>> after_;
};

}  // namespace edgeopt::onednn
