// Blocks of b x b pixels that become channels, or channels that become such blocks.
#pragma once
#include <cstddef>
#include <cstdint>

#include "ir/attributes.h"

namespace edgeopt {

/// The attribute "blocksize". throws UserError if it is below 1 or its square fits no 32 bits
std::int64_t pixel_block_size(const Attributes& attributes);

/// throws UserError unless the rank is that of [N,C,H,W]
void require_image_rank(std::size_t rank);

}  // namespace edgeopt
