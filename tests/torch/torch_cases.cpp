// torch_cases FILE.pt|FILE.pt2... [--rtol R] [--engine] [--onnx FOLDER] [--opset N] [--print]
//             [--all]
//
// Converts PyTorch programs, runs them on the reference kernels, and compares with the outputs that
// PyTorch gave: beside NAME.traced.pt or NAME.exported.pt2 lies NAME.npz with input_0...,
// output_0..., step (tests/torch/case.py). With --engine they are compiled for this machine and run
// as well; with --onnx the models are written at an opset. Prints one line for each file that
// fails, with --all one for each file: PASS, REFUSED (the conversion said no), or FAIL (something
// computed something else), and before it NOTICE lines, what the conversion remarks. The exit
// status is 0 when all agree.
//
// Where NAME.npz holds draw_0... instead, the outputs are random: they are drawn as often, and
// NAME.kind.draws.npz in the folder of --onnx gets reference_0... and engine_0..., for others to
// judge. Where it also holds wide_0..., what PyTorch gives in a wider type, an output may agree
// with that instead, and a line WIDE says how far PyTorch's own is from it.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "api/session.h"
#include "api/tables.h"
#include "archive/npy.h"
#include "base/half.h"
#include "ir/printer.h"
#include "ir/ref_kernel.h"
#include "ir/verifier.h"
#include "onnx/writer.h"
#include "torch/import.h"

