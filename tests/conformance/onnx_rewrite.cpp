// onnx_rewrite IN.onnx OUT.onnx OPSET...: reads a model and writes it at each opset, as
// OUT.onnx.OPSET; says "OPSET ok" or "OPSET refused: what; why".
#include <cstdio>
#include <cstdlib>

#include "base/error.h"
#include "ir/verifier.h"
#include "onnx/reader.h"
#include "onnx/writer.h"
#include "ops/tables.h"

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  const auto op_table = tenon::ops::op_table();
  const auto onnx_table = tenon::ops::onnx_table();
  const tenon::ir::OpSet ops(op_table);
  const tenon::onnx::Mappings mappings(onnx_table);
  auto graph = tenon::onnx::read(argv[1], {}, ops, mappings);
  if (!graph) {
    std::fputs(graph.error().message().c_str(), stderr);
    return tenon::exit_status(graph.error().kind);
  }
  if (auto ok = tenon::ir::verify(**graph, ops, "reading"); !ok) {
    std::fputs(ok.error().message().c_str(), stderr);
    return 4;
  }
  int failures = 0;
  for (int i = 3; i < argc; ++i) {
    const std::string out = std::string(argv[2]) + "." + argv[i];
    auto ok = tenon::onnx::write(**graph, out, {.opset = std::atoi(argv[i])}, ops, mappings);
    if (ok) {
      std::printf("%s ok\n", argv[i]);
      continue;
    }
    const bool refused = ok.error().kind == tenon::ErrorKind::unsupported;
    const auto& e = ok.error().details.empty() ? ok.error() : ok.error().details.front();
    std::printf("%s %s: %s; %s\n", argv[i], refused ? "refused" : "failed", e.what.c_str(),
                e.why.c_str());
    failures += !refused;
  }
  return failures ? 4 : 0;
}
