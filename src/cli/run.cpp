// tenon run: one inference of anything that can run.
#include <fmt/format.h>

#include <chrono>
#include <memory>

#include "api/inputs.h"
#include "api/session.h"
#include "archive/npy.h"
#include "cli/run.h"
#include "numerics/statistics.h"

namespace tenon::cli {
namespace {

std::string shape_text(const Tensor& tensor) {
  return ir::Type::tensor(tensor.dtype(), ir::to_shape(tensor.shape())).str();
}

Status run(const RunOptions& options, const Globals& globals) {
  if (api::is_engine(options.file)) return run_engine(options, globals);
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
                   {"outputs", tensors_json(named)}};
    fmt::print("{}\n", report.dump(2));
    return {};
  }
  if (options.inputs.random())
    fmt::print("inputs are random, seed {}; give your own with --inputs\n", options.inputs.seed);
  fmt::print("{}", tensors_text(named));
  fmt::print("ready in {:.1f} ms, ran in {:.1f} ms on {} threads\n", ms(start, ready),
             ms(ready, done), session.engine.threads());
  if (!options.out.empty()) fmt::print("outputs written to {}\n", options.out);
  return {};
}

std::function<Status()> declare(CLI::App& app, const Globals& globals) {
  auto options = std::make_shared<RunOptions>();
  app.add_option("FILE", options->file, "a model, an ONNX file, a plan or an engine")->required();
  app.add_option("-o,--output", options->out, "npz file for the outputs, in the model's order");
  options->inputs.declare(app);
  options->reading.declare(app, false);
  options->engine.declare(app);
  options->tensorrt.declare(app, "--python");
  return [options, &globals] { return run(*options, globals); };
}

}  // namespace

Json tensors_json(const std::vector<NamedTensor>& tensors) {
  Json out = Json::array();
  for (const NamedTensor& tensor : tensors) {
    const numerics::Statistics s = numerics::statistics(tensor.tensor);
    out.push_back({{"name", tensor.name},
                   {"dtype", name(tensor.tensor.dtype())},
                   {"shape", tensor.tensor.shape()},
                   {"min", s.min},
                   {"max", s.max},
                   {"mean", s.mean}});
  }
  return out;
}

std::string tensors_text(const std::vector<NamedTensor>& tensors) {
  std::string out;
  for (const NamedTensor& tensor : tensors) {
    const numerics::Statistics s = numerics::statistics(tensor.tensor);
    out += fmt::format("{}: {}, {:.6g} to {:.6g}, mean {:.6g}\n", tensor.name,
                       shape_text(tensor.tensor), s.min, s.max, s.mean);
  }
  return out;
}

Command run_command() {
  return {.name = "run",
          .about = "Run a model, ONNX file, plan or engine once",
          .example =
              "  tenon run resnet18.pt --inputs image.npz -o scores.npz\n"
              "  tenon run resnet18.engine --python trt/bin/python --shapes image:2x3x224x224\n",
          .declare = declare};
}

}  // namespace tenon::cli
