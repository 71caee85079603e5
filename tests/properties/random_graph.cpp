#include "tests/properties/random_graph.h"

#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include "ir/edit.h"
#include "ir/infer.h"
#include "support/random.h"

namespace edgeopt {
namespace {

class RandomGraph {
 public:
  explicit RandomGraph(std::uint64_t seed) : stream_(seed, "random graph") {
    constexpr std::int64_t opsets[] = {9, 11, 13, 17, 18, 20};
    Edit edit{Graph()};
    edit.set_header(
        {.ir_version = 8, .opset_imports = {{.domain = "", .version = opsets[stream_.below(6)]}}});
    const Dim batch = stream_.below(2) == 0 ? Dim("N") : Dim(2);
    values_.push_back(edit.add_input("image", {.dtype = DataType::float32, .shape = Shape{batch, 4, 5, 5}}));
    values_.push_back(edit.add_input("row", {.dtype = DataType::float32, .shape = Shape{batch, 6}}));
    graph_ = edit.apply();
  }

  Graph build(int node_count) {
    while (static_cast<int>(graph_.nodes().size()) < node_count) add_something();
    Edit edit(graph_);
    for (const ValueId value : values_)
      if (graph_.uses(value).empty() && !graph_.value(value).is_input) edit.add_output(value);
    return with_inferred_types(edit.apply());
  }

 private:
  using Maker = void (RandomGraph::*)(Edit&, ValueId);

  void add_something() {
    static constexpr Maker anywhere[] = {&RandomGraph::add_activation, &RandomGraph::add_no_op,
                                         &RandomGraph::add_arithmetic, &RandomGraph::add_twins,
                                         &RandomGraph::add_pattern,    &RandomGraph::add_reshapes};
    static constexpr Maker on_images[] = {&RandomGraph::add_conv,       &RandomGraph::add_norm,
                                          &RandomGraph::add_pool,       &RandomGraph::add_pad,
                                          &RandomGraph::add_transposes, &RandomGraph::add_slice};
    const ValueId x = some_value();
    const bool is_image = rank(x) == 4;
    Edit edit(graph_);
    if (rank(x) == 2 && stream_.below(3) == 0)
      add_matrix_product(edit, x);
    else if (is_image && stream_.below(3) != 0)
      (this->*on_images[stream_.below(std::size(on_images))])(edit, x);
    else
      (this->*anywhere[stream_.below(std::size(anywhere))])(edit, x);
    graph_ = edit.apply();
    std::erase_if(added_, [&](ValueId id) { return !graph_.contains(id); });
    values_.insert(values_.end(), added_.begin(), added_.end());
    added_.clear();
  }

  // Mostly the newest image, so that patterns form; sometimes anything.
  ValueId some_value() {
    if (stream_.below(3) == 0) return values_[stream_.below(values_.size())];
    ValueId newest = values_.back();
    for (const ValueId value : values_)
      if (rank(value) == 4) newest = value;
    return stream_.below(6) == 0 ? values_.back() : newest;
  }

  const Shape& shape(ValueId id) const { return *graph_.type_of(id).shape; }
  std::size_t rank(ValueId id) const { return shape(id).size(); }
  std::int64_t dim(ValueId id, std::size_t axis) const { return shape(id)[axis].size; }

  Tensor random_tensor(Dims dims) {
    Tensor tensor(DataType::float32, std::move(dims));
    for (float& element : tensor.mutable_data<float>()) element = static_cast<float>(stream_.normal());
    return tensor;
  }
  ValueId weight(Edit& edit, Dims dims) {
    return edit.add_constant(random_tensor(std::move(dims)), "weight");
  }
  ValueId number(Edit& edit, float element) { return edit.add_constant(Tensor::scalar(element), "number"); }
  ValueId ints(Edit& edit, std::vector<std::int64_t> elements) {
    return edit.add_constant(int64_tensor(elements), "ints");
  }
  ValueId keep(ValueId id) {
    added_.push_back(id);
    return id;
  }

