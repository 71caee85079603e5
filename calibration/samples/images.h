// Images from files: decoded to 8-bit RGB, resized, cropped, laid out for a model.
#pragma once
#include <cstdint>
#include <filesystem>
#include <vector>

#include "calibration/samples/samples.h"
#include "ir/tensor.h"

namespace edgeopt {

/// 8-bit samples, rows from the top, channels interleaved: [height, width, channels].
struct Image {
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t channels = 3;
  std::vector<std::uint8_t> pixels;
};

/// Pixels of the largest image that is decoded; 3 bytes each, so that one image stays below 200 MB.
constexpr std::int64_t largest_pixel_count = std::int64_t{1} << 26;

/// Decodes a JPEG or PNG (recognized by its first bytes) to RGB; grey becomes RGB, transparency black.
/// throws  UserError naming the file: neither format, damaged, cut off, CMYK, or too large
Image decode_image(const std::filesystem::path& path);

/// Bilinear with half-pixel centres; when shrinking, the triangle widens to the ratio (antialias), and the
/// rows are rounded to 8 bits between the two directions, all as Pillow's resize(BILINEAR) does. source
/// Pillow, src/libImaging/Resample.c
Image resize_bilinear(const Image& image, std::int64_t height, std::int64_t width);

/// The middle `height` x `width`; the odd pixel stays at the bottom and right.
/// throws  UserError if the image is smaller
Image crop_center(const Image& image, std::int64_t height, std::int64_t width);

/// The image as a uint8 tensor of batch 1 in the options' layout ([1,C,H,W] or [1,H,W,C]) and color; gray is
/// Rec. 601 luma, rounded, as Pillow's convert("L").
Tensor to_tensor(const Image& image, const Preprocessing& options);

}  // namespace edgeopt
