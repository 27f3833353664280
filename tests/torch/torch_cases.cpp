// torch_cases FILE.pt|FILE.pt2... [--rtol R] [--onnx FOLDER] [--opset N] [--print]
//
// Converts PyTorch programs, runs them on the reference kernels, and compares with the outputs that
// PyTorch gave: beside NAME.pt or NAME.kind.pt2 lies NAME.npz with input_0..., output_0... Prints
// one line for each file; with --onnx writes the models as well, at an opset. The exit status is 0
// when all agree.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "archive/npy.h"
#include "base/half.h"
#include "ir/printer.h"
#include "ir/ref_kernel.h"
#include "ir/verifier.h"
#include "onnx/writer.h"
#include "ops/tables.h"
#include "torch/import.h"

namespace {

namespace fs = std::filesystem;
using namespace tenon;

struct Options {
  std::vector<std::string> files;
  double rtol = 1e-5;
  std::string onnx;
  int opset = 17;
  bool print = false;
};

struct Tables {
  std::vector<const ir::OpSpec*> op_table = ops::op_table();
  std::vector<const torch::Lowering*> torch_table = ops::torch_table();
  std::vector<const onnx::Mapping*> onnx_table = ops::onnx_table();
  std::vector<const ir::RefKernel*> ref_table = ops::ref_table();
  ir::OpSet ops{op_table};
  torch::Lowerings lowerings{torch_table};
  onnx::Mappings mappings{onnx_table};
  ir::RefKernels kernels{ref_table};
};

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

// Empty where they agree.
std::string difference(const Tensor& got, const Tensor& want, double rtol) {
  if (got.dtype() != want.dtype() || got.shape() != want.shape())
    return text(got) + " instead of " + text(want);
  double largest = 0, worst = 0;
  int64_t where = -1;
  for (int64_t i = 0; i < want.count(); ++i) {
    if (std::isfinite(element(want, i))) largest = std::max(largest, std::abs(element(want, i)));
  }
  for (int64_t i = 0; i < want.count(); ++i) {
    const double a = element(got, i), b = element(want, i);
    if (a == b || (std::isnan(a) && std::isnan(b))) continue;
    const double error = std::isfinite(a) && std::isfinite(b) ? std::abs(a - b) : HUGE_VAL;
    if (error > worst) worst = error, where = i;
  }
  const double limit = rtol * std::max(largest, 1e-6);
  if (worst <= (is_floating(want.dtype()) ? limit : 0)) return {};
  return fmt::format("element {} is {} instead of {} (off by {:.3g}, allowed {:.3g})", where,
                     element(got, where), element(want, where), worst, limit);
}

Result<std::string> check(const std::string& path, const Options& options, const Tables& tables) {
  const fs::path file(path);
  const std::string stem = file.filename().string();
  const fs::path recorded = file.parent_path() / (stem.substr(0, stem.find('.')) + ".npz");
  std::vector<Tensor> inputs, outputs;
  torch::ImportOptions import;
  for (NamedTensor& one : TRY(archive::read_npz(recorded.string()))) {
    if (one.name.starts_with("input_")) inputs.push_back(one.tensor);
    if (one.name.starts_with("output_")) outputs.push_back(one.tensor);
  }
  auto imported = TRY(torch::import_program(path, import, tables.ops, tables.lowerings));
  if (options.print) std::puts(ir::print(*imported.graph).c_str());
  TRY(ir::verify(*imported.graph, tables.ops, "import"));
  if (!options.onnx.empty()) {
    onnx::WriteOptions write{.opset = options.opset};
    TRY(onnx::write(*imported.graph, options.onnx + "/" + stem + ".onnx", write, tables.ops,
                    tables.mappings));
  }
  const auto got = TRY(ir::evaluate(*imported.graph, tables.kernels, inputs));
  if (got.size() != outputs.size())
    return fmt::format("{} outputs instead of {}", got.size(), outputs.size());
  const bool half = std::any_of(outputs.begin(), outputs.end(), [](const Tensor& t) {
    return t.dtype() == DType::f16 || t.dtype() == DType::bf16;
  });
  for (size_t i = 0; i < got.size(); ++i) {
    const std::string why = difference(got[i], outputs[i], half ? 1e-2 : options.rtol);
    if (!why.empty()) return fmt::format("output {}: {}", i, why);
  }
  return std::string();
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
    else
      o.files.push_back(arg);
  }
  return o;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  const Tables tables;
  size_t passed = 0, failed = 0;
  for (const std::string& path : options.files) {
    auto outcome = check(path, options, tables);
    if (outcome && outcome->empty()) {
      ++passed;
      continue;
    }
    ++failed;
    std::string why = outcome ? *outcome : outcome.error().message();
    if (why.ends_with('\n')) why.pop_back();
    std::printf("FAIL %s: %s\n", fs::path(path).filename().c_str(), why.c_str());
    std::fflush(stdout);
  }
  std::printf("%zu passed, %zu failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}
