#include "targets/tensorrt/runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/mapped_file.h"
#include "base/scratch_folder.h"

namespace tenon::tensorrt {
namespace {

using Json = nlohmann::json;

constexpr size_t kAlignment = 64;

// The file of the inputs' bytes, written while the request that says where they stand is made.
class InputFile {
 public:
  static Result<InputFile> create(const std::string& path) {
    return InputFile(TRY(AtomicFile::create(path)));
  }

  Result<Json> add(const std::vector<Binding>& bindings, const RunSet& set) {
    Json tensors = Json::array();
    for (size_t i = 0; i < set.inputs.size(); ++i) {
      const Tensor& tensor = set.inputs[i];
      at_ = (at_ + kAlignment - 1) / kAlignment * kAlignment;
      TRY(file_.write_at(at_, tensor.bytes()));
      tensors.push_back({{"name", bindings.at(i).name},
                         {"dtype", std::string(name(tensor.dtype()))},
                         {"shape", tensor.shape()},
                         {"offset", at_},
                         {"bytes", tensor.nbytes()}});
      at_ += tensor.nbytes();
    }
    return Json{{"profile", set.profile}, {"tensors", std::move(tensors)}};
  }
  Status close() { return file_.commit(); }

 private:
  explicit InputFile(AtomicFile file) : file_(std::move(file)) {}
  AtomicFile file_;
  size_t at_ = 0;
};

Json engine_json(const std::string& file, const Description& about) {
  Json types = Json::object();
  for (const auto* bindings : {&about.inputs, &about.outputs}) {
    for (const Binding& binding : *bindings) types[binding.name] = std::string(name(binding.dtype));
  }
  Json outputs = Json::array();
  for (const Binding& binding : about.outputs) outputs.push_back(binding.name);
  return {{"engine", file},
          {"types", std::move(types)},
          {"outputs", std::move(outputs)},
          {"compute_capabilities", about.compute_capabilities}};
}

Gpu gpu_of(const Json& event) { return {event.at("name"), event.at("capability")}; }

// Where an output stands in the file that the child has written.
struct Placed {
  std::string name;
  DType dtype = DType::undefined;
  Dims shape;
  size_t offset = 0;
};
struct PlacedOutputs {
  std::vector<Placed> tensors;
  double milliseconds = 0;
};

PlacedOutputs outputs_of(const Json& event) {
  PlacedOutputs out{.tensors = {}, .milliseconds = event.at("ms")};
  for (const Json& tensor : event.at("tensors")) {
    out.tensors.push_back({tensor.at("name"),
                           dtype_from_name(tensor.at("dtype").get<std::string>()),
                           tensor.at("shape").get<Dims>(), tensor.at("offset")});
  }
  return out;
}

Error unexpected(const std::string& engine, std::string why) {
  return {.kind = ErrorKind::internal,
          .what = "the engine's outputs cannot be read",
          .where = {.file = engine},
          .why = std::move(why),
          .hint = "run the same with -v, and see what TensorRT says"};
}

Result<Tensor> tensor_at(const MappedFile& file, const Placed& placed, const std::string& engine) {
  const int64_t count = element_count(placed.shape);
  const size_t bytes = count < 0 ? SIZE_MAX : byte_size(placed.dtype, count);
  const size_t size = file.bytes().size();
  if (placed.offset > size || bytes > size - placed.offset) {
    return fail(
        unexpected(engine, fmt::format("output {} is longer than what was written", placed.name)));
  }
  if (bytes == 0) return Tensor::zeros(placed.dtype, placed.shape);
  return Tensor(placed.dtype, placed.shape, file.share(placed.offset));
}

// The first rows along an axis.
Tensor first_rows(const Tensor& all, size_t axis, int64_t rows) {
  Dims shape = all.shape();
  const auto from = static_cast<size_t>(shape[axis]), to = static_cast<size_t>(rows);
  if (from == to) return all;
  shape[axis] = rows;
  Tensor out = Tensor::zeros(all.dtype(), shape);
  if (out.nbytes() == 0) return out;
  const size_t block = out.nbytes() / to /
                       static_cast<size_t>(element_count(
                           Dims(shape.begin(), shape.begin() + static_cast<std::ptrdiff_t>(axis))));
  const size_t blocks = out.nbytes() / (block * to);
  for (size_t i = 0; i < blocks; ++i)
    std::memcpy(out.mutable_bytes().data() + i * to * block, all.bytes().data() + i * from * block,
                to * block);
  return out;
}

// Outputs that are as large as they can be are cut to what counts, and the counts go.
Status cut(std::vector<Tensor>& outputs, const RunRequest& request) {
  const std::vector<Binding>& bindings = request.about.outputs;
  const auto place_of = [&](const std::string& name) {
    return static_cast<size_t>(std::ranges::find(bindings, name, &Binding::name) -
                               bindings.begin());
  };
  size_t kept = outputs.size();
  for (const PaddedOutput& padded : request.about.padded) {
    const size_t place = place_of(padded.output), count = place_of(padded.count);
    const auto axis = static_cast<size_t>(padded.axis);
    if (place >= outputs.size() || count >= outputs.size() || outputs[count].nbytes() != 8 ||
        axis >= outputs[place].shape().size())
      return fail(unexpected(request.engine, "its description names outputs that it has not"));
    const int64_t rows = outputs[count].values<int64_t>()[0];
    if (rows < 0 || rows > outputs[place].shape()[axis])
      return fail(unexpected(request.engine, fmt::format("{} is {}, of {} rows", padded.count, rows,
                                                         outputs[place].shape()[axis])));
    outputs[place] = first_rows(outputs[place], axis, rows);
    kept = std::min(kept, count);
  }
  outputs.resize(kept);
  return {};
}

Result<RunOutputs> read_outputs(const MappedFile& file, const PlacedOutputs& placed,
                                const RunRequest& request) {
  RunOutputs out{.outputs = {}, .milliseconds = placed.milliseconds};
  for (const Binding& binding : request.about.outputs) {
    const auto found = std::ranges::find(placed.tensors, binding.name, &Placed::name);
    if (found == placed.tensors.end())
      return fail(unexpected(request.engine, fmt::format("there is no {}", binding.name)));
    out.outputs.push_back(TRY(tensor_at(file, *found, request.engine)));
  }
  TRY(cut(out.outputs, request));
  return out;
}

BenchResult timings_of(const Json& event) {
  BenchResult out{.first_ms = event.at("first_ms"),
                  .latency_ms = event.at("latency_ms").get<std::vector<double>>(),
                  .gpu_ms = event.at("gpu_ms").get<std::vector<double>>(),
                  .enqueue_ms = event.at("enqueue_ms").get<std::vector<double>>(),
                  .start_ms = event.at("start_ms").get<std::vector<double>>(),
                  .copies_in_ms = event.at("copies_in_ms").get<std::vector<double>>(),
                  .copies_out_ms = event.at("copies_out_ms").get<std::vector<double>>(),
                  .layers = {}};
  for (const Json& layer : event.at("layers"))
    out.layers.push_back({layer.at("name"), layer.at("ms")});
  return out;
}

Python interpreter_for(const Python& python, const Description& about) {
  return {python.interpreter, modules_for(about)};
}

Task task_of(const std::string& file) {
  return {.failed = "TensorRT did not run the engine",
          .file = file,
          .smaller_work = "smaller inputs or a shorter --duration"};
}

Error failed(const Told& told, const std::string& file, const Python& python,
             const ChildLimits& limits) {
  Error error = failure(told, task_of(file), python, limits);
  add_messages(error, told.messages);
  return error;
}

}  // namespace

std::vector<std::string> modules_for(const Description& about) {
  if (about.module.starts_with("tensorrt_rtx")) return {"tensorrt_rtx", "tensorrt_rtx_bindings"};
  return {"tensorrt"};
}

Result<RunReport> run(const Python& python, const RunRequest& request) {
  const ScratchFolder folder = TRY(ScratchFolder::make());
  const std::string inputs = folder.file("inputs"), outputs = folder.file("outputs");
  Json message = {{"command", "run"},
                  {"version", request.about.version},
                  {"engines", {engine_json(request.engine, request.about)}},
                  {"inputs", inputs},
                  {"outputs", outputs},
                  {"sets", Json::array()},
                  {"verbose", request.verbose}};
  InputFile file = TRY(InputFile::create(inputs));
  for (const RunSet& set : request.sets)
    message["sets"].push_back(TRY(file.add(request.about.inputs, set)));
  TRY(file.close());

  RunReport report;
  std::vector<PlacedOutputs> placed;
  const auto take = [&](const Json& event) {
    const std::string kind = event.at("event");
    if (kind == "gpu") report.gpu = gpu_of(event);
    if (kind == "loaded") report.load_ms = event.at("ms");
    if (kind == "outputs") placed.push_back(outputs_of(event));
  };
  const Python with = interpreter_for(python, request.about);
  const Told told =
      TRY(ask(with, std::move(message),
              {.event = take, .progress = request.progress, .limits = request.limits}));
  if (!told.good()) return fail(failed(told, request.engine, with, request.limits));
  if (placed.size() != request.sets.size())
    return fail(unexpected(request.engine, "some of the runs are missing; " + told.unreadable));
  const MappedFile written = TRY(MappedFile::open(outputs));
  for (const PlacedOutputs& set : placed)
    report.sets.push_back(TRY(read_outputs(written, set, request)));
  report.module = told.module;
  report.warnings = told.warnings;
  report.messages = told.messages;
  return report;
}

Result<BenchReport> bench(const Python& python, const BenchRequest& request) {
  const ScratchFolder folder = TRY(ScratchFolder::make());
  const BenchSubject& first = request.subjects.at(0);
  Json message = {{"command", "bench"},
                  {"version", first.about.version},
                  {"engines", Json::array()},
                  {"inputs", folder.file("inputs")},
                  {"sets", Json::array()},
                  {"warm_up", request.warm_up_s},
                  {"duration", request.duration_s},
                  {"iterations", request.iterations},
                  {"least_iterations", request.least_iterations},
                  {"cuda_graph", request.cuda_graph},
                  {"layers", true},
                  {"verbose", request.verbose}};
  InputFile file = TRY(InputFile::create(folder.file("inputs")));
  for (const BenchSubject& subject : request.subjects) {
    message["engines"].push_back(engine_json(subject.engine, subject.about));
    message["sets"].push_back(TRY(file.add(subject.about.inputs, subject.inputs)));
  }
  TRY(file.close());

  struct Loaded {
    double ms = 0;
    uint64_t gpu_bytes = 0;
  };
  BenchReport report;
  std::vector<Loaded> loaded;
  const auto take = [&](const Json& event) {
    const std::string kind = event.at("event");
    if (kind == "gpu") report.gpu = gpu_of(event);
    if (kind == "loaded") loaded.push_back({event.at("ms"), event.at("gpu_bytes")});
    if (kind == "timings") report.results.push_back(timings_of(event));
  };
  const Python with = interpreter_for(python, first.about);
  const Told told =
      TRY(ask(with, std::move(message),
              {.event = take, .progress = request.progress, .limits = request.limits}));
  if (!told.good()) return fail(failed(told, first.engine, with, request.limits));
  if (report.results.size() != request.subjects.size() || loaded.size() != report.results.size())
    return fail(unexpected(first.engine, "some of the timings are missing; " + told.unreadable));
  for (size_t i = 0; i < loaded.size(); ++i) {
    report.results[i].load_ms = loaded[i].ms;
    report.results[i].gpu_bytes = loaded[i].gpu_bytes;
  }
  report.module = told.module;
  report.warnings = told.warnings;
  report.messages = told.messages;
  return report;
}

}  // namespace tenon::tensorrt
