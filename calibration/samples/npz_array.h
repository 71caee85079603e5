// One array of a .npz, read sample by sample through a forward window over the inflated member.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "calibration/samples/npy.h"
#include "ir/tensor.h"

namespace edgeopt {

/// The names of the arrays in a .npz, without ".npy", sorted.
/// throws  UserError if the file is missing, no zip, or holds no arrays
std::vector<std::string> npz_array_names(const std::filesystem::path& path);

/// An array whose first axis counts samples. Samples are inflated in order and the most recent `window_bytes`
/// are kept, so that a whole small array is inflated once; going back behind the window starts over.
/// Thread-safe.
class NpzArray {
 public:
  /// What stays inflated: arrays up to this size are inflated once however often and in which order they are
  /// read (20,000 CIFAR-sized uint8 images), and three of them leave room in a 400 MB budget.
  static constexpr std::int64_t default_window_bytes = std::int64_t{64} << 20;

  /// throws  UserError if the array is missing, malformed, has no samples, or another size than it claims
  NpzArray(const std::filesystem::path& path, std::string name,
           std::int64_t window_bytes = default_window_bytes);
  ~NpzArray();
  NpzArray(NpzArray&&) noexcept;
  NpzArray& operator=(NpzArray&&) noexcept;

  const std::string& name() const;
  const NpyHeader& header() const;
  std::int64_t sample_count() const;
  /// Sample `index`, [dims without the first]. throws UserError if the file is damaged
  Tensor read(std::int64_t index) const;
  /// The whole array; for labels. throws UserError if the file is damaged
  Tensor read_all() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace edgeopt
