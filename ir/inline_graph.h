// The nodes and constants of one graph copied into another: the branch of an If, the body of a function.
#pragma once
#include <functional>
#include <unordered_map>
#include <vector>

#include "ir/edit.h"

namespace edgeopt {

/// What stands in the outer graph for values of the inner one: its inputs or captured values, given before
/// inlining. An optional input that is left out stands for ValueId::none.
class Bindings {
 public:
  void set(ValueId inner, ValueId outer) { outer_[static_cast<std::int32_t>(inner)] = outer; }
  /// throws  InternalError if nothing stands for it
  ValueId operator[](ValueId inner) const;

 private:
  std::unordered_map<std::int32_t, ValueId> outer_;
};

/// The attributes that a copied node gets.
using ChangeAttributes = std::function<Attributes(const Attributes&)>;

/// Copies `inner` into the graph that `edit` changes.
/// returns  what stands for the outputs of `inner`
std::vector<ValueId> inline_graph(Edit& edit, const Graph& inner, Bindings bindings,
                                  const ChangeAttributes& change = {});

}  // namespace edgeopt
