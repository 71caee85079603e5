// Small sample files for tests: .npy and .npz, PNG and JPEG, in a temporary folder.
#pragma once
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "calibration/samples/images.h"
#include "ir/graph.h"
#include "tests/support/temporary_folder.h"

namespace edgeopt {

/// A version 1 .npy of `elements`.
template <typename T>
std::string npy(const std::string& descr, const std::string& shape, const std::vector<T>& elements) {
  std::string header = "{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + shape + ", }";
  while ((10 + header.size() + 1) % 64 != 0) header += ' ';
  header += '\n';
  std::string bytes = "\x93NUMPY";
  bytes += std::string("\x01\x00", 2);
  bytes += static_cast<char>(header.size() & 0xFF);
  bytes += static_cast<char>(header.size() >> 8);
  return bytes + header +
         std::string(reinterpret_cast<const char*>(elements.data()), elements.size() * sizeof(T));
}

/// Writes a deflated .npz; names without ".npy".
void write_npz(const std::filesystem::path& path, const std::map<std::string, std::string>& arrays);
void write_png(const std::filesystem::path& path, const Image& image);
void write_jpeg(const std::filesystem::path& path, const Image& image);

/// An image of one color.
Image flat_image(std::int64_t height, std::int64_t width, std::vector<std::uint8_t> rgb);

/// A graph that hands its inputs through, each given as name, type and shape.
struct InputSpec {
  std::string name;
  DataType dtype = DataType::float32;
  Shape shape;
};
Graph graph_with_inputs(const std::vector<InputSpec>& inputs);

}  // namespace edgeopt
