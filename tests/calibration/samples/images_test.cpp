// Images, folders of them, data .toml files, ONNX test data and random samples.
#include <doctest/doctest.h>

#include <fstream>

#include "calibration/samples/images.h"
#include "calibration/samples/samples.h"
#include "ir/onnx/onnx.h"
#include "support/error.h"
#include "tests/calibration/samples/complaint.h"
#include "tests/calibration/samples/sample_files.h"

namespace edgeopt {
namespace {

const Graph& image_graph() {
  static const Graph graph = graph_with_inputs({{"x", DataType::float32, {Dim("N"), 3, 2, 2}}});
  return graph;
}

std::string content_of(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

TEST_CASE("a PNG is read exactly, grey as RGB") {
  const TemporaryFolder folder;
  const Image image{.height = 1, .width = 2, .pixels = {1, 2, 3, 250, 251, 252}};
  write_png(folder / "a.png", image);
  CHECK(decode_image(folder / "a.png").pixels == image.pixels);
  write_png(folder / "g.png", flat_image(1, 1, {77}));
  CHECK(decode_image(folder / "g.png").pixels == std::vector<std::uint8_t>{77, 77, 77});
}

TEST_CASE("a JPEG is read within its loss, grey as RGB") {
  const TemporaryFolder folder;
  constexpr int largest_error = 3;  // one color everywhere: only rounding of YCbCr and of the DC step remains
  write_jpeg(folder / "a.jpg", flat_image(16, 16, {200, 100, 50}));
  const Image image = decode_image(folder / "a.jpg");
  CHECK(image.height == 16);
  CHECK(std::abs(image.pixels[0] - 200) <= largest_error);
  CHECK(std::abs(image.pixels[1] - 100) <= largest_error);
  CHECK(std::abs(image.pixels[2] - 50) <= largest_error);
  write_jpeg(folder / "g.jpg", flat_image(8, 8, {90}));
  const Image grey = decode_image(folder / "g.jpg");
  CHECK(grey.pixels[0] == grey.pixels[2]);
}

TEST_CASE("cut off and damaged images are refused or read, never worse") {
  const TemporaryFolder folder;
  write_png(folder / "a.png", flat_image(9, 9, {1, 2, 3}));
  write_jpeg(folder / "a.jpg", flat_image(24, 24, {200, 100, 50}));
  for (const char* name : {"a.png", "a.jpg"}) {
    const std::string bytes = content_of(folder / name);
    for (std::size_t size = 0; size + 16 < bytes.size(); size += 3)
      CHECK_THROWS_AS(decode_image(folder.write("cut", bytes.substr(0, size))), UserError);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      std::string damaged = bytes;
      damaged[i] = static_cast<char>(damaged[i] ^ 0xFF);
      try {
        decode_image(folder.write("damaged", damaged));
      } catch (const UserError&) {
      }
    }
  }
  CHECK_THROWS_AS(decode_image(folder.write("t.png", "hello")), UserError);
}

TEST_CASE("resizing up interpolates between pixel centres and clamps at the border") {
  // Centres of 4 pixels over 2: at 0.25, 0.75, 1.25, 1.75; pixel centres 0.5 and 1.5.
  const Image image{.height = 1, .width = 2, .channels = 1, .pixels = {0, 100}};
  CHECK(resize_bilinear(image, 1, 4).pixels == std::vector<std::uint8_t>{0, 25, 75, 100});
}

TEST_CASE("resizing down averages with a triangle as wide as the ratio") {
  // 4 -> 2: centre 1, support 2, weights at 0.5, 1.5, 2.5 are 3, 3, 1 of 7: (0*3 + 70*3 + 140*1) / 7 = 50.
  const Image image{.height = 4, .width = 1, .channels = 1, .pixels = {0, 70, 140, 210}};
  CHECK(resize_bilinear(image, 2, 1).pixels == std::vector<std::uint8_t>{50, 160});
}

TEST_CASE("the crop is the middle, the odd pixel stays behind") {
  const Image image{.height = 1, .width = 4, .channels = 1, .pixels = {1, 2, 3, 4}};
  CHECK(crop_center(image, 1, 2).pixels == std::vector<std::uint8_t>{2, 3});
  CHECK(crop_center(image, 1, 1).pixels == std::vector<std::uint8_t>{2});
  CHECK_THROWS_AS(crop_center(image, 2, 2), UserError);
}

TEST_CASE("layout and color arrange the channels") {
  const Image image{.height = 1, .width = 2, .pixels = {1, 2, 3, 4, 5, 6}};
  CHECK(to_tensor(image, {}) == Tensor::of<std::uint8_t>({1, 3, 1, 2}, {1, 4, 2, 5, 3, 6}));
  CHECK(to_tensor(image, {.color = "bgr"}) == Tensor::of<std::uint8_t>({1, 3, 1, 2}, {3, 6, 2, 5, 1, 4}));
  CHECK(to_tensor(image, {.layout = "nhwc"}) == Tensor::of<std::uint8_t>({1, 1, 2, 3}, {1, 2, 3, 4, 5, 6}));
  // 0.299 + 2 * 0.587 + 3 * 0.114 = 1.815; 4.815
  CHECK(to_tensor(image, {.color = "gray"}) == Tensor::of<std::uint8_t>({1, 1, 1, 2}, {2, 5}));
}

TEST_CASE("a folder with labels.csv gives its files in sorted order") {
  const TemporaryFolder folder;
  write_png(folder / "b.png", flat_image(2, 2, {20, 0, 0}));
  write_png(folder / "a.png", flat_image(2, 2, {10, 0, 0}));
  folder.write("labels.csv", "file,label\nb.png,7\r\na.png,3\n");
  const SampleSource source = open_samples(folder.path().string(), image_graph(), {}, 1);
  CHECK(source.labels == std::vector<std::int64_t>{3, 7});
  CHECK(source.read(0).inputs[0].data<float>()[0] == 10);
  CHECK(source.read(1).label == 7);
}

TEST_CASE("labels.csv and the images must name the same files") {
  const TemporaryFolder folder;
  write_png(folder / "a.png", flat_image(2, 2, {10, 0, 0}));
  const auto check = [&](const std::string& csv, const std::string& expected) {
    folder.write("labels.csv", csv);
    CHECK(contains(complaint(folder.path().string(), image_graph()), expected));
  };
  check("a.png,1\nb.png,2\n", "names 'b.png', which is missing");
  check("file,label\n", "is empty");
  check("a.png,1\na.png,2\n", "twice");
  check("a.png,1\nb.png,x\n", "line 2: 'x' is no whole number");
  write_png(folder / "c.png", flat_image(2, 2, {10, 0, 0}));
  check("a.png,1\n", "c.png' has no line in labels.csv");
}

TEST_CASE("class folders count in sorted order, and by number if all are numbers") {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "named/dog");
  std::filesystem::create_directories(folder / "named/cat");
  write_png(folder / "named/dog/1.png", flat_image(2, 2, {1, 0, 0}));
  write_png(folder / "named/cat/2.png", flat_image(2, 2, {2, 0, 0}));
  CHECK(open_samples((folder / "named").string(), image_graph(), {}, 1).labels ==
        std::vector<std::int64_t>{0, 1});
  std::filesystem::create_directories(folder / "numbered/12");
  write_png(folder / "numbered/12/1.png", flat_image(2, 2, {1, 0, 0}));
  CHECK(open_samples((folder / "numbered").string(), image_graph(), {}, 1).labels ==
        std::vector<std::int64_t>{12});
}

TEST_CASE("an empty folder, a wrong size and a missing path say what to do") {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "empty");
  CHECK(contains(complaint((folder / "empty").string(), image_graph()), "has no images"));
  CHECK(contains(complaint((folder / "absent").string(), image_graph()), "do not exist"));
  CHECK(contains(complaint("", image_graph()), "no samples are named"));
  std::filesystem::create_directories(folder / "large");
  write_png(folder / "large/a.png", flat_image(5, 5, {1, 2, 3}));
  CHECK(contains(complaint((folder / "large").string(), image_graph()), "the model takes 2x2"));
  CHECK(complaint((folder / "large").string(), image_graph(), {.resize = {4, 4}, .crop = {2, 2}}).empty());
}

