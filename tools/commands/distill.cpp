// Training a student on a teacher's outputs; the student keeps its form, a Q/DQ model its integers.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "ir/onnx/onnx.h"
#include "recipes/distill.h"
#include "support/error.h"
#include "support/file.h"
#include "tools/command.h"
#include "tools/data_options.h"
#include "tools/distill_options.h"
#include "tools/model_options.h"

namespace edgeopt {
namespace {

struct Options {
  std::string student;
  std::string teacher;
  std::string output;
  DistillFlags learning;
  DataOptions data;
};

void declare(CLI::App& app, Options& options) {
  app.add_option("student", options.student, "ONNX model to train, float or Q/DQ")
      ->required()
      ->type_name("STUDENT");
  app.add_option("--teacher", options.teacher, "Model whose outputs are learned")
      ->required()
      ->type_name("MODEL");
  declare_output(app, options.output);
  declare_distill_options(app, options.learning);
  declare_data_options(app, options.data, "Samples to learn on; labels are not needed");
}

std::string describe_memory(const Distilled& distilled) {
  if (distilled.intermediate_bytes == 0) return "";
  return fmt::format("intermediate values take {:.1f} MB in each thread, in {} segments\n",
                     static_cast<double>(distilled.intermediate_bytes) / 1e6, distilled.segment_count);
}

Answer describe(const Options& options, const Distilled& distilled) {
  nlohmann::ordered_json json = {
      {"student", options.student}, {"teacher", options.teacher}, {"result", options.output}};
  json.update(learning_to_json(distilled));
  return {.text = fmt::format("{}: {} parameters learned in {}\n{}\n{}", options.output,
                              distilled.parameter_count, describe_steps(distilled),
                              describe_memory(distilled), describe_history(distilled)),
          .json = json.dump(2)};
}

Answer run(const Options& options, const RunContext& context) {
  require_writable(options.output);
  const Graph student = load_model(options.student);
  const Graph teacher = load_model(options.teacher);
  const SampleSource samples = open_data(options.data, student, context);
  const Distilled distilled = while_doing("distilling", [&] {
    return distill_model(student, teacher, samples, distillation_options(options.learning, context));
  });
  save_model(distilled.graph, options.output);
  return describe(options, distilled);
}

}  // namespace

Command distill_command() {
  return command<Options>({
      .name = "distill",
      .summary = "Train a model on the outputs of another one, without labels.",
      .examples =
          "  edgeopt distill int8.onnx --teacher model.onnx --data samples.npz -o better.onnx\n"
          "  edgeopt distill pruned.onnx --teacher model.onnx --data images/ --work 20 \\\n"
          "      --checkpoint run.ckpt -o recovered.onnx     stop it and start it again: it goes on\n",
      .declare = declare,
      .run = run,
  });
}

}  // namespace edgeopt
