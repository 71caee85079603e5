// Union-find over the indexes of all dims of all values: which must be removed together, and which must stay.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ir/channels.h"
#include "ir/graph.h"
#include "ir/op.h"

namespace edgeopt {

class IndexSets {
 public:
  explicit IndexSets(const Graph& graph);

  /// The size of a dim; 0 if it is open.
  std::int64_t size_of(const ValueDim& dim) const;
  void unite(const DimIndex& a, const DimIndex& b);
  /// The index must stay, and so must all that are or will be united with it. Of several reasons the first
  /// given counts.
  void keep(const DimIndex& index, const std::string& reason);
  void keep_all(ValueId value, const std::string& reason);
  /// Sets that hold all indexes of a dim must stay, too: call it once everything is united.
  void keep_whole_dims();

  /// Marks the indexes that a node's operator ties, and unites them unless that is left open. Ties with an
  /// open dim are left out: the others cannot shrink, for it does not. throws  InternalError if the tie
  /// leaves a dim
  void add_tie(const Node& node, const TiedDims& tie, bool unites = true);

  /// Marks that are forgotten at the next forget_marks().
  void forget_marks() { ++stamp_; }
  void mark(const DimIndex& index) { stamps_[static_cast<std::size_t>(element(index))] = stamp_; }
  bool is_marked(const DimIndex& index) const {
    return stamps_[static_cast<std::size_t>(element(index))] == stamp_;
  }

  std::optional<std::string> reason_to_keep(const DimIndex& index);
  /// Equal for indexes of the same set.
  std::int32_t set_of(const DimIndex& index) { return root(element(index)); }
  const std::vector<ValueDim>& dims() const { return dims_; }

 private:
  std::int32_t element(const DimIndex& index) const;
  std::int32_t root(std::int32_t element);
  std::int32_t reason_index(const std::string& reason);

  std::vector<ValueDim> dims_;  // in the order of values and axes
  std::vector<std::vector<std::int32_t>>
      first_;  // by value and axis: its first element, -1 if the dim is open
  std::vector<std::vector<std::int64_t>> sizes_;
  std::vector<std::int32_t> parent_;
  std::vector<std::int32_t> reason_;  // by root: index into reasons_, or no_reason
  std::vector<std::string> reasons_;
  std::vector<std::int32_t> stamps_;
  std::int32_t stamp_ = 0;
};

}  // namespace edgeopt