namespace {

namespace fs = std::filesystem;
using namespace tenon;

// Of an output's largest element; f32 and wider are held to --rtol.
constexpr double kHalfRtol = 1e-2;

struct Options {
  std::vector<std::string> files;
  double rtol = 1e-5;
  std::string onnx;
  int opset = 17;
  bool print = false;
  bool engine = false;
  bool all = false;
};

std::string one_line(const Error& error) {
  std::string text = error.message();
  while (text.ends_with('\n')) text.pop_back();
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

double element(const Tensor& t, int64_t i) {
  const auto at = static_cast<size_t>(i);
  switch (t.dtype()) {
    case DType::f32:
      return static_cast<double>(t.values<float>()[at]);
    case DType::f64:
      return t.values<double>()[at];
    case DType::f16:
      return static_cast<double>(f16_to_float(t.values<uint16_t>()[at]));
    case DType::bf16:
      return static_cast<double>(bf16_to_float(t.values<uint16_t>()[at]));
    case DType::i64:
      return static_cast<double>(t.values<int64_t>()[at]);
    case DType::i32:
      return t.values<int32_t>()[at];
    case DType::i16:
      return t.values<int16_t>()[at];
    case DType::i8:
      return t.values<int8_t>()[at];
    case DType::u8:
    case DType::boolean:
      return t.values<uint8_t>()[at];
    default:
      return std::nan("");
  }
}

std::string text(const Tensor& t) {
  std::string out = std::string(name(t.dtype())) + "[";
  for (size_t i = 0; i < t.shape().size(); ++i)
    out += (i ? ", " : "") + std::to_string(t.shape()[i]);
  return out + "]";
}

// Empty where they agree. With a step, which both were rounded to, one in a hundred elements may be
// one step off.
std::string difference(const Tensor& got, const Tensor& want, double rtol, double step) {
  if (got.dtype() != want.dtype() || got.shape() != want.shape())
    return text(got) + " instead of " + text(want);
  if (!is_floating(want.dtype()) && std::ranges::equal(got.bytes(), want.bytes())) return {};
  double largest = 0, worst = 0;
  int64_t where = -1, beside = 0;
  for (int64_t i = 0; i < want.count(); ++i) {
    if (std::isfinite(element(want, i))) largest = std::max(largest, std::abs(element(want, i)));
  }
  const double limit = rtol * std::max(largest, 1e-6);
  const int64_t allowed = std::max<int64_t>(1, want.count() / 100);
  for (int64_t i = 0; i < want.count(); ++i) {
    const double a = element(got, i), b = element(want, i);
    if (a == b || (std::isnan(a) && std::isnan(b))) continue;
    const double error = std::isfinite(a) && std::isfinite(b) ? std::abs(a - b) : HUGE_VAL;
    if (step > 0 && error > step / 2 && error < step * 1.001 && ++beside <= allowed) continue;
    if (error > worst) worst = error, where = i;
  }
  if (is_floating(want.dtype()) && worst <= limit) return {};
  if (where < 0) return beside > 0 ? std::string() : "other values of " + text(want);
  return fmt::format("element {} is {} instead of {} (off by {:.3g}, allowed {:.3g})", where,
                     element(got, where), element(want, where), worst, limit);
}

// What became of a file; `why` is empty where all agree.
struct Outcome {
  bool refused = false;
  std::string why = {};
};

// What PyTorch recorded of a case.
struct Recorded {
  std::vector<Tensor> inputs, outputs, wide, draws;
  double step = 0;  // that outputs were rounded to
};

Result<Recorded> read_recorded(const fs::path& file) {
  Recorded out;
  for (NamedTensor& one : TRY(archive::read_npz(file.string()))) {
    if (one.name.starts_with("input_")) out.inputs.push_back(one.tensor);
    if (one.name.starts_with("output_")) out.outputs.push_back(one.tensor);
    if (one.name.starts_with("wide_")) out.wide.push_back(one.tensor);
    if (one.name.starts_with("draw_")) out.draws.push_back(one.tensor);
    if (one.name == "step") out.step = element(one.tensor, 0);
  }
  return out;
}

// `wider` gets what differs from PyTorch's own result and agrees with that in a wider type.
std::string compare(const std::vector<Tensor>& got, const Recorded& want, double rtol,
                    std::string& wider) {
  if (got.size() != want.outputs.size())
    return fmt::format("{} outputs instead of {}", got.size(), want.outputs.size());
  for (size_t i = 0; i < got.size(); ++i) {
    const DType type = want.outputs[i].dtype();
    const double limit = type == DType::f16 || type == DType::bf16 ? kHalfRtol : rtol;
    std::string why = difference(got[i], want.outputs[i], limit, want.step);
    if (why.empty()) continue;
    why = fmt::format("output {}: {}", i, why);
    if (i >= want.wide.size() || !difference(got[i], want.wide[i], limit, want.step).empty())
      return why;
    wider = why;
  }
  return {};
}

// An output of every run, along a new first axis.
Result<std::vector<Tensor>> stack(const std::vector<std::vector<Tensor>>& runs) {
  std::vector<Tensor> out;
  for (size_t i = 0; i < runs.front().size(); ++i) {
    const Tensor& first = runs.front()[i];
    Dims dims = first.shape();
    dims.insert(dims.begin(), static_cast<int64_t>(runs.size()));
    Tensor all = Tensor::zeros(first.dtype(), std::move(dims));
    for (size_t r = 0; r < runs.size(); ++r) {
      if (runs[r][i].shape() != first.shape())
        return fail({.kind = ErrorKind::internal,
                     .what = "draws of a random output differ in shape",
                     .where = {},
                     .why = fmt::format("{} and {}", text(first), text(runs[r][i])),
                     .hint = {}});
      std::memcpy(all.mutable_bytes().data() + r * first.nbytes(), runs[r][i].data(),
                  first.nbytes());
    }
    out.push_back(std::move(all));
  }
  return out;
}

// Draws random outputs as often as PyTorch did and writes them.
Status draw(ir::Graph& graph, const Recorded& recorded, const std::string& to,
            const api::Tables& tables) {
  const auto count = static_cast<size_t>(recorded.draws.front().shape().front());
  std::vector<std::vector<Tensor>> reference(count), engine(count);
  for (auto& run : reference) run = TRY(ir::evaluate(graph, tables.refs, recorded.inputs));
  const cpu::Engine compiled = TRY(api::compile(graph, {.threads = 1}, tables));
  cpu::Context context = compiled.new_context();
  for (auto& run : engine) run = TRY(context.run(recorded.inputs));
  std::vector<NamedTensor> out;
  const auto add = [&](const char* name, const std::vector<Tensor>& tensors) {
    for (size_t i = 0; i < tensors.size(); ++i)
      out.push_back({fmt::format("{}_{}", name, i), tensors[i]});
  };
  add("reference", TRY(stack(reference)));
  add("engine", TRY(stack(engine)));
  return archive::write_npz(to, out);
}

Result<std::vector<Tensor>> run_engine(ir::Graph& graph, const std::vector<Tensor>& inputs,
                                       const api::Tables& tables) {
  const cpu::Engine engine = TRY(api::compile(graph, {.threads = 1}, tables));
  cpu::Context context = engine.new_context();
  return context.run(inputs);
}

Result<Outcome> check(const std::string& path, const Options& options, const api::Tables& tables) {
  const fs::path file(path);
  const std::string stem = file.filename().string();
  // NAME.kind.pt: the name may hold points.
  const fs::path npz = file.parent_path() / (file.stem().stem().string() + ".npz");
  const Recorded recorded = TRY(read_recorded(npz));
  torch::ImportOptions import;
  import.kernels = &tables.refs;
  import.keep_state = false;  // what a case writes to its inputs is no result of it
  auto imported = torch::import_program(path, import, tables.ops, tables.lowerings);
  if (!imported) return Outcome{true, imported.error().message()};
  if (options.all) {
    for (const torch::Notice& notice : imported->notices)
      std::printf("NOTICE %s: %s\n", stem.c_str(), notice.text.c_str());
  }
  if (options.print) std::puts(ir::print(*imported->graph).c_str());
  TRY(ir::verify(*imported->graph, tables.ops, "import"));
  if (!options.onnx.empty()) {
    onnx::WriteOptions write{.opset = options.opset};
    auto written = onnx::write(*imported->graph, options.onnx + "/" + stem + ".onnx", write,
                               tables.ops, tables.onnx);
    if (!written) std::printf("NO_ONNX %s: %s\n", stem.c_str(), one_line(written.error()).c_str());
  }
  if (!recorded.draws.empty()) {
    if (options.onnx.empty()) return Outcome{false, "it is random, and --onnx gives no folder"};
    TRY(draw(*imported->graph, recorded, options.onnx + "/" + stem + ".draws.npz", tables));
    return Outcome{};
  }
  const auto reference = TRY(ir::evaluate(*imported->graph, tables.refs, recorded.inputs));
  std::string wider;
  if (std::string why = compare(reference, recorded, options.rtol, wider); !why.empty())
    return Outcome{false, std::move(why)};
  if (options.engine) {
    const auto got = TRY(run_engine(*imported->graph, recorded.inputs, tables));
    if (std::string why = compare(got, recorded, options.rtol, wider); !why.empty())
      return Outcome{false, "engine: " + why};
  }
  if (options.all && !wider.empty()) std::printf("WIDE %s: %s\n", stem.c_str(), wider.c_str());
  return Outcome{};
}

Options parse(int argc, char** argv) {
  Options o;
  for (int i = 1; i < argc; ++i) {
    const std::string arg = argv[i];
    const char* next = i + 1 < argc ? argv[i + 1] : "";
    if (arg == "--rtol")
      o.rtol = std::strtod(next, nullptr), ++i;
    else if (arg == "--onnx")
      o.onnx = next, ++i;
    else if (arg == "--opset")
      o.opset = std::atoi(next), ++i;
    else if (arg == "--print")
      o.print = true;
    else if (arg == "--engine")
      o.engine = true;
    else if (arg == "--all")
      o.all = true;
    else
      o.files.push_back(arg);
  }
  return o;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  const api::Tables tables = api::make_tables();
  size_t passed = 0, failed = 0;
  for (const std::string& path : options.files) {
    const std::string name = fs::path(path).filename().string();
    auto outcome = check(path, options, tables);
    if (outcome && outcome->why.empty()) {
      ++passed;
      if (options.all) std::printf("PASS %s\n", name.c_str()), std::fflush(stdout);
      continue;
    }
    ++failed;
    std::string why = outcome ? outcome->why : one_line(outcome.error());
    std::replace(why.begin(), why.end(), '\n', ' ');
    std::printf("%s %s: %s\n", outcome && outcome->refused ? "REFUSED" : "FAIL", name.c_str(),
                why.c_str());
    std::fflush(stdout);
  }
  std::printf("%zu passed, %zu failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}
