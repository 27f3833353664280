// reference_run DATA [--at-least N] [--filter TEXT] [--list] [--digests]: runs the test models that
// backend_data.py wrote on the reference kernels and compares with the recorded outputs: each model
// as it was read, in canonical form, and optimised. With --digests also: what is written at old and
// new opsets and read again has the same canonical form. Fails where fewer than N models pass, or
// where a pass changes what a model computes.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>

#include "base/mapped_file.h"
#include "ir/integers.h"
#include "ir/printer.h"
#include "ir/verifier.h"
#include "onnx/reader.h"
#include "onnx/tensor_data.h"
#include "onnx/writer.h"
#include "ops/common/ref.h"
#include "ops/tables.h"
#include "passes/compare.h"
#include "passes/passes.h"

namespace {

using namespace tenon;
namespace fs = std::filesystem;

struct Tables {
  std::vector<const ir::OpSpec*> op_table = ops::op_table();
  std::vector<const ir::RefKernel*> ref_table = ops::ref_table();
  std::vector<const onnx::Mapping*> onnx_table = ops::onnx_table();
  ir::OpSet ops{op_table};
  ir::RefKernels kernels{ref_table};
  onnx::Mappings mappings{onnx_table};
  passes::PassContext context() const { return {ops, kernels}; }
};

Result<Tensor> read_tensor(const fs::path& path) {
  const MappedFile file = TRY(MappedFile::open(path));
  const onnx::proto::Tensor proto = TRY(onnx::proto::parse_tensor(file.bytes()));
  onnx::TensorSource source(file.share(0), {}, false);
  return source.decode(proto);
}

Result<std::vector<Tensor>> read_tensors(const fs::path& folder, const std::string& kind) {
  std::vector<Tensor> out;
  for (int i = 0;; ++i) {
    const fs::path path = folder / (kind + "_" + std::to_string(i) + ".pb");
    if (!fs::exists(path)) return out;
    out.push_back(TRY(read_tensor(path)));
  }
}

// What is wrong; empty where the tensors agree.
std::string difference(const Tensor& got, const Tensor& want) {
  if (got.dtype() != want.dtype() || got.shape() != want.shape()) {
    return ir::Type::tensor(got.dtype(), ir::to_shape(got.shape())).str() + " instead of " +
           ir::Type::tensor(want.dtype(), ir::to_shape(want.shape())).str();
  }
  if (std::ranges::equal(got.bytes(), want.bytes())) return {};
  if (!ops::is_computable(got.dtype())) return "other bytes";
  const auto a = ops::elements<double>(got), b = ops::elements<double>(want);
  const bool half = is_floating(want.dtype()) && bits(want.dtype()) <= 16;
  double worst = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]))) continue;
    const double limit = half ? 1e-2 + 1e-2 * std::fabs(b[i]) : 1e-5 + 1e-3 * std::fabs(b[i]);
    const double error = std::fabs(a[i] - b[i]);
    if (!(error <= limit)) worst = std::isnan(error) ? INFINITY : std::max(worst, error);
  }
  return worst == 0 ? std::string() : fmt::format("differs by {}", worst);
}

std::string compare(const Result<std::vector<Tensor>>& got, const std::vector<Tensor>& want) {
  if (!got) return got.error().message();
  if (got->size() != want.size()) return "another number of outputs";
  for (size_t i = 0; i < want.size(); ++i) {
    if (auto wrong = difference((*got)[i], want[i]); !wrong.empty())
      return fmt::format("output {}: {}", i, wrong);
  }
  return {};
}

struct Verdict {
  std::string kind;  // "passed", "unsupported", "wrong", "digest"
  std::string text = {};
};

// The canonical graph, written at an opset, read and made canonical again.
std::string digest_difference(const ir::Graph& graph, int opset, const Tables& t) {
  auto bytes = onnx::write(graph, {.opset = opset}, t.ops, t.mappings);
  if (!bytes) return {};  // refused, or the opset lacks it
  std::shared_ptr<std::byte[]> copy(new std::byte[bytes->size()]);
  std::memcpy(copy.get(), bytes->data(), bytes->size());
  auto back = onnx::read(std::shared_ptr<const std::byte>(copy, copy.get()), bytes->size(), {},
                         t.ops, t.mappings);
  if (!back) return back.error().message();
  if (auto ok = passes::canonicalise(**back, t.context(), {.verify = true}); !ok)
    return ok.error().message();
  if (passes::digest(graph) == passes::digest(**back)) return {};
  return fmt::format("opset {}: another graph\n{}\n{}", opset, ir::print(graph), ir::print(**back));
}

Verdict run_case(const fs::path& folder, const Tables& t, bool digests) {
  auto graph = onnx::read(folder / "model.onnx", {}, t.ops, t.mappings);
  if (!graph) return {"unsupported", graph.error().message()};
  if (auto ok = ir::verify(**graph, t.ops, "reading"); !ok) return {"wrong", ok.error().message()};
  const auto inputs = read_tensors(folder, "input"), wanted = read_tensors(folder, "output");
  if (!inputs || !wanted) return {"unsupported", (inputs ? wanted : inputs).error().message()};
  auto got = ir::evaluate(**graph, t.kernels, *inputs);
  if (!got && got.error().kind == ErrorKind::unsupported)
    return {"unsupported", got.error().message()};
  if (auto wrong = compare(got, *wanted); !wrong.empty()) return {"wrong", wrong};
  for (const bool optimise : {false, true}) {
    auto changed = ir::clone(**graph);
    const passes::PipelineOptions options{.verify = true};
    auto ok = optimise ? passes::optimise(*changed, t.context(), options)
                       : passes::canonicalise(*changed, t.context(), options);
    const char* which = optimise ? "optimised: " : "canonical: ";
    if (!ok) return {"wrong", which + ok.error().message()};
    auto wrong = compare(ir::evaluate(*changed, t.kernels, *inputs), *wanted);
    if (!wrong.empty()) return {"wrong by a pass", which + wrong + "\n" + ir::print(*changed)};
    if (optimise || !digests) continue;
    for (int opset : {11, 13, 17, 18, 21, 24, ir::kCanonicalOpset}) {
      auto other = digest_difference(*changed, opset, t);
      if (!other.empty()) return {"passed, but read back as another graph", other};
    }
  }
  return {"passed"};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  int at_least = 0;
  bool list = false, digests = false;
  std::string filter;
  for (int i = 2; i < argc; ++i) {
    const std::string_view arg = argv[i];
    list = list || arg == "--list";
    digests = digests || arg == "--digests";
    if (arg == "--at-least" && i + 1 < argc) at_least = std::atoi(argv[++i]);
    if (arg == "--filter" && i + 1 < argc) filter = argv[++i];
  }
  const Tables tables;
  std::vector<fs::path> cases;
  for (const auto& entry : fs::directory_iterator(argv[1])) {
    if (entry.path().filename().string().find(filter) != std::string::npos)
      cases.push_back(entry.path());
  }
  std::ranges::sort(cases);
  std::map<std::string, int> counts;
  for (const fs::path& folder : cases) {
    const Verdict verdict = run_case(folder, tables, digests);
    ++counts[verdict.kind];
    const bool quiet = verdict.kind == "passed" || (verdict.kind == "unsupported" && !list);
    if (!quiet)
      std::printf("%s %s: %s\n", verdict.kind.c_str(), folder.filename().c_str(),
                  verdict.text.c_str());
  }
  for (const auto& [kind, count] : counts) std::printf("%d %s\n", count, kind.c_str());
  const bool broken = counts["wrong by a pass"] > 0;
  return broken || counts["passed"] < at_least ? 1 : 0;
}
