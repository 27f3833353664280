#include "api/tensorrt.h"

#include <filesystem>

#include "api/tensorrt_verdict.h"
#include "base/mapped_file.h"
#include "base/scratch_folder.h"
#include "onnx/reader.h"
#include "onnx/writer.h"
#include "passes/compare.h"
#include "passes/passes.h"
#include "targets/tensorrt/diagnosis.h"
#include "targets/tensorrt/legality.h"
#include "targets/tensorrt/rewrites.h"

namespace tenon::api {
namespace {

using tensorrt::BuildReport;
using tensorrt::Description;

std::vector<tensorrt::Binding> bindings(std::span<ir::Value* const> values) {
  std::vector<tensorrt::Binding> out;
  for (const ir::Value* value : values) {
    tensorrt::Binding binding{.name = value->name, .dtype = value->dtype(), .shape = {}};
    if (value->shape()) {
      for (const ir::Dim& dim : *value->shape()) binding.shape.push_back(dim.str());
    }
    out.push_back(std::move(binding));
  }
  return out;
}

// Everything besides the graph that an engine depends on.
std::string options_text(const tensorrt::BuildRequest& request, const ir::Graph& written,
                         const std::vector<tensorrt::Profile>& profiles) {
  std::string out = fmt::format(
      "tf32={} flags={} capabilities={} pools={} settings={} verbosity={} plugins={}", request.tf32,
      fmt::join(request.flags, "+"), fmt::join(request.compute_capabilities, "+"),
      fmt::to_string(request.memory_pools.size()), request.settings.size(),
      request.profiling_verbosity, fmt::join(request.plugins, "+"));
  for (const auto& [pool, bytes] : request.memory_pools) out += fmt::format(" {}={}", pool, bytes);
  for (const auto& [name, value] : request.settings) out += fmt::format(" {}={}", name, value);
  if (request.dla_core)
    out +=
        fmt::format(" dla={} fallback={}", request.dla_core->core, request.dla_core->gpu_fallback);
  for (const ir::Value* value : written.inputs()) out += " in:" + value->name;
  for (const ir::Value* value : written.outputs()) out += " out:" + value->name;
  for (const tensorrt::Profile& profile : profiles) {
    out += " profile";
    for (const tensorrt::ProfileShape& shape : profile) {
      out += fmt::format(" {}:{}..{}..{}", shape.input, fmt::join(shape.min, "x"),
                         fmt::join(shape.opt, "x"), fmt::join(shape.max, "x"));
    }
  }
  return out;
}

Dims sizes_of(const InputSpec& spec) {
  Dims out;
  for (const DimSpec& dim : spec.dims) out.push_back(dim.size.value_or(-1));
  return out;
}

// The shapes that a list of specs says for an input of the graph; null where it says none.
Result<const InputSpec*> spec_of(const std::vector<InputSpec>& specs, const std::string& input,
                                 const ir::Graph& graph) {
  for (const InputSpec& spec : specs) {
    if (TRY(find_input(graph, spec.name))->name == input) return &spec;
  }
  return nullptr;
}

// The file that TensorRT gets, read back and run by our engine, beside the model's reference.
Result<Verification> verify_file(const std::string& onnx_file, const ir::Graph& canonical,
                                 const std::vector<passes::BoundedOutput>& bounded,
                                 const TensorrtOptions& options, const Tables& tables) {
  const passes::PassContext context{tables.ops, tables.refs};
  const auto back = TRY(onnx::read(onnx_file, {}, tables.ops, tables.onnx));
  TRY(passes::cut_to_counts(*back, bounded, context));
  TRY(passes::canonicalise(*back, context));
  const cpu::Engine engine = TRY(compile(*back, {.threads = options.threads}, tables));
  return verify_engine(canonical, engine,
                       {.reference = {.threads = options.threads},
                        .tolerances = tolerances_of(options.precision.type, options.tolerances)},
                       tables);
}

std::string verification_text(const std::optional<Verification>& verification) {
  const std::string not_run = "engine not run";
  if (!verification) return not_run + "; outputs not verified";
  return fmt::format("{}; the ONNX model it was built from: {}", not_run,
                     numerics::name(verification->verdict()));
}

std::string types_text(const tensorrt::TypeCheck& types) {
  std::string out = fmt::format(
      "{} tensors of the parsed network have the model's types, {} are "
      "TensorRT's own; of layers' outputs",
      types.verified, types.own);
  for (const auto& [dtype, count] : types.layers) out += fmt::format(" {} {}", count, dtype);
  return out;
}

Error wrong_types(const BuildReport& report, const tensorrt::TypeCheck& types,
                  const std::string& model_path) {
  Error error{.kind = ErrorKind::unsupported,
              .what = fmt::format("{} does not keep the model's types", report.module.title()),
              .where = {.file = model_path},
              .why = fmt::format("{} tensors of the parsed network have another type",
                                 types.mismatches.size()),
              .hint = "give the model types that TensorRT has"};
  constexpr size_t kShown = 10;
  for (const tensorrt::TypeMismatch& one : types.mismatches) {
    if (error.details.size() == kShown) break;
    error.details.push_back(
        {.kind = ErrorKind::unsupported,
         .what = fmt::format("tensor {} is {} instead of {}", one.tensor, one.got, one.wanted),
         .where = {.node = one.layer}});
  }
  return error;
}

// The release that is installed, where it is the one that was asked for.
Result<tensorrt::Release> release_of(const std::string& target, const tensorrt::Module& module) {
  const tensorrt::Release here{
      .family = module.is_rtx() ? tensorrt::Family::rtx : tensorrt::Family::tensorrt,
      .version = tensorrt::parse_version(module.version).value_or(tensorrt::Version{})};
  if (target == "tensorrt" || target == "tensorrt-rtx") return here;
  const tensorrt::Release asked = TRY(tensorrt::parse_release(target));
  if (asked.family == here.family && asked.version.major == here.version.major &&
      asked.version.minor == here.version.minor)
    return here;
  return fail({.kind = ErrorKind::resource,
               .what = fmt::format("cannot build for {} here", tensorrt::name(asked)),
               .why = fmt::format("the module that is installed is {}", module.title()),
               .hint = "name an interpreter that has the release with --python, or write what "
                       "another machine needs with --bundle DIR"});
}

}  // namespace

Result<std::vector<tensorrt::Profile>> profiles_for(const std::vector<ProfileSpecs>& specs,
                                                    const ir::Graph& graph) {
  const tensorrt::Profile whole = TRY(tensorrt::profile_of(graph));
  if (specs.size() < 2) return std::vector<tensorrt::Profile>{whole};
  std::vector<tensorrt::Profile> out;
  for (const ProfileSpecs& given : specs) {
    tensorrt::Profile profile = whole;
    for (tensorrt::ProfileShape& shape : profile) {
      const InputSpec* opt = TRY(spec_of(given.opt, shape.input, graph));
      const InputSpec* min = TRY(spec_of(given.min, shape.input, graph));
      const InputSpec* max = TRY(spec_of(given.max, shape.input, graph));
      if (opt == nullptr) opt = max;
      if (opt == nullptr) continue;
      shape.opt = sizes_of(*opt);
      shape.min = min ? sizes_of(*min) : shape.opt;
      shape.max = max ? sizes_of(*max) : shape.opt;
    }
    out.push_back(std::move(profile));
  }
  return out;
}

numerics::ToleranceOptions tolerances_of(DType precision, numerics::ToleranceOptions asked) {
  if (precision != DType::f32 && !asked.rtol)
    asked.rtol = numerics::default_tolerance(precision).rtol;
  return asked;
}

Result<TensorrtModel> prepare_for_tensorrt(const ir::Graph& graph, const tensorrt::Release& release,
                                           PrecisionOptions precision, int opset, bool dla,
                                           const Tables& tables) {
  TensorrtVerdict verdict = TRY(judge(graph, release, opset, dla, tables));
  if (verdict.refusal) return fail(*verdict.refusal);
  TensorrtModel out{.opset = verdict.opset,
                    .typed = ir::clone(graph),
                    .written = {},
                    .reduced = {},
                    .bounded = {},
                    .bounded_fp32 = std::move(verdict.bounded)};
  TRY(tensorrt::rewrite(*out.typed, release, tables.ops));
  if (precision.type != DType::f32) {
    precision.opset = out.opset;
    out.reduced = TRY(reduce_precision(*out.typed, precision, tables));
  }
  const passes::PassContext context{tables.ops, tables.refs};
  if (out.bounded_fp32) {
    out.bounded = TRY(passes::bound_sizes(*out.typed, context));
    TRY(passes::fold_constants(*out.typed, context));
    TRY(passes::merge_duplicates(*out.typed, context));
    TRY(passes::remove_dead_code(*out.typed, context));
  }
  TRY(rewrite_for_tensorrt(*out.typed, release, tables));
  out.written =
      TRY(onnx::lower_for_file(*out.typed, {.opset = out.opset}, tables.ops, tables.onnx));
  TRY(tensorrt::check(*out.written.graph, release, {.opset = out.opset, .dla = dla}));
  return out;
}

Result<TensorrtBuild> build_tensorrt(const Loaded& loaded, const std::string& model_path,
                                     const std::string& engine_path, const TensorrtOptions& options,
                                     const Tables& tables) {
  TensorrtBuild out;
  auto probed = tensorrt::probe(options.python);
  if (!probed) {
    // A release that is named is as a rule another machine's.
    if (options.target != "tensorrt" && options.target != "tensorrt-rtx")
      probed.error().hint += "; or write what another machine needs with --bundle DIR";
    return fail(std::move(probed).error());
  }
  const tensorrt::Module module = std::move(*probed);
  const std::vector<tensorrt::Profile> profiles =
      TRY(profiles_for(options.profiles, *loaded.graph));

  const tensorrt::Release release = TRY(release_of(options.target, module));
  auto prepared = prepare_for_tensorrt(*loaded.graph, release, options.precision, options.opset,
                                       options.request.dla_core.has_value(), tables);
  if (!prepared) return fail(with_where(std::move(prepared).error(), {.file = model_path}));
  const onnx::FileGraph& written = prepared->written;
  const onnx::WriteOptions writing{.opset = prepared->opset};
  out.composed = written.composed;
  out.reduced = prepared->reduced;
  out.graph = std::move(prepared->typed);

  Description& description = out.description;
  description = {.tenon = TENON_VERSION,
                 .module = module.name,
                 .version = module.version,
                 .target = options.target,
                 .model = std::filesystem::path(model_path).filename().string(),
                 .model_digest = passes::digest(*written.graph),
                 .options = options_text(options.request, *written.graph, profiles),
                 .precision = std::string(precision_name(options.precision.type)),
                 .tf32 = options.request.tf32,
                 .opset = writing.opset,
                 .inputs = bindings(written.graph->inputs()),
                 .outputs = bindings(written.graph->outputs()),
                 .profiles = profiles,
                 .compute_capabilities = options.request.compute_capabilities};
  for (const passes::BoundedOutput& one : prepared->bounded)
    description.padded.push_back({one.output, one.axis, one.count});
  if (!options.onnx.empty()) TRY(onnx::write(written, options.onnx, writing));
  if (!options.rebuild) {
    auto there = tensorrt::read_description(engine_path);
    if (there && there->key() == description.key() && there->tenon == description.tenon) {
      description = std::move(*there);
      out.reused = true;
      return out;
    }
  }

  AtomicFile engine = TRY(AtomicFile::create(engine_path));
  AtomicFile about = TRY(AtomicFile::create(tensorrt::description_path(engine_path)));
  const ScratchFolder folder = TRY(ScratchFolder::make());
  tensorrt::BuildRequest request = options.request;
  request.model = folder.file("model.onnx");
  request.engine = engine.temporary();
  request.profiles = profiles;
  request.tensor_types = tensorrt::tensor_types(*written.graph);
  TRY(onnx::write(written, request.model, writing));

  out.report = TRY(tensorrt::build(options.python, request));
  if (out.report.failure) {
    Error error = tensorrt::explain(out.report, *written.graph);
    error.where.file = model_path;
    return fail(std::move(error));
  }
  out.types = tensorrt::check_types(out.report.network, request.tensor_types, module.typed);
  if (!out.types.mismatches.empty()) return fail(wrong_types(out.report, out.types, model_path));
  if (options.verify) {
    if (request.progress) request.progress(1, "verifying");
    out.verification =
        TRY(verify_file(request.model, *loaded.graph, prepared->bounded, options, tables));
  }
  description.types = types_text(out.types);
  description.verification = verification_text(out.verification);
  if (out.verification && out.verification->verdict() == numerics::Verdict::diverges) return out;

  const MappedFile content = TRY(MappedFile::open(engine.temporary()));
  description.engine_bytes = content.bytes().size();
  description.engine_hash = tensorrt::hash_of(content.bytes());
  TRY(about.write(tensorrt::to_json(description)));
  TRY(engine.commit());
  TRY(about.commit());
  return out;
}

}  // namespace tenon::api
