#include "api/load.h"

#include "api/shapes.h"
#include "onnx/reader.h"

namespace tenon::api {
namespace {

Error refuse_settings(const std::string& path, std::string_view option) {
  return {.kind = ErrorKind::usage,
          .what = fmt::format("{} does not apply to an ONNX model", option),
          .where = {.file = path},
          .why = "it changes how a PyTorch program is read",
          .hint = "leave it out, or give the PyTorch file"};
}

Result<Loaded> load_onnx(const std::string& path, const LoadOptions& options,
                         const Tables& tables) {
  const torch::ImportOptions& import = options.import;
  if (!import.settings.empty()) return fail(refuse_settings(path, "--set"));
  if (import.method != "forward") return fail(refuse_settings(path, "--method"));
  Loaded out{.kind = archive::FileKind::onnx, .graph = {}, .notices = {}};
  out.graph = TRY(onnx::read(path, {}, tables.ops, tables.onnx));
  std::vector<InputSpec> specs = import.shapes;
  specs.insert(specs.end(), import.dynamic.begin(), import.dynamic.end());
  if (auto ok = apply_shapes(*out.graph, specs, tables.ops); !ok)
    return fail(with_where(std::move(ok).error(), {.file = path}));
  TRY(rename_values(*out.graph, import.input_names, import.output_names));
  return out;
}

}  // namespace

Result<Loaded> load_graph(const std::string& path, const LoadOptions& options,
                          const Tables& tables) {
  const MappedFile file = TRY(MappedFile::open(path));
  const archive::Detected detected = TRY(archive::detect(file));
  if (!archive::holds_program(detected.kind)) return fail(archive::no_program(detected, path));
  Loaded out;
  if (detected.kind == archive::FileKind::onnx) {
    out = TRY(load_onnx(path, options, tables));
  } else {
    torch::Imported imported =
        TRY(torch::import_program(path, options.import, tables.ops, tables.lowerings));
    out = {.kind = detected.kind,
           .graph = std::move(imported.graph),
           .notices = std::move(imported.notices)};
  }
  return out;
}

}  // namespace tenon::api
