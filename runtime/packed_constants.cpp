#include "runtime/packed_constants.h"

#include <map>
#include <mutex>
#include <utility>

namespace edgeopt {
namespace {

// The address of the source's bytes identifies it: an entry that is alive keeps its source alive.
using Key = std::pair<const std::byte*, std::string>;

struct Shelf {
  std::mutex lock;
  std::map<Key, std::weak_ptr<const PackedConstant>> entries;
};

Shelf& shelf() {
  static Shelf shared;
  return shared;
}

void drop_dead_entries(Shelf& shared) {
  for (auto entry = shared.entries.begin(); entry != shared.entries.end();)
    entry = entry->second.expired() ? shared.entries.erase(entry) : std::next(entry);
}

}  // namespace

std::shared_ptr<const PackedConstant> packed_constant(const Tensor& tensor, const std::string& format,
                                                      std::size_t byte_count,
                                                      const std::function<void(std::byte* target)>& pack) {
  const std::scoped_lock guard(shelf().lock);
  const Key key{tensor.bytes().data(), format + to_string(tensor.dims())};
  if (const auto found = shelf().entries.find(key); found != shelf().entries.end())
    if (auto alive = found->second.lock()) return alive;
  drop_dead_entries(shelf());
  Tensor packed(DataType::uint8, {static_cast<std::int64_t>(byte_count)});
  pack(packed.mutable_bytes().data());
  const auto made = std::make_shared<const PackedConstant>(PackedConstant{tensor, std::move(packed)});
  shelf().entries[key] = made;
  return made;
}

}  // namespace edgeopt
