// tenon trtexec: NVIDIA's trtexec, its flags, its words and its exit statuses, for engines that
// Tenon builds and TensorRT's own Python module runs.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "api/engine_file.h"
#include "api/inputs.h"
#include "api/tensorrt.h"
#include "archive/npy.h"
#include "base/elements.h"
#include "base/mapped_file.h"
#include "base/scratch_folder.h"
#include "cli/build.h"
#include "cli/trtexec_flags.h"
#include "cli/trtexec_report.h"

namespace tenon::cli {
namespace {

void say(std::string_view text, char severity = 'I') {
  fmt::print("{}", trtexec_lines(text, severity));
}

Error cannot(std::string what, std::string why, std::string hint) {
  return {.kind = ErrorKind::unsupported,
          .what = std::move(what),
          .why = std::move(why),
          .hint = std::move(hint)};
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> out;
  for (size_t at = 0; !text.empty() && at <= text.size();) {
    const size_t comma = std::min(text.find(',', at), text.size());
    out.push_back(text.substr(at, comma - at));
    at = comma + 1;
  }
  return out;
}

// Precisions that trtexec allows become the model's own types; "best" is the fastest that loses
// least.
Result<DType> precision_of(const TrtexecOptions& o, bool quantised) {
  if ((o.int8 || !o.calib.empty()) && !quantised) {
    return fail(
        cannot("cannot build in int8",
               "the model holds no QuantizeLinear, and releases from 11 on calibrate nothing",
               "quantise the model first, then --int8 keeps what it says"));
  }
  if (o.strongly_typed && (o.fp16 || o.bf16 || o.int8 || o.best)) {
    return fail({.kind = ErrorKind::usage,
                 .what = "--stronglyTyped does not go with --fp16, --bf16, --int8 and --best",
                 .why = "types are the model's own then",
                 .hint = "leave one of them out"});
  }
  if (o.fp16 || o.best) return DType::f16;
  return o.bf16 ? DType::bf16 : DType::f32;
}

// "fp16:chw,fp32:chw" for all inputs, or one for all of them, as NAME:fp16.
Result<std::string> io_types(const std::string& spec, std::span<ir::Value* const> values,
                             std::string_view flag) {
  std::string out;
  const std::vector<std::string> entries = split(spec);
  if (entries.size() > 1 && entries.size() != values.size()) {
    return fail({.kind = ErrorKind::usage,
                 .what = fmt::format("{} says {} types for {} tensors", flag, entries.size(),
                                     values.size()),
                 .why = "it takes one for each, or one for all",
                 .hint = fmt::format("for example {}=fp16:chw", flag)});
  }
  for (size_t i = 0; i < values.size() && !entries.empty(); ++i) {
    const std::string& entry = entries[entries.size() == 1 ? 0 : i];
    const std::string type = entry.substr(0, entry.find(':'));
    const std::string format =
        entry.find(':') == std::string::npos ? "chw" : entry.substr(entry.find(':') + 1);
    if (format != "chw") {
      return fail(cannot(fmt::format("cannot give {} the format {}", values[i]->name, format),
                         "tensors are in the layout that the model says, which is chw",
                         "transpose in the model, and let TensorRT choose the layout inside"));
    }
    if (values[i]->dtype() != DType::f32) continue;  // a type of its own, which stays
    out += fmt::format("{}{}:{}", out.empty() ? "" : ",", values[i]->name,
                       type == "fp32" ? "keep" : type);
  }
  return out;
}

// "*:fp16,head/Softmax:fp32": the nodes that stay in fp32.
Status add_layer_types(const std::string& spec, DType precision, std::string_view flag,
                       std::vector<std::string>& keep) {
  for (const std::string& entry : split(spec)) {
    const size_t colon = entry.rfind(':');
    const std::string layer = entry.substr(0, colon);
    const std::string type = colon == std::string::npos ? "" : entry.substr(colon + 1);
    if (type == "fp32" && layer.find('*') == std::string::npos && precision != DType::f32) {
      if (std::ranges::find(keep, layer) == keep.end()) keep.push_back(layer);
    } else if (type != api::precision_name(precision) && type != "int32" && type != "int64") {
      return fail(cannot(fmt::format("cannot keep {}={}", flag, entry),
                         "a layer has the model's precision, or stays in fp32",
                         "name the precision of all with --fp16 or --bf16, and layers that stay in "
                         "fp32 one by one"));
    }
  }
  return {};
}

Status write_text(const std::string& path, const std::string& text) {
  AtomicFile file = TRY(AtomicFile::create(path));
  TRY(file.write(text));
  return file.commit();
}

Result<std::vector<api::ProfileSpecs>> profiles_in(const TrtexecOptions& o) {
  std::vector<api::ProfileSpecs> out;
  for (size_t i = 0; i < o.opt_shapes.size(); ++i) {
    api::ProfileSpecs specs{TRY(parse_shapes(o.min_shapes[i])), TRY(parse_shapes(o.opt_shapes[i])),
                            TRY(parse_shapes(o.max_shapes[i]))};
    // Shapes of the inference alone are the profile too, as in trtexec.
    if (specs.opt.empty() && specs.max.empty()) specs.opt = TRY(parse_shapes(o.shapes));
    if (!specs.min.empty() || !specs.opt.empty() || !specs.max.empty())
      out.push_back(std::move(specs));
  }
  return out;
}

Result<api::TensorrtOptions> building_of(const TrtexecOptions& o, const ir::Graph& graph) {
  api::TensorrtOptions out{.target = "tensorrt",
                           .python = {.interpreter = o.python},
                           .request = {.tf32 = o.tf32,
                                       .flags = o.builder_flags,
                                       .compute_capabilities = o.compute_capabilities,
                                       .memory_pools = o.memory_pools,
                                       .settings = o.settings,
                                       .profiling_verbosity = o.profiling_verbosity,
                                       .timing_cache = o.timing_cache,
                                       .plugins = o.plugins,
                                       .verbose = o.verbose},
                           .verify = false,
                           .rebuild = true};
  if (o.dla_core) out.request.dla_core = {.core = *o.dla_core, .gpu_fallback = o.gpu_fallback};
  out.precision.type = TRY(precision_of(o, api::tolerances_for(graph, {}).quantised));
  if (out.precision.type != DType::f32) {
    const std::string in = TRY(io_types(o.input_formats, graph.inputs(), "--inputIOFormats"));
    const std::string result =
        TRY(io_types(o.output_formats, graph.outputs(), "--outputIOFormats"));
    if (!in.empty() || !result.empty())
      out.precision.io_types = in + (in.empty() || result.empty() ? "" : ",") + result;
  }
  TRY(add_layer_types(o.layer_precisions, out.precision.type, "--layerPrecisions",
                      out.precision.keep_fp32));
  TRY(add_layer_types(o.layer_output_types, out.precision.type, "--layerOutputTypes",
                      out.precision.keep_fp32));
  return out;
}

Status build(const TrtexecOptions& o, const std::string& engine) {
  const api::Tables tables = api::make_tables();
  const std::vector<api::ProfileSpecs> profiles = TRY(profiles_in(o));
  api::LoadOptions reading;
  reading.import.shapes = TRY(api::hull_of_profiles(profiles));
  const api::Loaded loaded = TRY(api::load_graph(o.onnx, reading, tables));
  api::TensorrtOptions options = TRY(building_of(o, *loaded.graph));
  options.profiles = profiles;
  const api::TensorrtBuild built =
      TRY(api::build_tensorrt(loaded, o.onnx, engine, options, tables));
  for (const std::string& warning : built.report.warnings) say(warning, 'W');
  say(fmt::format(
      "TensorRT version: {}\nEngine built in {:g} sec.\nCreated engine with size: {:g} "
      "MiB\nTypes: {}",
      built.report.module.version, built.report.seconds,
      static_cast<double>(built.description.engine_bytes) / 0x1p20, built.description.types));
  if (o.dump_layers || !o.export_layers.empty()) {
    Json layers = Json::array();
    for (const tensorrt::NetworkLayer& layer : built.report.network.layers) {
      Json outputs = Json::array();
      for (const tensorrt::NetworkTensor& tensor : layer.outputs)
        outputs.push_back({{"Name", tensor.name}, {"Format/Datatype", tensor.dtype}});
      layers.push_back({{"Name", layer.name}, {"LayerType", layer.type}, {"Outputs", outputs}});
    }
    if (o.dump_layers) {
      say("Layer Information:");
      for (const Json& layer : layers) say(layer.dump());
    }
    if (!o.export_layers.empty())
      TRY(write_text(o.export_layers, Json{{"Layers", layers}}.dump(1) + "\n"));
  }
  return {};
}

// "x:x.bin": raw bytes in the input's type and shape.
Result<std::vector<Tensor>> inputs_for(const TrtexecOptions& o, const api::EngineFile& engine) {
  std::vector<Tensor> out =
      TRY(api::random_inputs(*engine.inputs, {.shapes = TRY(parse_shapes(o.shapes))}));
  for (const std::string& entry : split(o.load_inputs)) {
    const size_t colon = entry.rfind(':');
    if (colon == std::string::npos) {
      return fail({.kind = ErrorKind::usage,
                   .what = fmt::format("cannot read --loadInputs={}", entry),
                   .why = "a name and a file are expected",
                   .hint = "for example --loadInputs=image:image.bin"});
    }
    std::string name = entry.substr(0, colon);
    if (name.size() > 1 && name.front() == '\'' && name.back() == '\'')
      name = name.substr(1, name.size() - 2);
    const ir::Value* input = TRY(api::find_input(*engine.inputs, name));
    size_t at = 0;
    while (engine.inputs->inputs()[at] != input) ++at;
    const std::string path = entry.substr(colon + 1);
    const MappedFile file = TRY(MappedFile::open(path));
    if (file.bytes().size() != out[at].nbytes()) {
      return fail({.kind = ErrorKind::usage,
                   .what = fmt::format("{} does not fit input {}", path, name),
                   .where = {.file = path},
                   .why = fmt::format("it has {} bytes, the input takes {}", file.bytes().size(),
                                      out[at].nbytes()),
                   .hint = "say its shape with --shapes"});
    }
    out[at] = Tensor(out[at].dtype(), out[at].shape(), file.share(0));
  }
  return out;
}

Status export_output(const TrtexecOptions& o, const std::string& path,
                     const api::EngineFile& engine, const tensorrt::RunSet& set) {
  const tensorrt::RunReport ran = TRY(tensorrt::run(
      {.interpreter = o.python}, {.engine = path, .about = engine.about, .sets = {set}}));
  Json out = Json::array();
  for (size_t i = 0; i < ran.sets[0].outputs.size(); ++i) {
    const Tensor& tensor = ran.sets[0].outputs[i];
    Json values = Json::array();
    with_elements(tensor.dtype(), [&](auto element, auto convert) {
      for (const auto v : tensor.values<decltype(element)>()) values.push_back(convert(v));
    });
    out.push_back({{"name", engine.about.outputs[i].name},
                   {"dimensions", fmt::format("{}", fmt::join(tensor.shape(), "x"))},
                   {"values", values}});
  }
  if (o.dump_output) {
    say("Output Tensors:");
    for (const Json& tensor : out) say(tensor.dump());
  }
  return o.export_output.empty() ? Status() : write_text(o.export_output, out.dump(1) + "\n");
}

Status measure(const TrtexecOptions& o, const std::string& path) {
  api::EngineFile engine = TRY(api::open_engine(path));
  tensorrt::RunSet set{.inputs = TRY(inputs_for(o, engine))};
  set.profile = TRY(api::fitting_profile(engine, set.inputs));
  const tensorrt::BenchReport report =
      TRY(tensorrt::bench({.interpreter = o.python},
                          {.subjects = {{path, engine.about, set}},
                           .warm_up_s = o.warm_up_ms / 1e3,
                           .duration_s = o.duration_s,
                           .least_iterations = static_cast<size_t>(std::max(1, o.iterations)),
                           .cuda_graph = o.cuda_graph,
                           .verbose = o.verbose}));
  for (const std::string& warning : report.warnings) say(warning, 'W');
  say(fmt::format("Selected Device: {}\nCompute Capability: {}", report.gpu.name,
                  report.gpu.capability));
  const tensorrt::BenchResult& result = report.results.front();
  say(performance_text(result, o.average_runs, o.percentiles));
  if (o.dump_profile) say(profile_text(result.layers));
  if (!o.export_times.empty()) TRY(write_text(o.export_times, times_json(result)));
  if (!o.export_profile.empty()) TRY(write_text(o.export_profile, profile_json(result.layers)));
  if (o.dump_output || !o.export_output.empty()) TRY(export_output(o, path, engine, set));
  return {};
}

void print_help() {
  fmt::print(
      "tenon trtexec takes the flags of NVIDIA's trtexec, 8.2 to 11.1, with the same meaning and "
      "units,\nand --python=INTERPRETER and --computeCapabilities=8.6,8.9 of its own. --fp16, "
      "--bf16 "
      "and --best\nwrite the types into the model, which releases from 11 on need.\n\n");
  for (const FlagUse use : {FlagUse::taken, FlagUse::without_effect, FlagUse::refused}) {
    constexpr std::string_view kHeads[] = {"taken", "changing nothing, for the reason given",
                                           "not supported, with what to do instead"};
    fmt::print("=== {} ===\n", kHeads[static_cast<size_t>(use)]);
    for (const TrtexecFlag& flag : trtexec_flags()) {
      if (flag.use != use) continue;
      fmt::print("  --{}{}{}{}\n", flag.name,
                 flag.value == TrtexecFlag::Value::none ? "" : "=VALUE",
                 flag.note.empty() ? "" : "  ", flag.note);
    }
  }
}

Status execute(const TrtexecOptions& o) {
  if (o.onnx.empty() == o.load_engine.empty()) {
    return fail({.kind = ErrorKind::usage,
                 .what = "there is nothing to build or to run",
                 .why = o.onnx.empty() ? "neither --onnx nor --loadEngine is given"
                                       : "--onnx and --loadEngine are both given",
                 .hint = "give --onnx=MODEL, a model of PyTorch or ONNX, or --loadEngine=FILE"});
  }
  for (const std::string& remark : o.remarks) say(remark, 'W');
  if (o.device != 0) {
    return fail(cannot("cannot use another GPU than the first", "engines are run on device 0",
                       "set CUDA_VISIBLE_DEVICES to the GPU that is to be used"));
  }
  const ScratchFolder folder = TRY(ScratchFolder::make());
  std::string engine = o.load_engine;
  if (engine.empty()) {
    engine = o.save_engine.empty() ? folder.file("model.engine") : o.save_engine;
    TRY(build(o, engine));
  }
  return o.skip_inference ? Status() : measure(o, engine);
}

Status run(const std::vector<std::string>& words) {
  const TrtexecOptions options = TRY(parse_trtexec(words));
  if (options.help) {
    print_help();
    return {};
  }
  return execute(options);
}

// "v100300" of the module that the words name; what trtexec writes into its first and last line.
std::string version_for(const std::vector<std::string>& words) {
  tensorrt::Python python;
  for (const std::string& word : words) {
    if (word.starts_with("--python=")) python.interpreter = word.substr(9);
  }
  const auto module = tensorrt::probe(python);
  return module ? trtexec_version(module->version) : "unknown";
}

// trtexec ends with 1 whatever went wrong; its last line says which.
Status with_verdict(const std::vector<std::string>& words) {
  const std::string title = fmt::format("TensorRT.trtexec [TensorRT {}] # tenon trtexec {}",
                                        version_for(words), fmt::join(words, " "));
  say("&&&& RUNNING " + title);
  Status done = run(words);
  if (done) {
    say("&&&& PASSED " + title);
    return {};
  }
  say("&&&& FAILED " + title, 'E');
  done.error().kind = ErrorKind::negative;
  return done;
}

std::function<Status()> declare(CLI::App& app, const Globals& /*globals*/) {
  app.prefix_command();
  return [&app] {
    const std::vector<std::string> words = app.remaining();
    return with_verdict(words);
  };
}

}  // namespace

Command trtexec_command() {
  return {.name = "trtexec",
          .about = "Take trtexec's own flags, so that its scripts keep working",
          .example =
              "  tenon trtexec --onnx=resnet18.pt --saveEngine=resnet18.engine --fp16 \\\n"
              "    --optShapes=x:1x3x224x224 --skipInference\n",
          .own_grammar = true,
          .declare = declare};
}

}  // namespace tenon::cli
