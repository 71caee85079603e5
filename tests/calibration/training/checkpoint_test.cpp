// Checkpoints as files that somebody may have damaged: refused, never gone on from.
#include "calibration/training/checkpoint.h"

#include <doctest/doctest.h>

#include <functional>
#include <limits>

#include "ir/edit.h"
#include "ir/onnx/onnx.h"
#include "support/error.h"
#include "tests/support/temporary_folder.h"

namespace edgeopt {
namespace {

constexpr const char* fingerprint = "mine";

Parameter weight() {
  return {.name = "w", .value = Tensor::of<float>({2}, {1, 2}), .held = {}, .channel_axis = -1};
}

// What a run with one weight has at its start; Adam remembers two numbers per element.
TrainingState fresh_state() {
  TrainingState state;
  state.parameters = state.best = {weight()};
  return state;
}

std::filesystem::path saved(const TemporaryFolder& folder) {
  TrainingState state = fresh_state();
  state.moments = {{.first = {0.1F, 0.2F}, .second = {0.3F, 0.4F}}};
  state.step = 7;
  state.best_losses = {0.5, 0.25};
  state.outcome.history = {{.step = 7, .training_loss = 2, .held_back_loss = 1}};
  save_checkpoint(folder / "c", fingerprint, state);
  return folder / "c";
}

void replace_constant(const std::filesystem::path& path, const std::string& name, const Tensor& constant) {
  const Graph file = load_model(path);
  Edit edit(file);
  edit.set_constant(*file.find_value(name), constant);
  save_model(edit.apply(), path);
}

Tensor doubles(const std::vector<double>& elements) {
  return Tensor::of<double>({std::ssize(elements)}, elements);
}
Tensor floats(const std::vector<float>& elements) {
  return Tensor::of<float>({std::ssize(elements)}, elements);
}

}  // namespace

TEST_CASE("a checkpoint gives back where training stood") {
  const TemporaryFolder folder;
  TrainingState state = fresh_state();
  REQUIRE(load_checkpoint(saved(folder), fingerprint, state));
  CHECK(state.step == 7);
  CHECK(state.best_losses == std::vector<double>{0.5, 0.25});
  CHECK(state.moments.at(0).second == std::vector<float>{0.3F, 0.4F});
  CHECK(state.outcome.history.size() == 1);
}

TEST_CASE("a checkpoint with a part of the wrong type or size is refused by the part's name") {
  const TemporaryFolder folder;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<std::pair<std::string, Tensor>> damages = {
      {"numbers", doubles({})},           {"numbers", doubles({7, 0})},
      {"numbers", doubles({7, 0, 0, 7})}, {"numbers", doubles({-1, 0, 0})},
      {"numbers", doubles({nan, 0, 0})},  {"numbers", doubles({1e300, 0, 0})},
      {"numbers", floats({7, 0, 0})},     {"parameter/0", floats({1, 2, 3})},
      {"parameter/0", doubles({1, 2})},   {"best/0", floats({1})},
      {"first/0", floats({1})},           {"first/0", doubles({1, 2})},
      {"second/0", floats({1})},          {"best_losses", Tensor::of_strings({1}, {"low"})}};
  for (const auto& [name, tensor] : damages) {
    const std::filesystem::path path = saved(folder);
    replace_constant(path, name, tensor);
    TrainingState state = fresh_state();
    CAPTURE(name);
    try {
      load_checkpoint(path, fingerprint, state);
      FAIL_CHECK("it was taken");
    } catch (const UserError& error) {
      CHECK(std::string(error.what()).find("'" + name + "'") != std::string::npos);
    }
  }
}

TEST_CASE("an optimizer does not go on from what one of another kind, or of other parameters, remembers") {
  Optimizer adam({.kind = OptimizerKind::adam}, {weight()});
  CHECK_NOTHROW(adam.restore(7, {{.first = {1, 2}, .second = {3, 4}}}));
  CHECK_THROWS_AS(adam.restore(7, {{.first = {1, 2}, .second = {}}}), UserError);
  CHECK_THROWS_AS(adam.restore(7, {{.first = {1}, .second = {3}}}), UserError);
  CHECK_THROWS_AS(adam.restore(7, {}), UserError);
}

}  // namespace edgeopt
