#include "runtime/kernel.h"

#include <algorithm>
#include <map>

#include "runtime/reorder.h"

namespace edgeopt {
namespace {

Layouts all_in(const KernelCall& call, Layout layout) {
  return {.inputs = std::vector<Layout>(call.inputs.size(), layout),
          .outputs = std::vector<Layout>(call.outputs.size(), layout)};
}

bool is_open_to(const TaskOperand& operand, std::size_t rank) {
  return !operand.is_present || operand.form.dims.size() == rank ||
         (operand.is_constant() && element_count(operand.form.dims) == 1);
}

}  // namespace

bool Quantization::is_symmetric() const {
  return std::all_of(zero_points.begin(), zero_points.end(), [](std::int32_t zero) { return zero == 0; });
}

bool Kernel::reads(std::size_t input) const {
  return std::find(unread_inputs.begin(), unread_inputs.end(), static_cast<int>(input)) ==
         unread_inputs.end();
}

std::string qualified_name(const Node& node) {
  return node.domain.empty() ? node.op_type : node.domain + "." + node.op_type;
}

const Kernel* find_kernel(const KernelCall& call) {
  using Index = std::map<std::string, std::vector<const Kernel*>>;
  static const Index by_op = [] {
    Index index;
    for (const Kernel& kernel : all_kernels())
      for (const std::string& op : kernel.op_types) index[op].push_back(&kernel);
    return index;
  }();
  const auto found = by_op.find(qualified_name(call.node()));
  if (found == by_op.end()) return nullptr;
  for (const Kernel* kernel : found->second)
    if (!kernel->decline(call)) return kernel;
  return nullptr;
}

std::shared_ptr<const Slot> place_of(const TaskOperand& operand) {
  if (!operand.constant) return {std::shared_ptr<const void>(), operand.slot};
  struct Held {
    Tensor tensor;
    Slot slot;
  };
  const auto held = std::make_shared<Held>();
  held->tensor = reordered(*operand.constant, operand.form.layout);
  held->slot.data = const_cast<std::byte*>(held->tensor.bytes().data());
  return {held, &held->slot};
}

Layouts plain_layouts(const KernelCall& call) { return all_in(call, Layout::plain); }

Layouts channels_last_layouts(const KernelCall& call) {
  Layouts layouts = plain_layouts(call);
  const std::size_t rank = call.inputs[0].form.dims.size();
  for (std::size_t i = 0; i < call.inputs.size(); ++i)
    if (call.inputs[i].form.dims.size() == rank) layouts.inputs[i] = Layout::channels_last;
  for (std::size_t i = 0; i < call.outputs.size(); ++i)
    if (call.outputs[i].form.dims.size() == rank) layouts.outputs[i] = Layout::channels_last;
  return layouts;
}

Layouts common_layouts(const KernelCall& call) {
  const bool is_wanted = std::any_of(call.inputs.begin(), call.inputs.end(), [](const TaskOperand& input) {
    return input.is_present && input.form.layout == Layout::channels_last;
  });
  const std::size_t rank = call.outputs[0].form.dims.size();
  const bool is_possible = is_wanted && can_be_channels_last(call.outputs[0].form.dims) &&
                           std::all_of(call.inputs.begin(), call.inputs.end(),
                                       [&](const TaskOperand& x) { return is_open_to(x, rank); }) &&
                           std::all_of(call.outputs.begin(), call.outputs.end(),
                                       [&](const TaskOperand& x) { return is_open_to(x, rank); });
  return all_in(call, is_possible ? Layout::channels_last : Layout::plain);
}

}  // namespace edgeopt