  void add_conv(Edit& edit, ValueId x) {
    const std::int64_t channels = dim(x, 1);
    if (channels <= 0) return;
    const std::int64_t group = stream_.below(2) == 0 ? channels : 1;
    const std::int64_t kernel = dim(x, 2) >= 3 && dim(x, 3) >= 3 && stream_.below(2) == 0 ? 3 : 1;
    const std::int64_t pad = stream_.below(2) == 0 ? kernel / 2 : 0;
    std::vector<ValueId> inputs = {x, weight(edit, {4 * group, channels / group, kernel, kernel})};
    if (group == channels) inputs[1] = weight(edit, {channels, 1, kernel, kernel});
    const std::int64_t outputs = group == channels ? channels : 4;
    if (stream_.below(2) == 0) inputs.push_back(weight(edit, {outputs}));
    keep(edit.add_node("Conv", inputs, {{"group", group}, {"pads", std::vector<std::int64_t>(4, pad)}}));
  }

  void add_norm(Edit& edit, ValueId x) {
    const std::int64_t channels = dim(x, 1);
    if (channels <= 0) return;
    Tensor variance = random_tensor({channels});
    for (float& element : variance.mutable_data<float>()) element = element * element + 0.5f;
    keep(edit.add_node("BatchNormalization", {x, weight(edit, {channels}), weight(edit, {channels}),
                                              weight(edit, {channels}), edit.add_constant(variance)}));
  }

  void add_pool(Edit& edit, ValueId x) {
    if (dim(x, 2) < 2 || dim(x, 3) < 2) return;
    const std::int64_t kernel = 1 + static_cast<std::int64_t>(stream_.below(2));
    const char* type = stream_.below(2) == 0 ? "MaxPool" : "AveragePool";
    keep(edit.add_node(type, {x}, {{"kernel_shape", std::vector<std::int64_t>{kernel, kernel}}}));
  }

  void add_pad(Edit& edit, ValueId x) {
    const std::int64_t amount = static_cast<std::int64_t>(stream_.below(2));
    const std::vector<std::int64_t> pads = {0, 0, amount, 0, 0, 0, amount, 1};
    if (graph_.opset() < 11)
      keep(edit.add_node("Pad", {x}, {{"pads", pads}}));
    else
      keep(edit.add_node("Pad", {x, ints(edit, pads)}));
  }

  void add_transposes(Edit& edit, ValueId x) {
    const auto permuted = [&](ValueId from, std::vector<std::int64_t> axes) {
      return edit.add_node("Transpose", {from}, {{"perm", std::move(axes)}});
    };
    const ValueId there = permuted(x, {0, 2, 3, 1});
    const ValueId relu = stream_.below(2) == 0 ? there : edit.add_node("Relu", {there});
    keep(permuted(relu, {0, 3, 1, 2}));
  }

  void add_slice(Edit& edit, ValueId x) {
    if (graph_.opset() < 10) return;
    const std::int64_t axis = 2 + static_cast<std::int64_t>(stream_.below(2));
    const std::int64_t step = 1 + static_cast<std::int64_t>(stream_.below(2));
    keep(edit.add_node("Slice",
                       {x, ints(edit, {0}), ints(edit, {1000}), ints(edit, {axis}), ints(edit, {step})}));
  }

  void add_activation(Edit& edit, ValueId x) {
    static constexpr const char* types[] = {"Relu", "Relu", "Sigmoid", "Tanh", "HardSigmoid", "Abs"};
    const std::uint64_t choice = stream_.below(std::size(types) + 1);
    if (choice < std::size(types)) {
      keep(edit.add_node(types[choice], {x}));
    } else if (graph_.opset() < 11) {
      keep(edit.add_node("Clip", {x}, {{"min", 0.0f}, {"max", 6.0f}}));
    } else {
      keep(edit.add_node("Clip", {x, number(edit, -1), number(edit, 1)}));
    }
  }

