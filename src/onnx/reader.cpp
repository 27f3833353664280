#include "onnx/reader.h"

#include <fmt/format.h>

#include "onnx/importer.h"

namespace tenon::onnx {
namespace {

Status check_opsets(const proto::Model& model) {
  auto wrong = [](ErrorKind kind, std::string why, std::string hint) {
    return fail({.kind = kind,
                 .what = "the ONNX model cannot be read",
                 .why = std::move(why),
                 .hint = std::move(hint)});
  };
  if (!model.has_graph || model.ir_version <= 0) {
    return wrong(ErrorKind::bad_file, "the file holds no ONNX graph",
                 "make sure that it is an ONNX model and complete");
  }
  const int64_t opset = opset_of(model.opsets, "");
  if (opset > newest_opset()) {
    return wrong(
        ErrorKind::unsupported,
        fmt::format("it uses opset {}, the newest that Tenon knows is {}", opset, newest_opset()),
        "export it at an older opset");
  }
  if (opset != 0 && opset < kOldestReadable) {
    return wrong(ErrorKind::unsupported,
                 fmt::format("it uses opset {}, Tenon reads {} and newer", opset, kOldestReadable),
                 "bring it to a newer opset with onnx.version_converter");
  }
  return {};
}

Result<std::unique_ptr<ir::Graph>> import(proto::Bytes bytes, TensorSource& tensors,
                                          const ReadOptions& options, const ir::OpSet& ops,
                                          const Mappings& mappings) {
  const proto::Model model = TRY(proto::parse_model(bytes));
  TRY(check_opsets(model));
  auto graph = std::make_unique<ir::Graph>();
  TRY(Importer(model, tensors, options, ops, mappings, *graph).run());
  return graph;
}

}  // namespace

Result<std::unique_ptr<ir::Graph>> read(const std::string& path, const ReadOptions& options,
                                        const ir::OpSet& ops, const Mappings& mappings) {
  const MappedFile file = TRY(MappedFile::open(path));
  TensorSource tensors(file.share(0), path, true);
  auto graph = import(file.bytes(), tensors, options, ops, mappings);
  if (!graph) return fail(with_where(std::move(graph).error(), {.file = path}));
  return graph;
}

Result<std::unique_ptr<ir::Graph>> read(std::shared_ptr<const std::byte> owner, size_t size,
                                        const ReadOptions& options, const ir::OpSet& ops,
                                        const Mappings& mappings) {
  TensorSource tensors(owner, {}, false);
  return import({owner.get(), size}, tensors, options, ops, mappings);
}

}  // namespace tenon::onnx
