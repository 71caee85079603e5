// One fast kernel, one file in runtime/kernels/: for which operators, which operands it takes, in which
// layout it wants them, and the step that it becomes once shapes and places are known.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ir/tensor.h"
#include "runtime/task.h"
#include "runtime/tensor_form.h"

namespace edgeopt {

/// Where a value lies; the address is known from the first run on and may change between runs.
struct Slot {
  std::byte* data = nullptr;
};

struct TaskOperand {
  TensorForm form;
  std::optional<Tensor> constant;  // in plain layout
  Slot* slot = nullptr;            // null while a kernel only decides
  bool is_present = false;
  bool is_constant() const { return constant.has_value(); }
  template <typename T>
  T* data() const {
    return reinterpret_cast<T*>(slot->data);
  }
};

/// A task with what is known of its operands before the first run.
struct KernelCall {
  const Task& task;
  int opset = 0;
  std::vector<TaskOperand> inputs = {};
  std::vector<TaskOperand> outputs = {};
  TaskOperand addend = {};  // shares its memory with outputs[0]
  int thread_count = 1;
  Slot* scratch = nullptr;  // memory of the step's own while it runs: BoundStep::scratch_bytes

  const Node& node() const { return *task.node; }
  bool has_input(std::size_t index) const { return index < inputs.size() && inputs[index].is_present; }
  bool is_quantized() const { return task.is_quantized(); }
};

/// A kernel with everything bound: running it allocates nothing.
struct BoundStep {
  std::function<void()> run;
  std::size_t scratch_bytes = 0;
};

struct Layouts {
  std::vector<Layout> inputs;
  std::vector<Layout> outputs;
};

/// A graph of one operator to compare the kernel with its slow evaluation on; inputs are made from `seed`.
struct KernelCase {
  std::string op_type;  // as qualified_name gives it
  std::vector<TensorForm> inputs;
  Attributes attributes = {};
  std::vector<std::size_t> constant_inputs = {};               // made from the seed too
  std::vector<std::pair<std::size_t, Tensor>> constants = {};  // inputs that are these constants
  bool is_special = false;                                     // NaN, infinities and zeros among the inputs
  std::size_t output_count = 1;
  int opset = 0;  // 0: the newest
  /// The operator between DequantizeLinear and QuantizeLinear: one entry per input (nothing: a float).
  std::vector<std::optional<Quantization>> input_quantization = {};
  std::optional<Quantization> output_quantization = {};
};

struct Kernel {
  std::string name;
  std::vector<std::string> op_types;  // as qualified_name gives them
  /// Why it cannot run this call; nothing if it can.
  std::function<std::optional<std::string>(const KernelCall&)> decline;
  /// The layouts that it wants, given those that the inputs have. Empty: everything plain.
  std::function<Layouts(const KernelCall&)> choose_layouts = {};
  std::function<BoundStep(const KernelCall&)> bind;
  /// Inputs of which only the dims matter: their elements may be gone, or never have been computed.
  std::vector<int> unread_inputs = {};
  /// Inputs whose memory output 0 may take over when nobody else needs it (and forms are of one size).
  std::vector<int> in_place_inputs = {};
  /// Output 0 is input 0 under other dims: no step at all.
  bool is_view = false;
  std::vector<KernelCase> cases = {};
  /// Largest difference from the slow evaluation, relative to the largest magnitude of the output.
  double tolerance = 0;

  bool reads(std::size_t input) const;
};

/// Where the operand lies when the step runs: its slot, or a constant in the layout of its form, kept alive
/// by the result.
std::shared_ptr<const Slot> place_of(const TaskOperand& operand);

/// "Conv" for ONNX's own operators, "edgeopt.ConvInputGradient" for those of another domain.
std::string qualified_name(const Node& node);

/// All kernels; generated from the files in runtime/kernels. The first that takes a task runs it.
const std::vector<Kernel>& all_kernels();

/// The first kernel that can run the call; null if none can.
const Kernel* find_kernel(const KernelCall& call);

/// The names of the kernels that a plan for these inputs runs, in order; "" where the slow evaluation does.
std::vector<std::string> executed_kernels(const Graph& graph, const Tensors& inputs);

// Stock layout rules.
Layouts plain_layouts(const KernelCall& call);
/// Every operand of input 0's rank channels last.
Layouts channels_last_layouts(const KernelCall& call);
/// All operands in the layout of the first input that is not plain; plain if one of them has another rank.
Layouts common_layouts(const KernelCall& call);

}  // namespace edgeopt
