// onnx_backend DATA [--via OPSET] [--at-least N] [--at-most M] [--list]
//
// Runs the test models of the onnx package (backend_data.py writes them to DATA) on the reference
// kernels and compares with their recorded outputs; with --via, after writing each at that opset
// and reading it back. Prints how many passed, failed and were refused, and fails where any failed
// or fewer than N passed.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>

#include "base/error.h"
#include "base/half.h"
#include "base/mapped_file.h"
#include "ir/ref_kernel.h"
#include "ir/verifier.h"
#include "onnx/reader.h"
#include "onnx/tensor_data.h"
#include "onnx/writer.h"
#include "ops/tables.h"

namespace {

namespace fs = std::filesystem;
using namespace tenon;

struct Options {
  std::string data;
  int via = 0;
  int at_least = 0;
  int at_most = 0;
  bool list = false;
};

struct Engine {
  std::vector<const ir::OpSpec*> op_table = ops::op_table();
  std::vector<const onnx::Mapping*> onnx_table = ops::onnx_table();
  std::vector<const ir::RefKernel*> ref_table = ops::ref_table();
  ir::OpSet ops{op_table};
  onnx::Mappings mappings{onnx_table};
  ir::RefKernels kernels{ref_table};
};

Result<Tensor> load(const fs::path& path) {
  const MappedFile file = TRY(MappedFile::open(path.string()));
  const auto proto = TRY(onnx::proto::parse_tensor(file.bytes()));
  onnx::TensorSource source(file.share(0), {}, true);
  return source.decode(proto);
}

Result<std::vector<Tensor>> load_all(const fs::path& folder, const char* kind) {
  std::vector<Tensor> out;
  for (int i = 0;; ++i) {
    const fs::path path = folder / fmt::format("{}_{}.pb", kind, i);
    if (!fs::exists(path)) return out;
    out.push_back(TRY(load(path)));
  }
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
    case DType::u64:
      return static_cast<double>(t.values<uint64_t>()[at]);
    case DType::i32:
      return static_cast<double>(t.values<int32_t>()[at]);
    case DType::u32:
      return static_cast<double>(t.values<uint32_t>()[at]);
    case DType::i16:
      return static_cast<double>(t.values<int16_t>()[at]);
    case DType::u16:
      return static_cast<double>(t.values<uint16_t>()[at]);
    case DType::i8:
      return static_cast<double>(t.values<int8_t>()[at]);
    default:
      return static_cast<double>(t.values<uint8_t>()[at]);
  }
}

// Empty where they agree.
std::string difference(const Tensor& got, const Tensor& want) {
  if (got.dtype() != want.dtype() || got.shape() != want.shape()) {
    return fmt::format("{}[{}] instead of {}[{}]", name(got.dtype()), fmt::join(got.shape(), ", "),
                       name(want.dtype()), fmt::join(want.shape(), ", "));
  }
  const bool exact = bits(want.dtype()) < 8 || bits(want.dtype()) > 64 ||
                     (bits(want.dtype()) == 8 && is_floating(want.dtype()));
  if (exact) {
    return std::memcmp(got.data(), want.data(), want.nbytes()) == 0 ? "" : "the bytes differ";
  }
  const bool half = want.dtype() == DType::f16 || want.dtype() == DType::bf16;
  const double rtol = half ? 2e-2 : 1e-3, atol = half ? 1e-3 : 1e-5;
  double worst = 0;
  for (int64_t i = 0; i < want.count(); ++i) {
    const double a = element(got, i), b = element(want, i);
    if (a == b || (std::isnan(a) && std::isnan(b))) continue;
    const double d = std::abs(a - b);
    if (!(d <= atol + rtol * std::abs(b))) worst = std::isnan(d) ? 1e300 : std::max(worst, d);
  }
  return worst > 0 ? fmt::format("differs by up to {:.3g}", worst) : "";
}

// Empty where the case passes.
Result<std::string> run(const fs::path& folder, const Engine& engine, const Options& options) {
  auto graph = TRY(onnx::read((folder / "model.onnx").string(), {}, engine.ops, engine.mappings));
  TRY(ir::verify(*graph, engine.ops, "reading"));
  if (options.via > 0) {
    const std::string bytes =
        TRY(onnx::write(*graph, {.opset = options.via}, engine.ops, engine.mappings));
    std::shared_ptr<std::byte[]> copy(new std::byte[bytes.size()]);
    std::memcpy(copy.get(), bytes.data(), bytes.size());
    graph = TRY(onnx::read(std::shared_ptr<const std::byte>(copy, copy.get()), bytes.size(), {},
                           engine.ops, engine.mappings));
    TRY(ir::verify(*graph, engine.ops, "reading again"));
  }
  const std::vector<Tensor> inputs = TRY(load_all(folder, "input"));
  const std::vector<Tensor> wanted = TRY(load_all(folder, "output"));
  if (inputs.size() != graph->inputs().size())
    return fmt::format("{} inputs instead of {}", graph->inputs().size(), inputs.size());
  const std::vector<Tensor> got = TRY(ir::evaluate(*graph, engine.kernels, inputs));
  if (got.size() != wanted.size()) return fmt::format("{} outputs", got.size());
  for (size_t i = 0; i < got.size(); ++i) {
    if (std::string what = difference(got[i], wanted[i]); !what.empty())
      return fmt::format("output {} {}", i, what);
  }
  return std::string();
}

std::string brief(const Error& error) {
  const Error& e = error.details.empty() ? error : error.details.front();
  return e.what + "; " + e.why;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string arg = argv[i];
    if (arg == "--via" && i + 1 < argc)
      options.via = std::atoi(argv[++i]);
    else if (arg == "--at-least" && i + 1 < argc)
      options.at_least = std::atoi(argv[++i]);
    else if (arg == "--at-most" && i + 1 < argc)
      options.at_most = std::atoi(argv[++i]);
    else if (arg == "--list")
      options.list = true;
    else
      options.data = arg;
  }
  if (!fs::is_directory(options.data)) {
    std::fprintf(stderr, "there is no folder '%s'\n", options.data.c_str());
    return 2;
  }
  const Engine engine;
  std::vector<fs::path> cases;
  for (const auto& entry : fs::directory_iterator(options.data)) cases.push_back(entry.path());
  std::sort(cases.begin(), cases.end());
  int passed = 0, failed = 0, refused = 0;
  for (const fs::path& folder : cases) {
    const std::string name = folder.filename().string();
    auto wrong = run(folder, engine, options);
    if (wrong && wrong->empty()) {
      ++passed;
      continue;
    }
    const bool is_refusal = !wrong && wrong.error().kind == ErrorKind::unsupported;
    ++(is_refusal ? refused : failed);
    if (is_refusal && !options.list) continue;
    std::printf("%s %s: %s\n", is_refusal ? "refused" : "FAILED", name.c_str(),
                wrong ? wrong->c_str() : brief(wrong.error()).c_str());
  }
  std::printf("%d passed, %d failed, %d refused\n", passed, failed, refused);
  return failed > options.at_most || passed < options.at_least ? 1 : 0;
}
