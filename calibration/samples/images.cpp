// Decoding by libjpeg-turbo and libpng; resizing by two passes of a triangle filter in fixed point.
#include "calibration/samples/images.h"

#include <fmt/format.h>
#include <png.h>

#include <csetjmp>
#include <cstdio>
// jpeglib.h needs <cstdio> before it.
#include <jerror.h>
#include <jpeglib.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <memory>

#include "support/error.h"
#include "support/file.h"

namespace edgeopt {
namespace {

void check_pixel_count(std::int64_t height, std::int64_t width) {
  if (height > largest_pixel_count / std::max<std::int64_t>(1, width))
    throw UserError(fmt::format("the image has {}x{} pixels; at most {} million are read", height, width,
                                largest_pixel_count >> 20));
}

struct JpegErrors {
  jpeg_error_mgr base;
  std::jmp_buf escape;
  bool is_cut_off;
};

[[noreturn]] void leave_jpeg(j_common_ptr state) {
  std::longjmp(reinterpret_cast<JpegErrors*>(state->err)->escape, 1);
}

// A warning of missing data leaves grey areas in the image; other warnings are harmless.
void note_jpeg_warning(j_common_ptr state, int level) {
  const int code = state->err->msg_code;
  if (level < 0 && (code == JWRN_JPEG_EOF || code == JWRN_HIT_MARKER || code == JWRN_HUFF_BAD_CODE))
    reinterpret_cast<JpegErrors*>(state->err)->is_cut_off = true;
}

// Between setjmp and the end no object with a destructor may come to life: longjmp would skip it.
bool begin_jpeg(jpeg_decompress_struct& jpeg, std::span<const std::byte> bytes) {
  auto& errors = *reinterpret_cast<JpegErrors*>(jpeg.err);
  if (setjmp(errors.escape)) return false;
  jpeg_create_decompress(&jpeg);
  jpeg_mem_src(&jpeg, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  jpeg_read_header(&jpeg, TRUE);
  jpeg.out_color_space = JCS_RGB;
  jpeg_calc_output_dimensions(&jpeg);
  return true;
}

bool read_jpeg_rows(jpeg_decompress_struct& jpeg, std::uint8_t* pixels) {
  auto& errors = *reinterpret_cast<JpegErrors*>(jpeg.err);
  if (setjmp(errors.escape)) return false;
  jpeg_start_decompress(&jpeg);
  while (jpeg.output_scanline < jpeg.output_height) {
    JSAMPROW row = pixels + std::size_t{jpeg.output_scanline} * jpeg.output_width * 3;
    jpeg_read_scanlines(&jpeg, &row, 1);
  }
  jpeg_finish_decompress(&jpeg);
  return true;
}

[[noreturn]] void throw_jpeg_error(jpeg_decompress_struct& jpeg) {
  char message[JMSG_LENGTH_MAX] = {};
  jpeg.err->format_message(reinterpret_cast<j_common_ptr>(&jpeg), message);
  throw UserError(fmt::format("the JPEG cannot be decoded: {}", message));
}

Image decode_jpeg(std::span<const std::byte> bytes) {
  jpeg_decompress_struct jpeg{};
  JpegErrors errors{};
  jpeg.err = jpeg_std_error(&errors.base);
  errors.base.error_exit = leave_jpeg;
  errors.base.emit_message = note_jpeg_warning;
  errors.base.output_message = [](j_common_ptr) {};
  const auto destroy = [](jpeg_decompress_struct* state) { jpeg_destroy_decompress(state); };
  const std::unique_ptr<jpeg_decompress_struct, decltype(destroy)> cleanup(&jpeg, destroy);
  if (!begin_jpeg(jpeg, bytes)) throw_jpeg_error(jpeg);
  check_pixel_count(jpeg.output_height, jpeg.output_width);
  Image image{.height = jpeg.output_height, .width = jpeg.output_width};
  image.pixels.resize(static_cast<std::size_t>(image.height * image.width * 3));
  if (!read_jpeg_rows(jpeg, image.pixels.data())) throw_jpeg_error(jpeg);
  if (errors.is_cut_off) throw UserError("the JPEG is cut off or damaged; parts of the image are missing");
  return image;
}

Image decode_png(std::span<const std::byte> bytes) {
  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  const auto release = [](png_image* state) { png_image_free(state); };
  const std::unique_ptr<png_image, decltype(release)> cleanup(&png, release);
  if (!png_image_begin_read_from_memory(&png, bytes.data(), bytes.size()))
    throw UserError(fmt::format("the PNG cannot be decoded: {}", png.message));
  check_pixel_count(png.height, png.width);
  png.format = PNG_FORMAT_RGB;
  Image image{.height = png.height, .width = png.width};
  image.pixels.resize(PNG_IMAGE_SIZE(png));
  const png_color black{};
  if (!png_image_finish_read(&png, &black, image.pixels.data(), 0, nullptr))
    throw UserError(fmt::format("the PNG cannot be decoded: {}", png.message));
  return image;
}

bool begins_with(std::span<const std::byte> bytes, std::string_view magic) {
  return bytes.size() >= magic.size() && std::memcmp(bytes.data(), magic.data(), magic.size()) == 0;
}

constexpr int weight_bits = 22;  // Pillow: 32 - 8 (a pixel) - 2 (headroom for the sum)

/// For every output position: where its inputs begin and their fixed-point weights.
struct Taps {
  std::vector<std::int64_t> begin;
  std::vector<std::vector<std::int32_t>> weights;
};

// weight(i) = triangle((i + 0.5 - center) / max(1, ratio)), normalized to a sum of 1.
Taps triangle_taps(std::int64_t from, std::int64_t to) {
  const double ratio = static_cast<double>(from) / static_cast<double>(to);
  const double support = std::max(1.0, ratio);
  Taps taps;
  for (std::int64_t out = 0; out < to; ++out) {
    const double center = (static_cast<double>(out) + 0.5) * ratio;
    const auto begin = std::max<std::int64_t>(0, static_cast<std::int64_t>(center - support + 0.5));
    const auto end = std::min(from, static_cast<std::int64_t>(center + support + 0.5));
    std::vector<double> exact;
    double sum = 0;
    for (std::int64_t i = begin; i < end; ++i) {
      exact.push_back(std::max(0.0, 1 - std::abs((static_cast<double>(i) + 0.5 - center) / support)));
      sum += exact.back();
    }
    taps.begin.push_back(begin);
    std::vector<std::int32_t>& weights = taps.weights.emplace_back();
    for (const double weight : exact)
      weights.push_back(static_cast<std::int32_t>(weight / sum * (1 << weight_bits) + 0.5));
  }
  return taps;
}

/// Resamples one axis: `outer` runs of `from` positions, each of `inner` bytes.
std::vector<std::uint8_t> resample(const std::vector<std::uint8_t>& source, std::int64_t inner,
                                   std::int64_t from, std::int64_t to) {
  if (from == to) return source;
  const Taps taps = triangle_taps(from, to);
  const std::int64_t outer = static_cast<std::int64_t>(source.size()) / (inner * from);
  std::vector<std::uint8_t> target(static_cast<std::size_t>(outer * to * inner));
  std::vector<std::int32_t> sums(static_cast<std::size_t>(inner));
  for (std::int64_t run = 0; run < outer * to; ++run) {
    const auto position = static_cast<std::size_t>(run % to);
    const std::uint8_t* read = source.data() + (run / to * from + taps.begin[position]) * inner;
    std::fill(sums.begin(), sums.end(), 1 << (weight_bits - 1));
    for (const std::int32_t weight : taps.weights[position]) {
      for (std::int64_t i = 0; i < inner; ++i) sums[static_cast<std::size_t>(i)] += read[i] * weight;
      read += inner;
    }
    for (std::int64_t i = 0; i < inner; ++i)
      target[static_cast<std::size_t>(run * inner + i)] =
          static_cast<std::uint8_t>(std::clamp(sums[static_cast<std::size_t>(i)] >> weight_bits, 0, 255));
  }
  return target;
}

/// The channels of one pixel in the model's color.
std::array<std::uint8_t, 3> in_color(const std::uint8_t* rgb, const std::string& color) {
  // Rec. 601 in 16-bit fixed point: 0.299, 0.587, 0.114.
  if (color == "gray")
    return {static_cast<std::uint8_t>((rgb[0] * 19595 + rgb[1] * 38470 + rgb[2] * 7471 + 0x8000) >> 16), 0,
            0};
  if (color == "bgr") return {rgb[2], rgb[1], rgb[0]};
  return {rgb[0], rgb[1], rgb[2]};
}

}  // namespace

Image decode_image(const std::filesystem::path& path) {
  return while_doing(fmt::format("'{}'", path.string()), [&] {
    const MappedFile file(path);
    if (begins_with(file.bytes(), "\xFF\xD8\xFF")) return decode_jpeg(file.bytes());
    if (begins_with(file.bytes(), "\x89PNG\r\n\x1A\n")) return decode_png(file.bytes());
    throw UserError("this is neither a JPEG nor a PNG image");
  });
}

Image resize_bilinear(const Image& image, std::int64_t height, std::int64_t width) {
  const std::vector<std::uint8_t> wide = resample(image.pixels, image.channels, image.width, width);
  return {.height = height,
          .width = width,
          .channels = image.channels,
          .pixels = resample(wide, width * image.channels, image.height, height)};
}

Image crop_center(const Image& image, std::int64_t height, std::int64_t width) {
  if (height > image.height || width > image.width)
    throw UserError(fmt::format("the image is {}x{}, smaller than the crop {}x{}; resize it first",
                                image.height, image.width, height, width));
  Image result{.height = height, .width = width, .channels = image.channels};
  const std::int64_t top = (image.height - height) / 2;
  const std::int64_t left = (image.width - width) / 2;
  for (std::int64_t y = 0; y < height; ++y) {
    const auto row = image.pixels.begin() + ((top + y) * image.width + left) * image.channels;
    result.pixels.insert(result.pixels.end(), row, row + width * image.channels);
  }
  return result;
}

Tensor to_tensor(const Image& image, const Preprocessing& options) {
  const std::int64_t channels = options.color == "gray" ? 1 : 3;
  const bool is_planar = options.layout == "nchw";
  const std::int64_t pixel_count = image.height * image.width;
  Tensor tensor(DataType::uint8, is_planar ? Dims{1, channels, image.height, image.width}
                                           : Dims{1, image.height, image.width, channels});
  const std::span<std::uint8_t> target = tensor.mutable_data<std::uint8_t>();
  const std::int64_t pixel_stride = is_planar ? 1 : channels;
  const std::int64_t channel_stride = is_planar ? pixel_count : 1;
  for (std::int64_t i = 0; i < pixel_count; ++i) {
    const std::array<std::uint8_t, 3> pixel = in_color(image.pixels.data() + i * 3, options.color);
    for (std::int64_t c = 0; c < channels; ++c)
      target[static_cast<std::size_t>(i * pixel_stride + c * channel_stride)] =
          pixel[static_cast<std::size_t>(c)];
  }
  return tensor;
}

}  // namespace edgeopt
