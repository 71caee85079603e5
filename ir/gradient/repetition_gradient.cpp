#include "ir/gradient/repetition_gradient.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "ir/gradient/gradient.h"
#include "ir/gradient/gradient_rules.h"
#include "ir/infer.h"
#include "ir/rules/subgraph_rules.h"

namespace edgeopt {
namespace {

void remove_outputs(Edit& edit) {
  while (!edit.draft().outputs().empty()) edit.remove_output(edit.draft().outputs().size() - 1);
}

// A node like that of the call, whose body has no outputs behind those that go on to the next run but these
// inputs, stacked along a first axis; the stacks.
std::vector<ValueId> record_inputs(const GradientCall& call, const Repetition& repetition,
                                   const std::vector<std::size_t>& inputs) {
  const Graph& body = repetition.body;
  // The body of a Loop has its condition in front.
  const std::size_t first_scanned = repetition.carried_count + (call.node.is("Loop") ? 1 : 0);
  Edit edit(body);
  while (edit.draft().outputs().size() > first_scanned) edit.remove_output(first_scanned);
  for (const std::size_t input : inputs) edit.add_output(edit.add_node("Identity", {body.inputs()[input]}));
  const Graph recording = without_unused_captures(edit.apply());
  Attributes attributes = call.attributes();
  attributes.set("body", std::make_shared<const Graph>(recording));
  attributes.remove("scan_output_axes");
  attributes.remove("scan_output_directions");
  std::vector<ValueId> results =
      call.edit.add_node({.op_type = call.node.op_type,
                          .inputs = call.node.inputs,
                          .attributes = std::move(attributes),
                          .output_count = static_cast<int>(repetition.carried_count + inputs.size()),
                          .captures = captures_of(recording, call.node.captures)});
  results.erase(results.begin(), results.begin() + static_cast<std::ptrdiff_t>(repetition.carried_count));
  return results;
}

class RepetitionGradient {
 public:
  RepetitionGradient(const GradientCall& call, const Repetition& repetition)
      : call_(call), repetition_(repetition) {
    for (std::size_t i = 0; i < call.wanted_captures.size(); ++i)
      if (call.wanted_captures[i]) wanted_captures_.push_back(call.node.captures[i]);
  }

  RepetitionGradients run() {
    const Graph body = backward_body();
    record_reads();
    return results_of(add_scan(body));
  }

 private:
  /// What the backward Scan goes through: an outer value, or an input of the body that is still to be
  /// recorded.
  struct Read {
    Slices slices;
    std::optional<std::size_t> recorded;
  };

  // Inputs: the gradients of carried values, the sums for captured values, then one slice of everything read.
  Graph backward_body() {
    Edit edit(repetition_.body);
    const std::vector<ValueId> arriving = add_arriving(edit);
    const std::vector<ValueId> sums = add_sums(edit);
    const std::vector<ValueId> inputs = add_body_inputs(edit);
    std::vector<ValueId> products = multiplied(edit, arriving);
    std::vector<ValueId> sources;
    for (const CarriedValue& each : repetition_.carried) sources.push_back(inputs[each.input]);
    for (const Capture& each : wanted_captures_) sources.push_back(*repetition_.body.find_value(each.name));
    for (const GivenSlices& each : repetition_.given)
      if (each.is_wanted) sources.push_back(inputs[each.input]);
    remove_outputs(edit);
    for (const ValueId product : products) edit.add_output(product);
    const Graph both = gradient(edit.apply(), products, sources);
    return with_reads_needed(summed(both, products.size(), sums));
  }

  std::vector<ValueId> add_arriving(Edit& edit) const {
    std::vector<ValueId> arriving;
    for (const CarriedValue& each : repetition_.carried)
      arriving.push_back(
          edit.add_input("arriving", repetition_.body.type_of(repetition_.body.inputs()[each.input])));
    return arriving;
  }

  std::vector<ValueId> add_sums(Edit& edit) const {
    std::vector<ValueId> sums;
    for (const Capture& each : wanted_captures_)
      sums.push_back(edit.add_input("sum", call_.graph.type_of(each.value)));
    return sums;
  }

  // All inputs of the body are slices now.
  std::vector<ValueId> add_body_inputs(Edit& edit) {
    std::vector<ValueId> added;
    const std::vector<ValueId> old(repetition_.body.inputs().begin(), repetition_.body.inputs().end());
    for (const ValueId id : old) {
      added.push_back(edit.add_input("slice", repetition_.body.type_of(id)));
      edit.replace(id, added.back());
      edit.remove_input(id);
    }
    reads_.resize(added.size());
    for (const GivenSlices& each : repetition_.given) reads_[each.input].slices = each.slices;
    for (const std::size_t i : repetition_.recorded) reads_[i].recorded = i;
    return added;
  }

  std::vector<ValueId> multiplied(Edit& edit, const std::vector<ValueId>& arriving) {
    std::vector<ValueId> products;
    for (std::size_t i = 0; i < arriving.size(); ++i)
      products.push_back(
          edit.add_node("Mul", {edit.draft().outputs()[repetition_.carried[i].output], arriving[i]}));
    for (const ScannedOutput& each : repetition_.scanned) {
      const ValueId output = edit.draft().outputs()[each.output];
      const ValueId slice =
          edit.add_input("arriving_slice", repetition_.body.type_of(repetition_.body.outputs()[each.output]));
      products.push_back(edit.add_node("Mul", {output, slice}));
      reads_.push_back({.slices = each.gradient, .recorded = std::nullopt});
    }
    return products;
  }

