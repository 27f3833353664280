// Reads any bytes as an ONNX model; what can be read is written at an old and at the newest opset
// and read back.
#include <cstring>
#include <memory>

#include "onnx/reader.h"
#include "onnx/writer.h"
#include "ops/tables.h"

namespace {

using namespace tenon;

struct Tables {
  std::vector<const ir::OpSpec*> op_table = ops::op_table();
  std::vector<const onnx::Mapping*> onnx_table = ops::onnx_table();
  ir::OpSet ops{op_table};
  onnx::Mappings mappings{onnx_table};
};

Result<std::unique_ptr<ir::Graph>> read(const Tables& tables, const void* data, size_t size) {
  std::shared_ptr<std::byte[]> copy(new std::byte[size + 1]);
  std::memcpy(copy.get(), data, size);
  return onnx::read(std::shared_ptr<const std::byte>(copy, copy.get()), size, {.max_nodes = 10'000},
                    tables.ops, tables.mappings);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Tables tables;
  const auto graph = read(tables, data, size);
  if (!graph) return 0;
  for (const int opset : {onnx::kOldestWritable, onnx::newest_opset()}) {
    const auto bytes = onnx::write(**graph, {.opset = opset}, tables.ops, tables.mappings);
    if (bytes) (void)read(tables, bytes->data(), bytes->size());
  }
  return 0;
}
