#include "calibration/training/batches.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <numeric>

#include "ir/evaluate.h"
#include "ir/infer.h"
#include "ir/op.h"
#include "runtime/engine.h"
#include "support/error.h"

namespace edgeopt {
namespace {

// Large enough to keep vector units busy, small enough that a batch has a shard for every core.
constexpr std::int64_t usual_shard_size = 8;

std::int64_t byte_count(const Tensors& tensors) {
  std::int64_t count = 0;
  for (const Tensor& tensor : tensors) count += static_cast<std::int64_t>(tensor.bytes().size());
  return count;
}

Tensor label_row(std::int64_t label, std::int64_t class_count) {
  Tensor row(DataType::float32, {1, class_count});
  row.mutable_data<float>()[static_cast<std::size_t>(label)] = 1;
  return row;
}

// Fisher and Yates, by a stream named after the epoch.
std::vector<std::int64_t> shuffled_order(std::int64_t count, std::uint64_t seed, std::int64_t epoch) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  RandomStream random(seed, fmt::format("order of epoch {}", epoch));
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  return order;
}

}  // namespace

Batches::Batches(const SampleSource& samples, const BatchOptions& options)
    : samples_(samples), options_(options), kept_(static_cast<std::size_t>(samples.count)) {}

std::int64_t Batches::shard_count() const {
  return (options_.batch_size + options_.shard_size - 1) / options_.shard_size;
}

Tensors Batches::sample(std::int64_t index) const {
  {
    const std::scoped_lock guard(lock_);
    const Tensors& kept = kept_[static_cast<std::size_t>(index)];
    if (!kept.empty()) return kept;
  }
  const Sample read = samples_.read(index);
  Tensors inputs = read.inputs;
  if (options_.class_count > 0) inputs.push_back(label_row(read.label.value_or(0), options_.class_count));
  const std::scoped_lock guard(lock_);
  if (kept_bytes_ + byte_count(inputs) <= options_.largest_memory_bytes) {
    kept_bytes_ += byte_count(inputs);
    kept_[static_cast<std::size_t>(index)] = inputs;
  }
  return inputs;
}

std::int64_t Batches::shuffled(std::int64_t position) const {
  const std::int64_t epoch = position / samples_.count;
  const std::scoped_lock guard(lock_);
  if (epoch != epoch_) {
    order_ = shuffled_order(samples_.count, options_.seed, epoch);
    epoch_ = epoch;
  }
  return order_[static_cast<std::size_t>(position % samples_.count)];
}

Tensors Batches::varied(std::int64_t position) const {
  const AugmentationOptions& augmentation = options_.augmentation;
  Tensors inputs = sample(shuffled(position));
  if (!augmentation.is_active()) return inputs;
  RandomStream random(options_.seed, fmt::format("variation {}", position));
  for (Tensor& input : inputs) input = augmented(input, augmentation, random);
  if (random.uniform() >= augmentation.mixing) return inputs;
  const auto count = static_cast<std::uint64_t>(samples_.count);
  Tensors others = sample(static_cast<std::int64_t>(random.below(count)));
  const double share = random.uniform();
  for (std::size_t i = 0; i < inputs.size(); ++i)
    inputs[i] = blended(inputs[i], augmented(others[i], augmentation, random), share);
  return inputs;
}

Tensors Batches::shard(std::int64_t step, std::int64_t index) const {
  const std::int64_t begin = index * options_.shard_size;
  const std::int64_t end = std::min(options_.batch_size, begin + options_.shard_size);
  std::vector<Tensors> members;
  for (std::int64_t i = begin; i < end; ++i) members.push_back(varied(step * options_.batch_size + i));
  return stacked(members);
}

// A batch takes its first axis from an open dim, and nothing inside may insist on 1.
std::int64_t shard_size_for(const Graph& graph, const SampleSource& samples) {
  for (const ValueId input : required_inputs(graph)) {
    const auto& shape = graph.type_of(input).shape;
    if (!shape || shape->empty() || (*shape)[0].is_number()) return 1;
  }
  const Tensors one = samples.read(0).inputs;
  try {
    const Tensors two = compile(graph)->run(stacked({one, one}));
    const bool is_batch = std::ranges::all_of(
        two, [](const Tensor& output) { return output.rank() > 0 && output.dims()[0] == 2; });
    return is_batch ? usual_shard_size : 1;
  } catch (const UserError&) {
    return 1;
  }
}

namespace {

double work_of(const Graph& graph);

// Of the dearest branch, or of one run of a body.
double work_of_subgraphs(const Node& node) {
  double most = 0;
  for (const auto& [name, attribute] : node.attributes)
    if (const auto* subgraph = std::get_if<GraphPtr>(&attribute.data))
      most = std::max(most, work_of(**subgraph));
  return most;
}

double work_of(const Graph& graph) {
  double sum = 0;
  for (const NodeId id : graph.nodes()) {
    const Node& node = graph.node(id);
    sum += work_of_subgraphs(node);
    const OpDefinition* op = find_op(node);
    if (!op || !op->count_cost) continue;
    const std::vector<Operand> inputs = operands_of(graph, node);
    std::vector<Operand> outputs;
    for (const ValueType& type : infer_output_types(graph, node))
      outputs.push_back(operand(type.dtype, type.shape));
    const InferCall call{.node = node, .opset = graph.opset(node.domain), .inputs = inputs};
    const Cost cost = op->count_cost(call, outputs);
    sum += static_cast<double>(cost.multiply_adds) + static_cast<double>(cost.other_operations);
  }
  return sum;
}

}  // namespace

double work_per_sample(const Graph& graph) { return std::max(1.0, work_of(graph)); }

Tensors stacked(const std::vector<Tensors>& samples) {
  if (samples.size() == 1) return samples[0];
  Tensors result;
  for (std::size_t k = 0; k < samples.at(0).size(); ++k) {
    const Tensor& first = samples[0][k];
    Dims dims = first.dims();
    if (dims.empty()) throw UserError("samples without a batch axis cannot be trained on");
    dims[0] *= static_cast<std::int64_t>(samples.size());
    Tensor batch(first.dtype(), dims);
    std::byte* target = batch.mutable_bytes().data();
    for (const Tensors& sample : samples) {
      if (sample[k].dims() != first.dims())
        throw UserError(fmt::format("samples of different dims, {} and {}, cannot be trained on together",
                                    to_string(first.dims()), to_string(sample[k].dims())));
      std::memcpy(target, sample[k].bytes().data(), sample[k].bytes().size());
      target += sample[k].bytes().size();
    }
    result.push_back(std::move(batch));
  }
  return result;
}

}  // namespace edgeopt
