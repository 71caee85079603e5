#include "ir/rules/pixel_blocks.h"

#include <fmt/format.h>

#include "support/error.h"

namespace edgeopt {
namespace {

constexpr std::int64_t largest_block = 65535;

}  // namespace

std::int64_t pixel_block_size(const Attributes& attributes) {
  const std::int64_t block = attributes.get_int("blocksize", 0);
  if (block < 1 || block > largest_block)
    throw UserError(fmt::format("blocksize is {}, but must be in 1 to {}", block, largest_block));
  return block;
}

void require_image_rank(std::size_t rank) {
  if (rank != 4) throw UserError(fmt::format("the input has {} dims, but must be [N,C,H,W]", rank));
}

}  // namespace edgeopt
