#include "ir/gradient/if_gradient.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "ir/gradient/gradient.h"
#include "ir/gradient/gradient_rules.h"
#include "ir/rules/subgraph_rules.h"

namespace edgeopt {
namespace {

// A gradient that arrives at an output of the If, as the branches read it.
struct Arriving {
  std::size_t output = 0;
  Capture capture;
  ValueType type;
};

struct Wanted {
  Capture capture;
  ValueType type;
};

class IfGradient {
 public:
  explicit IfGradient(const GradientCall& call) : call_(call) {
    for (std::size_t i = 0; i < call.wanted_captures.size(); ++i)
      if (call.wanted_captures[i])
        wanted_.push_back(
            {.capture = call.node.captures[i], .type = call.graph.type_of(call.node.captures[i].value)});
    for (std::size_t i = 0; i < call.output_gradients.size(); ++i)
      if (const ValueId dy = call.output_gradients[i]; dy != ValueId::none)
        arriving_.push_back({.output = i,
                             .capture = {.name = free_name(fmt::format("arriving_{}", i)), .value = dy},
                             .type = call.graph.type_of(call.node.outputs[i])});
  }

  std::vector<ValueId> run() {
    Attributes attributes;
    for (const char* name : {"then_branch", "else_branch"})
      attributes.set(name, std::make_shared<const Graph>(branch_gradient(branch(name))));
    return call_.edit.add_node({.op_type = "If",
                                .inputs = call_.node.inputs,
                                .attributes = std::move(attributes),
                                .output_count = static_cast<int>(wanted_.size()),
                                .captures = captures()});
  }

 private:
  const Graph& branch(const char* name) const { return **call_.attributes().get<GraphPtr>(name); }

  // A name that no value of either branch has.
  std::string free_name(std::string name) const {
    while (branch("then_branch").find_value(name) || branch("else_branch").find_value(name)) name += "_";
    return name;
  }

  Graph branch_gradient(const Graph& branch) {
    Edit edit(branch);
    std::vector<ValueId> products, sources;
    for (const Arriving& each : arriving_)
      products.push_back(edit.add_node(
          "Mul", {branch.outputs()[each.output], edit.add_captured(each.capture.name, each.type)}));
    for (const Wanted& each : wanted_) {
      const auto found = branch.find_value(each.capture.name);
      sources.push_back(found ? *found : edit.add_captured(each.capture.name, each.type));
    }
    for (std::size_t i = branch.outputs().size(); i-- > 0;) edit.remove_output(i);
    for (const ValueId product : products) edit.add_output(product);
    const Graph both = gradient(edit.apply(), products, sources);
    Edit trimmed(both);
    for (std::size_t i = products.size(); i-- > 0;) trimmed.remove_output(i);
    const Graph result = without_unused_captures(trimmed.apply());
    for (const ValueId id : result.captured()) read_.insert(result.name_of(id));
    return result;
  }

  std::vector<Capture> captures() const {
    std::vector<Capture> captures;
    for (const Capture& capture : call_.node.captures)
      if (read_.contains(capture.name)) captures.push_back(capture);
    for (const Arriving& each : arriving_)
      if (read_.contains(each.capture.name)) captures.push_back(each.capture);
    return captures;
  }

  const GradientCall& call_;
  std::vector<Wanted> wanted_;
  std::vector<Arriving> arriving_;
  std::set<std::string> read_;  // names of captured values that the new branches read
};

}  // namespace

std::vector<ValueId> if_gradient(const GradientCall& call) {
  require_repeatable_subgraphs(call);
  const std::vector<ValueId> found = IfGradient(call).run();
  const std::size_t input_count = call.node.inputs.size();
  std::vector<ValueId> gradients(input_count + call.node.captures.size(), ValueId::none);
  std::size_t next = 0;
  for (std::size_t i = 0; i < call.wanted_captures.size(); ++i)
    if (call.wanted_captures[i]) gradients[input_count + i] = found[next++];
  return gradients;
}

}  // namespace edgeopt