  void add_no_op(Edit& edit, ValueId x) {
    switch (stream_.below(5)) {
      case 0:
        keep(edit.add_node("Identity", {x}));
        break;
      case 1:
        keep(edit.add_node("Dropout", {x}));
        break;
      case 2:
        keep(edit.add_node("Cast", {x}, {{"to", 1}}));
        break;
      case 3:
        keep(edit.add_node("Concat", {x}, {{"axis", 1}}));
        break;
      default:
        keep(edit.add_node("Mul", {x, number(edit, 1)}));
    }
  }

  void add_arithmetic(Edit& edit, ValueId x) {
    static constexpr const char* types[] = {"Add", "Sub", "Mul", "Div", "Max", "Min"};
    const std::uint64_t choice = stream_.below(std::size(types));
    const bool is_per_channel = rank(x) == 4 && dim(x, 1) > 0 && stream_.below(2) == 0;
    ValueId constant = number(edit, stream_.below(3) == 0 ? 0.5f : 3.0f);
    if (is_per_channel && choice < 3) constant = weight(edit, {dim(x, 1), 1, 1});
    if (choice != 3 && stream_.below(3) == 0)
      keep(edit.add_node(types[choice], {constant, x}));
    else
      keep(edit.add_node(types[choice], {x, constant}));
  }

  // Two equal nodes, and a constant that has to be computed first.
  void add_twins(Edit& edit, ValueId x) {
    const ValueId factor = edit.add_node("Add", {number(edit, 1), number(edit, 2)});
    const ValueId first = edit.add_node("Mul", {x, factor});
    const ValueId second = edit.add_node("Mul", {x, factor});
    keep(edit.add_node("Add", {edit.add_node("Abs", {first}), edit.add_node("Relu", {second})}));
  }

  void add_pattern(Edit& edit, ValueId x) {
    if (stream_.below(2) == 0) {
      const ValueId erf = edit.add_node("Erf", {edit.add_node("Div", {x, number(edit, 1.4142135f)})});
      const ValueId sum = edit.add_node("Add", {erf, number(edit, 1)});
      keep(edit.add_node("Mul", {edit.add_node("Mul", {x, sum}), number(edit, 0.5f)}));
    } else if (graph_.opset() >= 11) {
      const ValueId shifted = edit.add_node("Add", {x, number(edit, 3)});
      const ValueId clipped = edit.add_node("Clip", {shifted, number(edit, 0), number(edit, 6)});
      const ValueId gate = edit.add_node("Div", {clipped, number(edit, 6)});
      keep(edit.add_node("Mul", {x, gate}));
    }
  }

  void add_reshapes(Edit& edit, ValueId x) {
    const auto flat = edit.add_node("Flatten", {x}, {{"axis", 1}});
    if (stream_.below(2) == 0) {
      keep(flat);
      return;
    }
    std::vector<std::int64_t> target = {-1};
    for (std::size_t axis = 1; axis < rank(x); ++axis) {
      if (dim(x, axis) <= 0) return;
      target.push_back(dim(x, axis));
    }
    keep(edit.add_node("Reshape", {flat, ints(edit, target)}));
  }

  void add_matrix_product(Edit& edit, ValueId x) {
    if (dim(x, 1) <= 0) return;
    if (stream_.below(2) == 0) {
      const ValueId transposed = edit.add_node("Transpose", {weight(edit, {3, dim(x, 1)})});
      keep(edit.add_node("Gemm", {x, transposed, weight(edit, {3})}));
    } else {
      const ValueId product = edit.add_node("MatMul", {x, weight(edit, {dim(x, 1), 3})});
      keep(edit.add_node("Add", {product, weight(edit, {3})}));
    }
  }

  RandomStream stream_;
  Graph graph_;
  std::vector<ValueId> values_;
  std::vector<ValueId> added_;
};

}  // namespace

Graph random_graph(std::uint64_t seed, int node_count) { return RandomGraph(seed).build(node_count); }

}  // namespace edgeopt
