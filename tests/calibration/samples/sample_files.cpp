// Writers through the same libraries that read.
#include "tests/calibration/samples/sample_files.h"

#include <png.h>
#include <unistd.h>
#include <zip.h>

#include <cstdio>
// jpeglib.h needs <cstdio> before it.
#include <jpeglib.h>

#include <fstream>
#include <stdexcept>

#include "ir/edit.h"

namespace edgeopt {

void write_npz(const std::filesystem::path& path, const std::map<std::string, std::string>& arrays) {
  int code = 0;
  zip_t* zip = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code);
  if (!zip) throw std::runtime_error("no zip");
  for (const auto& [name, bytes] : arrays)
    zip_file_add(zip, (name + ".npy").c_str(), zip_source_buffer(zip, bytes.data(), bytes.size(), 0), 0);
  if (zip_close(zip) != 0) throw std::runtime_error("zip not written");
}

void write_png(const std::filesystem::path& path, const Image& image) {
  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  png.width = static_cast<png_uint_32>(image.width);
  png.height = static_cast<png_uint_32>(image.height);
  png.format = image.channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  if (!png_image_write_to_file(&png, path.c_str(), 0, image.pixels.data(), 0, nullptr))
    throw std::runtime_error("png not written");
}

void write_jpeg(const std::filesystem::path& path, const Image& image) {
  jpeg_compress_struct jpeg{};
  jpeg_error_mgr errors{};
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  std::FILE* file = std::fopen(path.c_str(), "wb");
  jpeg_stdio_dest(&jpeg, file);
  jpeg.image_width = static_cast<JDIMENSION>(image.width);
  jpeg.image_height = static_cast<JDIMENSION>(image.height);
  jpeg.input_components = static_cast<int>(image.channels);
  jpeg.in_color_space = image.channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(&jpeg);
  jpeg_set_quality(&jpeg, 95, TRUE);
  jpeg_start_compress(&jpeg, TRUE);
  while (jpeg.next_scanline < jpeg.image_height) {
    std::vector<std::uint8_t> row(
        image.pixels.begin() + jpeg.next_scanline * image.width * image.channels,
        image.pixels.begin() + (jpeg.next_scanline + 1) * image.width * image.channels);
    JSAMPROW pointer = row.data();
    jpeg_write_scanlines(&jpeg, &pointer, 1);
  }
  jpeg_finish_compress(&jpeg);
  jpeg_destroy_compress(&jpeg);
  std::fclose(file);
}

Image flat_image(std::int64_t height, std::int64_t width, std::vector<std::uint8_t> rgb) {
  Image image{.height = height, .width = width, .channels = static_cast<std::int64_t>(rgb.size())};
  for (std::int64_t i = 0; i < height * width; ++i)
    image.pixels.insert(image.pixels.end(), rgb.begin(), rgb.end());
  return image;
}

Graph graph_with_inputs(const std::vector<InputSpec>& inputs) {
  Edit edit{Graph()};
  for (const InputSpec& input : inputs) {
    const ValueId value = edit.add_input(input.name, {.dtype = input.dtype, .shape = input.shape});
    edit.add_output(edit.add_node("Identity", {value}));
  }
  return edit.apply();
}

}  // namespace edgeopt
