// tenon run: one inference of anything that can run.
#include <fmt/format.h>

#include <chrono>
#include <memory>

#include "api/inputs.h"
#include "api/session.h"
#include "archive/npy.h"
#include "cli/execution_options.h"
#include "cli/model_options.h"
#include "cli/summary.h"
#include "numerics/statistics.h"

namespace tenon::cli {
namespace {

struct Options {
  std::string file, out;
  ModelOptions reading;
  InputOptions inputs;
  EngineOptions engine;
};

std::string shape_text(const Tensor& tensor) {
  return ir::Type::tensor(tensor.dtype(), ir::to_shape(tensor.shape())).str();
}

Status run(const Options& options, const Globals& globals) {
  using Clock = std::chrono::steady_clock;
  const auto ms = [](auto from, auto to) {
    return std::chrono::duration<double, std::milli>(to - from).count();
  };
  const auto start = Clock::now();
  const api::Tables tables = api::make_tables();
  api::LoadOptions reading = TRY(options.reading.parse());
  reading.examples = TRY(options.inputs.read());
  const api::Session session =
      TRY(api::open_session(options.file, reading, TRY(options.engine.parse()), tables));
  const std::vector<Tensor> inputs =
      TRY(options.inputs.make(session.engine.graph(), reading.examples, reading.import.shapes));
  const auto ready = Clock::now();
  cpu::Context context = session.engine.new_context();
  auto outputs = context.run(inputs);
  if (!outputs) return fail(with_where(std::move(outputs).error(), {.file = options.file}));
  const auto done = Clock::now();
  std::vector<NamedTensor> named;
  for (size_t i = 0; i < outputs->size(); ++i)
    named.push_back({session.engine.outputs()[i].name, (*outputs)[i]});
  if (!options.out.empty()) TRY(archive::write_npz(options.out, named));
  if (!globals.quiet) print_notices(session.engine.notices());
  if (globals.quiet && !globals.json) return {};
  if (globals.json) {
    Json report = {{"file", options.file},
                   {"load_ms", ms(start, ready)},
                   {"run_ms", ms(ready, done)},
                   {"threads", session.engine.threads()},
                   {"outputs", Json::array()}};
    for (const NamedTensor& output : named) {
      const numerics::Statistics s = numerics::statistics(output.tensor);
      report["outputs"].push_back({{"name", output.name},
                                   {"dtype", name(output.tensor.dtype())},
                                   {"shape", output.tensor.shape()},
                                   {"min", s.min},
                                   {"max", s.max},
                                   {"mean", s.mean}});
    }
    fmt::print("{}\n", report.dump(2));
    return {};
  }
  if (options.inputs.random())
    fmt::print("inputs are random, seed {}; give your own with --inputs\n", options.inputs.seed);
  for (const NamedTensor& output : named) {
    const numerics::Statistics s = numerics::statistics(output.tensor);
    fmt::print("{}: {}, {:.6g} to {:.6g}, mean {:.6g}\n", output.name, shape_text(output.tensor),
               s.min, s.max, s.mean);
  }
  fmt::print("ready in {:.1f} ms, ran in {:.1f} ms on {} threads\n", ms(start, ready),
             ms(ready, done), session.engine.threads());
  if (!options.out.empty()) fmt::print("outputs written to {}\n", options.out);
  return {};
}

std::function<Status()> declare(CLI::App& app, const Globals& globals) {
  auto options = std::make_shared<Options>();
  app.add_option("FILE", options->file, "a model, an ONNX file or a plan")->required();
  app.add_option("-o,--output", options->out, "npz file for the outputs, in the model's order");
  options->inputs.declare(app);
  options->reading.declare(app, false);
  options->engine.declare(app);
  return [options, &globals] { return run(*options, globals); };
}

}  // namespace

Command run_command() {
  return {.name = "run",
          .about = "Run a model, ONNX file or plan once",
          .example = "  tenon run resnet18.pt --inputs image.npz -o scores.npz\n",
          .declare = declare};
}

}  // namespace tenon::cli
