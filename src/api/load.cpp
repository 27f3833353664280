#include "api/load.h"

#include <algorithm>

#include "api/dynamic_sizes.h"
#include "api/shapes.h"
#include "onnx/reader.h"
#include "passes/passes.h"

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
  if (!import.also_traced_at.empty()) return fail(refuse_settings(path, "--also-traced-at"));
  Loaded out{.kind = archive::FileKind::onnx, .graph = {}, .notices = {}};
  out.graph = TRY(onnx::read(path, {}, tables.ops, tables.onnx));
  std::vector<InputSpec> specs = import.shapes;
  specs.insert(specs.end(), import.dynamic.begin(), import.dynamic.end());
  if (auto ok = apply_shapes(*out.graph, specs, tables.ops); !ok)
    return fail(with_where(std::move(ok).error(), {.file = path}));
  TRY(rename_values(*out.graph, import.input_names, import.output_names));
  return out;
}

std::vector<InputSpec> shapes_of(const std::vector<NamedTensor>& tensors) {
  std::vector<InputSpec> out;
  for (const NamedTensor& t : tensors) {
    InputSpec spec{.name = t.name, .dims = {}, .dtype = t.tensor.dtype()};
    if (spec.name.starts_with("arr_")) spec.name.replace(0, 4, "input_");
    for (const int64_t size : t.tensor.shape())
      spec.dims.push_back({.symbol = {}, .size = size, .min = {}, .max = {}});
    out.push_back(std::move(spec));
  }
  return out;
}

Result<Loaded> load_torch(const std::string& path, archive::FileKind kind,
                          const LoadOptions& options, const Tables& tables) {
  torch::ImportOptions import = options.import;
  import.kernels = &tables.refs;
  auto imported = torch::import_program(path, import, tables.ops, tables.lowerings);
  if (!imported && imported.error().kind == ErrorKind::usage && options.import.shapes.empty() &&
      !options.examples.empty()) {
    import.shapes = shapes_of(options.examples);
    imported = torch::import_program(path, import, tables.ops, tables.lowerings);
  }
  if (!imported) return fail(with_where(std::move(imported).error(), {.file = path}));
  return Loaded{.kind = kind,
                .graph = std::move(imported->graph),
                .notices = std::move(imported->notices),
                .suspicions = std::move(imported->suspicions)};
}

// What to do where a program fixes a dimension that was to be dynamic.
std::string hint_for(const ir::Graph& graph) {
  const bool traced = std::ranges::any_of(
      graph.metadata, [](const auto& m) { return m.first == torch::kSizesKey; });
  return traced
             ? "give a second trace at another size, --also-traced-at B.pt, so that constants are "
               "told from sizes; or script or export the model; or leave the dimension fixed"
             : "leave the dimension fixed, or change that line to follow the input's size";
}

}  // namespace

Result<Loaded> load_graph(const std::string& path, const LoadOptions& options,
                          const Tables& tables) {
  const MappedFile file = TRY(MappedFile::open(path));
  const archive::Detected detected = TRY(archive::detect(file));
  if (!archive::holds_program(detected.kind)) return fail(archive::no_program(detected, path));
  Loaded out = detected.kind == archive::FileKind::onnx
                   ? TRY(load_onnx(path, options, tables))
                   : TRY(load_torch(path, detected.kind, options, tables));
  auto ok = passes::canonicalise(*out.graph, {tables.ops, tables.refs});
  if (ok && detected.kind != archive::FileKind::onnx)
    ok = check_dynamic_sizes(*out.graph, tables.ops, hint_for(*out.graph), out.notices);
  if (!ok) return fail(with_where(std::move(ok).error(), {.file = path}));
  return out;
}

}  // namespace tenon::api