TEST_CASE("a data .toml names the samples beside it and how to prepare them") {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "images");
  write_png(folder / "images/a.png", flat_image(4, 4, {255, 0, 0}));
  write_png(folder / "images/b.png", flat_image(4, 4, {0, 255, 0}));
  folder.write("labels.txt", "4\n5\n");
  const std::string path =
      folder.write("d.toml",
                   "folder = 'images[0:2]'\nlabels = 'labels.txt'\nresize = [3, 3]\ncrop = [2, 2]\n"
                   "scale = 0.00392156862745098\nmean = 0.5\nstd = [0.5, 0.5, 0.5]\n");
  const SampleSource source = open_samples(path + "[1:]", image_graph(), {}, 1);
  CHECK(source.count == 1);
  const Sample sample = source.read(0);
  CHECK(sample.label == 5);
  CHECK(sample.inputs[0].data<float>()[0] == doctest::Approx(-1));
  CHECK(sample.inputs[0].data<float>()[4] == doctest::Approx(1));
  const SampleSource overridden = open_samples(path, image_graph(), {.mean = {0.0}}, 1);
  CHECK(overridden.read(0).inputs[0].data<float>()[0] == doctest::Approx(2));
}

TEST_CASE("one number for a size in a data .toml is height and width") {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "images");
  write_png(folder / "images/a.png", flat_image(5, 4, {255, 0, 0}));
  const std::string one = folder.write("one.toml", "folder = 'images'\nresize = 3\ncrop = 2\n");
  const std::string both = folder.write("both.toml", "folder = 'images'\nresize = [3, 3]\ncrop = [2, 2]\n");
  const auto first = [&](const std::string& path) {
    return open_samples(path, image_graph(), {}, 1).read(0).inputs[0];
  };
  CHECK(first(one) == first(both));
}

