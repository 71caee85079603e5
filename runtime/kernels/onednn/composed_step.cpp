#include "runtime/kernels/onednn/composed_step.h"

namespace edgeopt::onednn {
namespace {

constexpr std::size_t alignment = 64;  // one cache line, and one AVX-512 vector

}  // namespace

ComposedStep::ComposedStep(const dnnl::primitive& primitive, const Slot* scratch)
    : scratch_(scratch), primitive_(primitive) {}

void ComposedStep::bind(int argument, const dnnl::memory::desc& desc, std::shared_ptr<const Slot> place) {
  primitive_.bind(argument, desc, std::move(place));
}

void ComposedStep::bind(int argument, const dnnl::memory::desc& desc,
                        std::shared_ptr<const PackedConstant> packed) {
  primitive_.bind(argument, desc, std::move(packed));
}

void ComposedStep::bind_input(int argument, const dnnl::memory::desc& given, const dnnl::memory::desc& wanted,
                              std::shared_ptr<const Slot> place) {
  if (given == wanted) return bind(argument, given, std::move(place));
  const auto part = new_part(wanted.get_size());
  before_.push_back(reorder(given, std::move(place), wanted, part));
  bind(argument, wanted, part);
}

void ComposedStep::bind_output(int argument, const dnnl::memory::desc& made, const dnnl::memory::desc& wanted,
                               std::shared_ptr<const Slot> place) {
  if (made == wanted) return bind(argument, made, std::move(place));
  const auto part = new_part(made.get_size());
  bind(argument, made, part);
  after_.push_back(reorder(made, part, wanted, std::move(place)));
}

void ComposedStep::bind_scratchpad(const dnnl::memory::desc& desc) {
  bind(DNNL_ARG_SCRATCHPAD, desc, new_part(desc.get_size()));
}

std::shared_ptr<const Slot> ComposedStep::new_part(std::size_t bytes) {
  Part& part = parts_.emplace_back();
  part.offset = scratch_bytes_;
  scratch_bytes_ += (bytes + alignment - 1) / alignment * alignment;
  // Owned by parts_, which lives as long as the primitives that read it.
  return {std::shared_ptr<const void>(), &part.slot};
}

std::unique_ptr<PrimitiveStep> ComposedStep::reorder(const dnnl::memory::desc& from,
                                                     std::shared_ptr<const Slot> source,
                                                     const dnnl::memory::desc& to,
                                                     std::shared_ptr<const Slot> target) {
  const dnnl::reorder::primitive_desc description(cpu_engine(), from, cpu_engine(), to, new_attributes());
  auto step = std::make_unique<PrimitiveStep>(dnnl::reorder(description));
  step->bind(DNNL_ARG_FROM, from, std::move(source));
  step->bind(DNNL_ARG_TO, to, std::move(target));
  const dnnl::memory::desc scratch = description.scratchpad_desc();
  step->bind(DNNL_ARG_SCRATCHPAD, scratch, new_part(scratch.get_size()));
  return step;
}

void ComposedStep::run() {
  for (Part& part : parts_) part.slot.data = scratch_->data + part.offset;
  for (const auto& step : before_) step->run();
  primitive_.run();
  for (const auto& step : after_) step->run();
}

BoundStep ComposedStep::finish(std::shared_ptr<ComposedStep> step) {
  const std::size_t bytes = step->scratch_bytes_;
  return {.run = [step = std::move(step)] { step->run(); }, .scratch_bytes = bytes};
}

}  // namespace edgeopt::onednn