  // Outputs: the gradients of carried values, the sums, then the gradients of slices.
  Graph summed(const Graph& both, std::size_t product_count, const std::vector<ValueId>& sums) const {
    const std::vector<ValueId> gradients(both.outputs().begin() + static_cast<std::ptrdiff_t>(product_count),
                                         both.outputs().end());
    Edit edit(both);
    remove_outputs(edit);
    for (std::size_t i = 0; i < gradients.size(); ++i) {
      const std::size_t first_sum = repetition_.carried.size();
      const bool is_summed = i >= first_sum && i - first_sum < sums.size();
      edit.add_output(is_summed ? edit.add_node("Add", {sums[i - first_sum], gradients[i]}) : gradients[i]);
    }
    return without_unused_captures(edit.apply());
  }

  // Inputs that are recorded for nothing are left out.
  Graph with_reads_needed(const Graph& body) {
    Edit edit(body);
    std::vector<Read> needed;
    const std::size_t first = repetition_.carried.size() + wanted_captures_.size();
    for (std::size_t i = 0; i < reads_.size(); ++i) {
      const ValueId input = body.inputs()[first + i];
      const bool must_stay =
          !reads_[i].recorded || std::ranges::count(repetition_.kept_recorded, *reads_[i].recorded) > 0;
      if (must_stay || !body.uses(input).empty() || body.is_output(input))
        needed.push_back(reads_[i]);
      else
        edit.remove_input(input);
    }
    reads_ = std::move(needed);
    return edit.apply();
  }

  void record_reads() {
    std::vector<std::size_t> inputs;
    for (const Read& read : reads_)
      if (read.recorded) inputs.push_back(*read.recorded);
    if (inputs.empty()) return;
    const std::vector<ValueId> stacks = record_inputs(call_, repetition_, inputs);
    std::size_t next = 0;
    for (Read& read : reads_)
      if (read.recorded) read.slices = {.value = stacks[next++]};
  }

  std::vector<ValueId> add_scan(const Graph& body) {
    std::vector<ValueId> inputs;
    for (const CarriedValue& each : repetition_.carried)
      inputs.push_back(each.gradient != ValueId::none ? each.gradient : zeros_like(each.first));
    for (const Capture& each : wanted_captures_) inputs.push_back(zeros_like(each.value));
    for (const Read& read : reads_) inputs.push_back(read.slices.value);
    return call_.edit.add_node({.op_type = "Scan",
                                .inputs = std::move(inputs),
                                .attributes = scan_attributes(body),
                                .output_count = static_cast<int>(body.outputs().size()),
                                .captures = captures_of(body, call_.node.captures)});
  }

  Attributes scan_attributes(const Graph& body) const {
    std::vector<std::int64_t> input_axes, input_directions, output_axes, output_directions;
    for (const Read& read : reads_) {
      input_axes.push_back(read.slices.axis);
      input_directions.push_back(read.slices.is_reversed ? 0 : 1);
    }
    for (const GivenSlices& each : repetition_.given)
      if (each.is_wanted) {
        output_axes.push_back(each.slices.axis);
        output_directions.push_back(each.slices.is_reversed ? 0 : 1);
      }
    return {{"body", std::make_shared<const Graph>(body)},
            {"num_scan_inputs", static_cast<std::int64_t>(reads_.size())},
            {"scan_input_axes", input_axes},
            {"scan_input_directions", input_directions},
            {"scan_output_axes", output_axes},
            {"scan_output_directions", output_directions}};
  }

  ValueId zeros_like(ValueId value) const { return filled_like(call_.edit, call_.graph, value, 0); }

  RepetitionGradients results_of(const std::vector<ValueId>& results) const {
    auto next = results.begin();
    RepetitionGradients gradients;
    for (std::size_t i = 0; i < repetition_.carried.size(); ++i) gradients.carried.push_back(*next++);
    for (const bool is_wanted : call_.wanted_captures)
      gradients.captures.push_back(is_wanted ? *next++ : ValueId::none);
    for (const GivenSlices& each : repetition_.given)
      gradients.given.push_back(each.is_wanted ? *next++ : ValueId::none);
    return gradients;
  }

  const GradientCall& call_;
  const Repetition& repetition_;
  std::vector<Capture> wanted_captures_;
  std::vector<Read> reads_;
};

}  // namespace

RepetitionGradients repetition_gradients(const GradientCall& call, const Repetition& repetition) {
  require_repeatable_subgraphs(call);
  return RepetitionGradient(call, repetition).run();
}

Graph body_with_input_types(const Graph& body, const std::vector<ValueType>& types) {
  Edit edit(body);
  for (std::size_t i = 0; i < types.size(); ++i) {
    const ValueId input = body.inputs()[i];
    edit.set_type(input, sharper(body.type_of(input), types[i]), body.value(input).is_type_declared);
  }
  return with_inferred_types(edit.apply());
}

}  // namespace edgeopt