TEST_CASE("a data .toml with unknown keys or wrong values is refused by name") {
  const TemporaryFolder folder;
  const auto check = [&](const std::string& text, const std::string& expected) {
    const std::string message = complaint(folder.write("d.toml", text), image_graph());
    CAPTURE(message);
    CHECK(contains(message, expected));
  };
  check("file = 'x.npz'\nmeen = 1", "unknown key 'meen'");
  check("mean = 1", "neither 'file' nor 'folder'");
  check("file = 'x.npz'\nmean = 'a'", "'mean' must be a number");
  check("file = 'x.npz'\nresize = [3]", "'resize' must be [height, width]");
  check("file = 'x.npz'\nstd = 0", "std is 0");
  check("file = 'x.npz'\nlayout = 'chwn'", "layout is 'chwn'");
  check("file = ", "line 1");
}

TEST_CASE("ONNX test data sets are samples in the order of their numbers") {
  const TemporaryFolder folder;
  for (const int set : {0, 2, 10})
    folder.write("test_data_set_" + std::to_string(set) + "/input_0.pb",
                 tensor_to_bytes(Tensor::of<float>({1, 2}, {static_cast<float>(set), 0}), "x"));
  const Graph graph = graph_with_inputs({{"x", DataType::float32, {1, 2}}});
  const SampleSource source = open_samples(folder.path().string(), graph, {}, 1);
  CHECK(source.count == 3);
  CHECK(source.read(2).inputs[0].data<float>()[0] == 10);
  CHECK_FALSE(source.has_labels);
  const Graph wider = graph_with_inputs({{"x", DataType::float32, {1, 3}}});
  CHECK(contains(complaint(folder.path().string(), wider), "input_0.pb"));
}

TEST_CASE("random samples depend on the seed and the sample alone") {
  const SampleSource a = open_samples("random", image_graph(), {}, 1);
  const SampleSource b = open_samples("random[3:40]", image_graph(), {}, 1);
  const SampleSource c = open_samples("random", image_graph(), {}, 2);
  CHECK(b.count == 37);
  CHECK(a.read(5).inputs[0] == b.read(2).inputs[0]);
  CHECK_FALSE(a.read(5).inputs[0] == a.read(4).inputs[0]);
  CHECK_FALSE(a.read(0).inputs[0] == c.read(0).inputs[0]);
}

}  // namespace
}  // namespace edgeopt
