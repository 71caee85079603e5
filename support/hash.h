// Hashes: a fast one to compare bytes within a run, and SHA-256 for provenance.
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace edgeopt {

/// FNV-1a of the bytes; the same on every machine. Not for adversaries.
std::uint64_t hash64(std::string_view bytes);
std::uint64_t hash64(std::span<const std::byte> bytes);

/// SHA-256 in lower-case hexadecimal.
std::string sha256_hex(std::span<const std::byte> bytes);

/// SHA-256 of a file's content, or of a folder's files in name order (names included).
/// throws  UserError if it cannot be read
std::string sha256_of_path(const std::filesystem::path& path);

}  // namespace edgeopt
