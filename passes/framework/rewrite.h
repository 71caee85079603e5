// The three kinds of passes. A rewrite is one pattern, tried at every node; a bypass drops nodes whose output
// equals a value that is there already; a sweep looks at the whole graph and answers with one edit.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "ir/op.h"
#include "passes/framework/pass.h"

namespace edgeopt {

struct Rewrite {
  std::vector<std::string> roots;  // ONNX operator types at which the plan is tried; empty: every node
  std::string summary;
  Fidelity fidelity = Fidelity::exact;
  std::function<Plan(const Graph& graph, const Node& root)> plan;
};

/// A pass that tries the rewrite at every matching node in topological order, subgraphs included, and repeats
/// while something changes (at most as often as the graph has nodes, so that it ends).
Pass rewrite_pass(std::string name, Rewrite rewrite);

/// The value that the root's only output always equals, or the reason why there is none.
using SameValue = std::variant<Declined, ValueId>;

struct Bypass {
  std::vector<std::string> roots;
  std::string summary;
  Fidelity fidelity = Fidelity::exact;
  std::function<SameValue(const Graph& graph, const Node& root)> same_value;
};

/// A pass that lets the users of a node read what its output equals; one edit for the whole graph. Nodes with
/// several outputs in use are left alone, and so is a node whose output is the graph's output where nothing
/// else can carry that name.
Pass bypass_pass(std::string name, Bypass bypass);

/// What one look at a whole graph found.
struct Sweep {
  std::optional<Edit> edit;  // absent: nothing to do
  int rewrite_count = 0;
  DeclineCounts declined = {};
};

struct GraphRewrite {
  std::string summary;
  Fidelity fidelity = Fidelity::exact;
  std::function<Sweep(const Graph& graph)> sweep;
};

/// A pass that applies the sweep's edit and looks again until there is none; subgraphs first.
Pass sweep_pass(std::string name, GraphRewrite rewrite);

}  // namespace edgeopt
