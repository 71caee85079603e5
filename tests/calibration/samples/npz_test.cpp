// .npy headers, .npz arrays, and samples from them.
#include <doctest/doctest.h>

#include <array>
#include <fstream>
#include <limits>
#include <numeric>

#include "calibration/samples/npz_array.h"
#include "calibration/samples/samples.h"
#include "support/error.h"
#include "tests/calibration/samples/complaint.h"
#include "tests/calibration/samples/sample_files.h"

namespace edgeopt {
namespace {

NpyHeader parse(const std::string& bytes) { return parse_npy_header(std::as_bytes(std::span(bytes))); }

/// A .npy with this dict as it stands, in version 1.
std::string npy_with_dict(const std::string& dict) {
  return std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(dict.size()) + '\0' + dict;
}

SampleSource open(const std::string& data, const Graph& graph, const Preprocessing& options = {}) {
  return open_samples(data, graph, options, 1);
}

std::vector<float> counting_floats(std::size_t count) {
  std::vector<float> elements(count);
  std::iota(elements.begin(), elements.end(), 0.0f);
  return elements;
}

const Graph& pairs_graph() {
  static const Graph graph = graph_with_inputs({{"x", DataType::float32, {Dim("N"), 2}}});
  return graph;
}

/// x: [3,2] = 0..5, labels 0,1,2.
std::string write_pairs(const TemporaryFolder& folder) {
  const std::string path = (folder / "d.npz").string();
  write_npz(path, {{"x", npy("<f4", "(3, 2)", counting_floats(6))},
                   {"labels", npy<std::int64_t>("<i8", "(3,)", {0, 1, 2})}});
  return path;
}

TEST_CASE("an npy header gives type, dims and where the elements begin") {
  const NpyHeader header = parse(npy<float>("<f4", "(3, 4)", {}));
  CHECK(header.dtype == DataType::float32);
  CHECK(header.dims == Dims{3, 4});
  CHECK(header.header_bytes % 64 == 0);
  CHECK(parse(npy<float>("|u1", "(5,)", {})).dims == Dims{5});
  CHECK(parse(npy<float>("|b1", "()", {})).dims.empty());
}

TEST_CASE("every numeric type of numpy has its element type") {
  const std::vector<std::pair<std::string, DataType>> types = {
      {"|b1", DataType::boolean}, {"|i1", DataType::int8},    {"|u1", DataType::uint8},
      {"<i2", DataType::int16},   {"<u2", DataType::uint16},  {"<i4", DataType::int32},
      {"<u4", DataType::uint32},  {"<i8", DataType::int64},   {"<u8", DataType::uint64},
      {"<f2", DataType::float16}, {"<f4", DataType::float32}, {"<f8", DataType::float64}};
  for (const auto& [descr, dtype] : types) CHECK(parse(npy<float>(descr, "(1,)", {})).dtype == dtype);
}

TEST_CASE("versions 2 and 3 have a header length of four bytes") {
  const std::string dict = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n";
  for (const char version : {2, 3}) {
    const std::string bytes = std::string("\x93NUMPY") + version + '\0' + static_cast<char>(dict.size()) +
                              std::string(3, '\0') + dict;
    CHECK(parse(bytes).dims == Dims{2});
    CHECK(parse(bytes).header_bytes == 12 + dict.size());
  }
}

TEST_CASE("hostile npy headers are refused") {
  const std::string good = npy<float>("<f4", "(3, 4)", {});
  for (std::size_t size = 0; size < good.size() - 1; ++size)
    CHECK_THROWS_AS(parse(good.substr(0, size)), UserError);
  for (const char* dict :
       {"", "{", "{}", "{'descr': '<f4'}", "{'descr': '<f4', 'fortran_order': False, 'shape': (3", "[1]",
        "{'descr': '<f4', 'fortran_order': Maybe, 'shape': (3,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-3,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), 'extra': 1}",
        "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3,)}",
        "{'descr': '|O', 'fortran_order': False, 'shape': (3,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': 3}"})
    CHECK_THROWS_AS(parse(npy_with_dict(dict)), UserError);
}

TEST_CASE("fortran order and big-endian elements are refused with the remedy") {
  CHECK_THROWS_WITH_AS(parse(npy_with_dict("{'descr': '<f4', 'fortran_order': True, 'shape': (3, 4)}")),
                       "the array lies in fortran order; save it with numpy.ascontiguousarray(array)",
                       UserError);
  CHECK_THROWS_WITH_AS(parse(npy<float>(">f4", "(3,)", {})),
                       "elements of type '>f4' are big-endian; save the array with array.astype('<f4')",
                       UserError);
}

TEST_CASE("an array is read in any order through a window of one sample") {
  const TemporaryFolder folder;
  write_npz(folder / "a.npz", {{"a", npy("<f4", "(8, 2)", counting_floats(16))}});
  const NpzArray array(folder / "a.npz", "a", 1);
  for (const std::int64_t index : {0, 3, 7, 7, 2, 1, 6, 0}) {
    const Tensor sample = array.read(index);
    CHECK(sample.dims() == Dims{2});
    CHECK(sample.data<float>()[1] == static_cast<float>(2 * index + 1));
  }
}

TEST_CASE("a sample is the array's slice with a batch of one, and its label") {
  const TemporaryFolder folder;
  const SampleSource source = open(write_pairs(folder), pairs_graph());
  CHECK(source.count == 3);
  CHECK(source.has_labels);
  const Sample sample = source.read(1);
  CHECK(sample.inputs[0] == Tensor::of<float>({1, 2}, {2, 3}));
  CHECK(sample.label == 1);
  CHECK(source.sha256.size() == 64);
}

TEST_CASE("a slice takes its samples and their labels") {
  const TemporaryFolder folder;
  const std::string path = write_pairs(folder);
  CHECK(open(path + "[1:3]", pairs_graph()).read(0).label == 1);
  CHECK(open(path + "[1:]", pairs_graph()).count == 2);
  CHECK(open(path + "[:1]", pairs_graph()).count == 1);
  CHECK(open(path + "[2:]", pairs_graph()).labels == std::vector<std::int64_t>{2});
}

TEST_CASE("a slice that is empty, reversed, too long or no slice is refused") {
  const TemporaryFolder folder;
  const std::string path = write_pairs(folder);
  for (const char* slice : {"[1:1]", "[2:1]", "[0:4]", "[3:]", "[1]", "[a:b]", "[-1:2]"}) {
    CAPTURE(slice);
    CHECK(contains(complaint(path + slice, pairs_graph()), "slice"));
  }
}

TEST_CASE("a model with a fixed batch of one takes single samples, one with more is refused") {
  const TemporaryFolder folder;
  const std::string path = write_pairs(folder);
  CHECK(complaint(path, graph_with_inputs({{"x", DataType::float32, {1, 2}}})).empty());
  CHECK(contains(complaint(path, graph_with_inputs({{"x", DataType::float32, {3, 2}}})),
                 "takes 3 samples at once"));
}

TEST_CASE("an array with one axis more than the input is cut along it, batch included") {
  const TemporaryFolder folder;
  write_npz(folder / "s.npz", {{"state", npy("<f4", "(4, 2, 1, 3)", counting_floats(24))},
                               {"rate", npy<std::int64_t>("<i8", "(4,)", {8, 16, 8, 16})}});
  const Graph graph =
      graph_with_inputs({{"state", DataType::float32, {2, 1, 3}}, {"rate", DataType::int64, {}}});
  const Sample sample = open((folder / "s.npz").string(), graph).read(1);
  CHECK(sample.inputs[0].dims() == Dims{2, 1, 3});
  CHECK(sample.inputs[0].data<float>()[0] == 6);
  CHECK(sample.inputs[1] == Tensor::scalar<std::int64_t>(16));
}

TEST_CASE("the only array feeds the only input, and the description says so") {
  const TemporaryFolder folder;
  const Graph graph = graph_with_inputs({{"input", DataType::float32, {Dim("N"), 2}}});
  const SampleSource source = open(write_pairs(folder), graph);
  CHECK(contains(source.description, "'x' as input 'input'"));
}

TEST_CASE("an input without an array is refused, naming it and what there is; a mapping helps") {
  const TemporaryFolder folder;
  write_npz(folder / "d.npz", {{"a", npy("<f4", "(3, 2)", counting_floats(6))},
                               {"b", npy("<f4", "(3, 2)", counting_floats(6))}});
  const std::string path = (folder / "d.npz").string();
  const std::string message = complaint(path, pairs_graph());
  CHECK(contains(message, "no array 'x'"));
  CHECK(contains(message, "a, b"));
  CHECK(complaint(path, pairs_graph(), {.inputs = {{"x", "b"}}}).empty());
  CHECK(contains(complaint(path, pairs_graph(), {.inputs = {{"x", "c"}}}), "no array 'c'"));
}

TEST_CASE("uint8 becomes float by (raw * scale - mean) / std per channel") {
  const TemporaryFolder folder;
  write_npz(folder / "i.npz",
            {{"images", npy<std::uint8_t>("|u1", "(1, 3, 1, 2)", {0, 255, 51, 102, 153, 204})}});
  const Graph graph = graph_with_inputs({{"x", DataType::float32, {Dim("N"), 3, 1, 2}}});
  const Preprocessing options{.mean = {0, 0.2, 0.5}, .std = {1, 0.5, 0.25}, .scale = 1.0 / 255};
  const Tensor x = open((folder / "i.npz").string(), graph, options).read(0).inputs[0];
  const std::array<double, 6> expected = {0, 1, 0, 0.4, 0.4, 1.2};  // 51/255 = 0.2, 102/255 = 0.4, ...
  for (std::size_t i = 0; i < 6; ++i) CHECK(x.data<float>()[i] == doctest::Approx(expected[i]));
}

TEST_CASE("channels lie last in nhwc") {
  const TemporaryFolder folder;
  write_npz(folder / "i.npz", {{"images", npy<std::uint8_t>("|u1", "(1, 1, 2, 3)", {1, 2, 3, 4, 5, 6})}});
  const Graph graph = graph_with_inputs({{"x", DataType::float32, {Dim("N"), 1, 2, 3}}});
  const Preprocessing options{.mean = {1, 2, 3}, .layout = "nhwc"};
  CHECK(open((folder / "i.npz").string(), graph, options).read(0).inputs[0] ==
        Tensor::of<float>({1, 1, 2, 3}, {0, 0, 0, 3, 3, 3}));
}

TEST_CASE("mean of another count than the channels is refused at once") {
  const TemporaryFolder folder;
  const std::string path = write_pairs(folder);
  CHECK(contains(complaint(path, pairs_graph(), {.mean = {1, 2, 3}}),
                 "mean has 3 numbers, but the sample has 2 channels"));
}

TEST_CASE("NaN and infinity are refused with file, array and sample") {
  const TemporaryFolder folder;
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    std::vector<float> elements = counting_floats(6);
    elements[3] = bad;
    write_npz(folder / "n.npz", {{"x", npy("<f4", "(3, 2)", elements)}});
    const std::string message = complaint((folder / "n.npz").string(), pairs_graph());
    CHECK(contains(message, "n.npz', array 'x', sample 1"));
    CHECK(contains(message, "finite"));
  }
}

TEST_CASE("integers widen to the input's integers, floats never become integers") {
  const TemporaryFolder folder;
  write_npz(folder / "i.npz", {{"x", npy<std::int32_t>("<i4", "(1, 2)", {-1, 7})}});
  write_npz(folder / "f.npz", {{"x", npy("<f4", "(1, 2)", counting_floats(2))}});
  const Graph graph = graph_with_inputs({{"x", DataType::int64, {Dim("N"), 2}}});
  CHECK(open((folder / "i.npz").string(), graph).read(0).inputs[0] ==
        Tensor::of<std::int64_t>({1, 2}, {-1, 7}));
  CHECK(contains(complaint((folder / "f.npz").string(), graph),
                 "its elements are float, but input 'x' wants int64"));
}

TEST_CASE("wrong shapes, scalars, empty arrays and unequal counts are refused") {
  const TemporaryFolder folder;
  const auto check = [&](const std::string& shape, std::size_t count, const std::string& expected) {
    write_npz(folder / "w.npz", {{"x", npy("<f4", shape, counting_floats(count))}});
    CAPTURE(shape);
    CHECK(contains(complaint((folder / "w.npz").string(), pairs_graph()), expected));
  };
  check("(2, 3)", 6, "shape [1,3] does not fit input 'x', which is [N,2]");
  check("(6,)", 6, "needs one more axis in front");
  check("()", 1, "it is a single number");
  check("(0, 2)", 0, "it has no samples");
  check("(3, 0)", 0, "its samples are empty");
  check("(4, 2)", 6, "does not fit its 24 bytes");
  check("(4611686018427387904, 4)", 6, "2^62");
}

TEST_CASE("labels of another count, type or shape are refused") {
  const TemporaryFolder folder;
  const std::string x = npy("<f4", "(3, 2)", counting_floats(6));
  const auto check = [&](const std::string& labels, const std::string& expected) {
    write_npz(folder / "l.npz", {{"x", x}, {"labels", labels}});
    CHECK(contains(complaint((folder / "l.npz").string(), pairs_graph()), expected));
  };
  check(npy<std::int64_t>("<i8", "(2,)", {0, 1}), "2 labels for 3 samples");
  check(npy<float>("<f4", "(3,)", {0, 1, 2}), "one integer per sample");
  check(npy<std::int64_t>("<i8", "(3, 2)", {0, 1, 2, 3, 4, 5}), "one integer per sample");
}

TEST_CASE("labels outside the classes are refused with the sample") {
  const TemporaryFolder folder;
  const SampleSource source = open(write_pairs(folder), pairs_graph());
  CHECK_NOTHROW(check_labels(source, 3));
  CHECK_THROWS_AS(check_labels(source, 2), UserError);
}

TEST_CASE("a damaged, cut off or missing npz is one clear error") {
  const TemporaryFolder folder;
  const std::string path = write_pairs(folder);
  std::ifstream stream(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
  for (std::size_t size = 0; size < bytes.size(); size += 7)
    CHECK_FALSE(complaint(folder.write("cut.npz", bytes.substr(0, size)), pairs_graph()).empty());
  CHECK_FALSE(complaint((folder / "absent.npz").string(), pairs_graph()).empty());
}

TEST_CASE("an npz with any byte flipped gives samples or one UserError") {
  const TemporaryFolder folder;
  const std::string path = write_pairs(folder);
  std::ifstream stream(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x55);
    CHECK_NOTHROW(complaint(folder.write("flipped.npz", damaged), pairs_graph()));
  }
}

}  // namespace
}  // namespace edgeopt
