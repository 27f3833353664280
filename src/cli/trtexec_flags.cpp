#include "cli/trtexec_flags.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "cli/byte_size.h"

namespace tenon::cli {
namespace {

using Value = TrtexecFlag::Value;
using O = TrtexecOptions;

Result<double> number(const std::string& text, double low, double high) {
  double out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error == std::errc() && end == text.data() + text.size() && out >= low && out <= high)
    return out;
  return fail({.kind = ErrorKind::usage,
               .what = fmt::format("'{}' is no number from {} to {}", text, low, high)});
}

Result<int> whole(const std::string& text, int low, int high) {
  const double out = TRY(number(text, low, high));
  if (out == std::floor(out)) return static_cast<int>(out);
  return fail({.kind = ErrorKind::usage, .what = fmt::format("'{}' is no whole number", text)});
}

std::vector<std::string> parts(const std::string& text) {
  std::vector<std::string> out;
  for (size_t at = 0; at <= text.size();) {
    const size_t comma = std::min(text.find(',', at), text.size());
    out.push_back(text.substr(at, comma - at));
    at = comma + 1;
  }
  return out;
}

Status choice(std::string& into, const std::string& text,
              std::initializer_list<std::pair<std::string_view, std::string_view>> choices) {
  std::string known;
  for (const auto& [word, stands_for] : choices) {
    known += (known.empty() ? "" : ", ") + std::string(word);
    if (word != text) continue;
    into = stands_for;
    return {};
  }
  return fail({.kind = ErrorKind::usage, .what = fmt::format("'{}' is none of {}", text, known)});
}

template <auto Member>
Status set(O& o, const std::string& /*value*/) {
  o.*Member = true;
  return {};
}
template <auto Member>
Status text(O& o, const std::string& value) {
  o.*Member = value;
  return {};
}
template <auto Member, int Low, int High>
Status integer(O& o, const std::string& value) {
  o.*Member = TRY(whole(value, Low, High));
  return {};
}
template <auto Member>
Status real(O& o, const std::string& value) {
  o.*Member = TRY(number(value, 0, 1e9));
  return {};
}
template <auto Member>
Status last(O& o, const std::string& value) {
  (o.*Member).back() = value;
  return {};
}

Status builder_setting(O& o, const std::string& value, const char* name, int high) {
  o.settings[name] = TRY(whole(value, 0, high));
  return {};
}

Status memory_pool(O& o, const std::string& spec) {
  static constexpr std::pair<std::string_view, std::string_view> kPools[] = {
      {"workspace", "WORKSPACE"},
      {"dlaSRAM", "DLA_MANAGED_SRAM"},
      {"dlaLocalDRAM", "DLA_LOCAL_DRAM"},
      {"dlaGlobalDRAM", "DLA_GLOBAL_DRAM"},
      {"tacticSharedMem", "TACTIC_SHARED_MEMORY"}};
  for (const std::string& part : parts(spec)) {
    const size_t colon = part.find(':');
    const std::string pool = part.substr(0, colon);
    const auto* known =
        std::ranges::find(kPools, pool, &std::pair<std::string_view, std::string_view>::first);
    if (known == std::end(kPools) || colon == std::string::npos) {
      return fail({.kind = ErrorKind::usage,
                   .what = fmt::format("'{}' is no pool and size: workspace:2G, dlaSRAM, "
                                       "dlaLocalDRAM, dlaGlobalDRAM, tacticSharedMem",
                                       part)});
    }
    o.memory_pools[std::string(known->second)] =
        TRY(parse_bytes(part.substr(colon + 1), "--memPoolSize"));
  }
  return {};
}

Status percentile(O& o, const std::string& value) {
  o.percentiles.clear();
  for (const std::string& part : parts(value)) o.percentiles.push_back(TRY(number(part, 0, 100)));
  return {};
}

Status one_stream(O& o, const std::string& value) {
  if (TRY(whole(value, 1, 1024)) == 1) return {};
  return fail({.kind = ErrorKind::usage,
               .what = "inferences are measured one after the other, in one stream; several "
                       "processes of tenon bench measure several"});
}

Status next_profile(O& o, const std::string& value) {
  const int index = TRY(whole(value, 0, 100));
  const size_t count = o.opt_shapes.size();
  if (static_cast<size_t>(index) == count) {
    for (auto* shapes : {&o.min_shapes, &o.opt_shapes, &o.max_shapes}) shapes->emplace_back();
  } else if (static_cast<size_t>(index) + 1 != count) {
    return fail({.kind = ErrorKind::usage,
                 .what = fmt::format("profile {} comes after profile {}", index, count - 1)});
  }
  return {};
}

constexpr std::string_view kOldModels = "convert the model to ONNX, and give it as --onnx=FILE";
constexpr std::string_view kImplicit =
    "batches are a dimension of the shapes: --minShapes, --optShapes, --maxShapes, --shapes";
constexpr std::string_view kOwnTypes =
    "give a model whose types are what you want, or --fp16, --bf16, --int8";
constexpr std::string_view kDebug = "tenon check --against ENGINE compares the outputs";
constexpr std::string_view kOneProcess = "the engine is loaded once, by TensorRT's full runtime";
constexpr std::string_view kRtxTuning = "leave it out: the builder chooses by itself";

const TrtexecFlag kFlags[] = {
    // --- the model
    {"onnx", Value::one, FlagUse::taken, {}, text<&O::onnx>},
    {"model", Value::one, FlagUse::refused, kOldModels},
    {"deploy", Value::one, FlagUse::refused, kOldModels},
    {"uff", Value::one, FlagUse::refused, kOldModels},
    {"uffInput", Value::one, FlagUse::refused, kOldModels},
    {"uffNHWC", Value::none, FlagUse::refused, kOldModels},
    {"output", Value::one, FlagUse::refused, kOldModels},
    {"explicitBatch", Value::none, FlagUse::without_effect, "every batch is explicit"},
    {"batch", Value::one, FlagUse::refused, kImplicit},
    {"maxBatch", Value::one, FlagUse::refused, kImplicit},
    // --- shapes
    {"minShapes", Value::one, FlagUse::taken, {}, last<&O::min_shapes>},
    {"optShapes", Value::one, FlagUse::taken, {}, last<&O::opt_shapes>},
    {"maxShapes", Value::one, FlagUse::taken, {}, last<&O::max_shapes>},
    {"profile", Value::one, FlagUse::taken, {}, next_profile},
    {"minShapesCalib", Value::one, FlagUse::refused, "calibrate with tenon cast --precision int8"},
    {"optShapesCalib", Value::one, FlagUse::refused, "calibrate with tenon cast --precision int8"},
    {"maxShapesCalib", Value::one, FlagUse::refused, "calibrate with tenon cast --precision int8"},
    {"calibProfile", Value::one, FlagUse::refused, "calibrate with tenon cast --precision int8"},
    {"shapes", Value::one, FlagUse::taken, {}, text<&O::shapes>},
    // --- types
    {"fp16", Value::none, FlagUse::taken, {}, set<&O::fp16>},
    {"bf16", Value::none, FlagUse::taken, {}, set<&O::bf16>},
    {"int8", Value::none, FlagUse::taken, {}, set<&O::int8>},
    {"best", Value::none, FlagUse::taken, {}, set<&O::best>},
    {"fp8", Value::none, FlagUse::refused, kOwnTypes},
    {"int4", Value::none, FlagUse::refused, kOwnTypes},
    {"calib", Value::one, FlagUse::taken, {}, text<&O::calib>},
    {"stronglyTyped", Value::none, FlagUse::taken, {}, set<&O::strongly_typed>},
    {"noTF32",
     Value::none,
     FlagUse::taken,
     {},
     [](O& o, const std::string&) -> Status { return o.tf32 = false, Status(); }},
    {"strictTypes", Value::none, FlagUse::without_effect, "types are those of the model anyway"},
    {"explicitPrecision", Value::none, FlagUse::without_effect,
     "types are those of the model anyway"},
    {"precisionConstraints",
     Value::one,
     FlagUse::taken,
     {},
     [](O& o, const std::string& v) {
       return choice(o.precision_constraints, v,
                     {{"none", "none"}, {"obey", "obey"}, {"prefer", "prefer"}});
     }},
    {"layerPrecisions", Value::one, FlagUse::taken, {}, text<&O::layer_precisions>},
    {"layerOutputTypes", Value::one, FlagUse::taken, {}, text<&O::layer_output_types>},
    {"layerDeviceTypes", Value::one, FlagUse::refused,
     "--useDLACore=N --allowGPUFallback lets the builder place the layers"},
    {"inputIOFormats", Value::one, FlagUse::taken, {}, text<&O::input_formats>},
    {"outputIOFormats", Value::one, FlagUse::taken, {}, text<&O::output_formats>},
    {"directIO",
     Value::none,
     FlagUse::taken,
     {},
     [](O& o, const std::string&) -> Status {
       return o.builder_flags.emplace_back("DIRECT_IO"), Status();
     }},
    // --- the builder
    {"saveEngine", Value::one, FlagUse::taken, {}, text<&O::save_engine>},
    {"loadEngine", Value::one, FlagUse::taken, {}, text<&O::load_engine>},
    {"memPoolSize", Value::one, FlagUse::taken, {}, memory_pool},
    {"workspace",
     Value::one,
     FlagUse::taken,
     {},
     [](O& o, const std::string& v) { return memory_pool(o, "workspace:" + v); }},
    {"timingCacheFile", Value::one, FlagUse::taken, {}, text<&O::timing_cache>},
    {"noBuilderCache",
     Value::none,
     FlagUse::taken,
     {},
     [](O& o, const std::string&) -> Status {
       return o.builder_flags.emplace_back("DISABLE_TIMING_CACHE"), Status();
     }},
    {"errorOnTimingCacheMiss",
     Value::none,
     FlagUse::taken,
     {},
     [](O& o, const std::string&) -> Status {
       return o.builder_flags.emplace_back("ERROR_ON_TIMING_CACHE_MISS"), Status();
     }},
    {"noCompilationCache",
     Value::none,
     FlagUse::taken,
     {},
     [](O& o, const std::string&) -> Status {
       return o.builder_flags.emplace_back("DISABLE_COMPILATION_CACHE"), Status();
     }},
    {"builderOptimizationLevel",
     Value::one,
     FlagUse::taken,
     {},
     [](O& o, const std::string& v) {
       return builder_setting(o, v, "builder_optimization_level", 5);
     }},
    {"maxAuxStreams",
     Value::one,
     FlagUse::taken,
     {},
     [](O& o, const std::string& v) { return builder_setting(o, v, "max_aux_streams", 1000); }},
    {"maxTactics",
     Value::one,
     FlagUse::taken,
     {},
     [](O& o, const std::string& v) { return builder_setting(o, v, "max_num_tactics", 1000000); }},
    {"avgTiming",
     Value::one,
     FlagUse::taken,
     {},
     [](O& o, const std::string& v) {
       return builder_setting(o, v, "avg_timing_iterations", 1000);
     }},
    {"minTiming", Value::one, FlagUse::without_effect, "TensorRT has no such setting any more"},
    {"heuristic", Value::none, FlagUse::refused, "--builderOptimizationLevel=2 does what it did"},
    {"profilingVerbosity",
     Value::one,
     FlagUse::taken,
     {},
     [](O& o, const std::string& v) {
       return choice(o.profiling_verbosity, v,
                     {{"layer_names_only", "LAYER_NAMES_ONLY"},
                      {"detailed", "DETAILED"},
                      {"none", "NONE"},
                      {"default", "LAYER_NAMES_ONLY"},
                      {"verbose", "DETAILED"}});
     }},
    {"nvtxMode",
     Value::one,
     FlagUse::taken,
     {},
     [](O& o, const std::string& v) {
       return choice(o.profiling_verbosity, v,
                     {{"default", "LAYER_NAMES_ONLY"}, {"verbose", "DETAILED"}, {"none", "NONE"}});
     }},
    {"versionCompatible",
     Value::none,
     FlagUse::taken,
     {},
     [](O& o, const std::string&) -> Status {
       return o.builder_flags.emplace_back("VERSION_COMPATIBLE"), Status();
     }},
    {"vc",
     Value::none,
     FlagUse::taken,
     {},
     [](O& o, const std::string&) -> Status {
       return o.builder_flags.emplace_back("VERSION_COMPATIBLE"), Status();
     }},
    {"excludeLeanRuntime",
     Value::none,
     FlagUse::taken,
     {},
     [](O& o, const std::string&) -> Status {
       return o.builder_flags.emplace_back("EXCLUDE_LEAN_RUNTIME"), Status();
     }},
    {"refit",
     Value::none,
     FlagUse::taken,
     {},
     [](O& o, const std::string&) -> Status {
       return o.builder_flags.emplace_back("REFIT"), Status();
     }},
    {"stripWeights",
     Value::none,
     FlagUse::taken,
     {},
     [](O& o, const std::string&) -> Status {
       return o.builder_flags.emplace_back("STRIP_PLAN"), Status();
     }},
    {"weightless",
     Value::none,
     FlagUse::taken,
     {},
     [](O& o, const std::string&) -> Status {
       return o.builder_flags.emplace_back("STRIP_PLAN"), Status();
     }},
    {"stripAllWeights",
     Value::none,
     FlagUse::taken,
     {},
     [](O& o, const std::string&) -> Status {
       o.builder_flags.emplace_back("REFIT");
       return o.builder_flags.emplace_back("STRIP_PLAN"), Status();
     }},
    {"allowWeightStreaming",
     Value::none,
     FlagUse::taken,
     {},
     [](O& o, const std::string&) -> Status {
       return o.builder_flags.emplace_back("WEIGHT_STREAMING"), Status();
     }},
    {"sparsity",
     Value::one,
     FlagUse::taken,
     {},
     [](O& o, const std::string& v) -> Status {
       std::string wanted;
       TRY(choice(wanted, v, {{"disable", ""}, {"enable", "SPARSE_WEIGHTS"}}));
       if (!wanted.empty()) o.builder_flags.push_back(wanted);
       return {};
     }},
    {"monitorMemory",
     Value::none,
     FlagUse::taken,
     {},
     [](O& o, const std::string&) -> Status {
       return o.builder_flags.emplace_back("MONITOR_MEMORY"), Status();
     }},
    {"distributiveIndependence",
     Value::none,
     FlagUse::taken,
     {},
     [](O& o, const std::string&) -> Status {
       return o.builder_flags.emplace_back("DISTRIBUTIVE_INDEPENDENCE"), Status();
     }},
    {"safe", Value::none, FlagUse::refused, "TensorRT's safety builds need NVIDIA's own tools"},
    {"restricted", Value::none, FlagUse::refused,
     "TensorRT's safety builds need NVIDIA's own tools"},
    {"consistency", Value::none, FlagUse::refused,
     "TensorRT's safety builds need NVIDIA's own tools"},
    {"std", Value::none, FlagUse::refused, "TensorRT's safety builds need NVIDIA's own tools"},
    {"serialized", Value::one, FlagUse::refused,
     "TensorRT's safety builds need NVIDIA's own tools"},
    {"safetyPlugins", Value::one, FlagUse::refused,
     "TensorRT's safety builds need NVIDIA's own tools"},
    {"buildDLAStandalone", Value::none, FlagUse::refused,
     "--useDLACore=N builds for the GPU with DLA"},
    {"tacticSources", Value::one, FlagUse::refused, "--builderOptimizationLevel limits the search"},
    {"preview", Value::one, FlagUse::refused, "leave it out: previews differ between releases"},
    {"hardwareCompatibilityLevel", Value::one, FlagUse::refused,
     "--versionCompatible, or --computeCapabilities=8.0,8.6 with TensorRT-RTX"},
    {"runtimePlatform", Value::one, FlagUse::refused, "build on the platform itself"},
    {"tempdir", Value::one, FlagUse::refused, "set TMPDIR"},
    {"tempfileControls", Value::one, FlagUse::refused, "set TMPDIR"},
    {"tilingOptimizationLevel", Value::one, FlagUse::refused, kRtxTuning},
    {"l2LimitForTiling", Value::one, FlagUse::refused, kRtxTuning},
    {"remoteAutoTuningConfig", Value::one, FlagUse::refused, kRtxTuning},
    {"setBuildRoute", Value::one, FlagUse::refused, kRtxTuning},
    {"helpBuildRoute", Value::maybe, FlagUse::refused, kRtxTuning},
    {"tuneBuildRoutes", Value::maybe, FlagUse::refused, kRtxTuning},
    {"tuneBuildRouteFile", Value::one, FlagUse::refused, kRtxTuning},
    {"tuningCacheFile", Value::one, FlagUse::refused, kRtxTuning},
    {"tuningResultFile", Value::one, FlagUse::refused, kRtxTuning},
    {"tuningSearch", Value::one, FlagUse::refused, kRtxTuning},
    {"tuningTimeOut", Value::one, FlagUse::refused, kRtxTuning},
    {"decomposableAttentions", Value::maybe, FlagUse::refused, kRtxTuning},
    {"pluginInstanceNorm", Value::none, FlagUse::refused, "TensorRT's own operator is used"},
    {"pi", Value::none, FlagUse::refused, "TensorRT's own operator is used"},
    {"enablePluginOverride", Value::none, FlagUse::refused,
     "map the operator when converting the model"},
    {"saveAllEngines", Value::none, FlagUse::refused, "build them one by one"},
    {"dryRun", Value::none, FlagUse::refused, "tenon inspect FILE --target tensorrt"},
    {"cpuOnly", Value::none, FlagUse::without_effect, "TensorRT-RTX builds without a GPU anyway"},
    {"continue", Value::none, FlagUse::refused, kRtxTuning},
    // --- DLA
    {"useDLACore",
     Value::one,
     FlagUse::taken,
     {},
     [](O& o, const std::string& v) -> Status {
       return o.dla_core = TRY(whole(v, 0, 15)), Status();
     }},
    {"allowGPUFallback", Value::none, FlagUse::taken, {}, set<&O::gpu_fallback>},
    {"adjustForDLA", Value::none, FlagUse::refused,
     "tenon inspect FILE --target jetpack6.2 says what DLA takes"},
    {"reportCapabilityDLA", Value::none, FlagUse::refused,
     "tenon inspect FILE --target jetpack6.2 says what DLA takes"},
    {"uint8AsymmetricQuantizationDLA", Value::none, FlagUse::refused, "quantise symmetrically"},
    // --- plugins
    {"plugins",
     Value::one,
     FlagUse::taken,
     {},
     [](O& o, const std::string& v) -> Status { return o.plugins.push_back(v), Status(); }},
    {"staticPlugins",
     Value::one,
     FlagUse::taken,
     {},
     [](O& o, const std::string& v) -> Status { return o.plugins.push_back(v), Status(); }},
    {"dynamicPlugins",
     Value::one,
     FlagUse::taken,
     {},
     [](O& o, const std::string& v) -> Status { return o.plugins.push_back(v), Status(); }},
    {"setPluginsToSerialize", Value::one, FlagUse::refused,
     "ship the plugin library beside the engine"},
    {"ignoreParsedPluginLibs", Value::none, FlagUse::without_effect,
     "no libraries are taken from the model"},
    // --- inference
    {"loadInputs", Value::one, FlagUse::taken, {}, text<&O::load_inputs>},
    {"iterations", Value::one, FlagUse::taken, {}, integer<&O::iterations, 0, 100000000>},
    {"warmUp", Value::one, FlagUse::taken, {}, real<&O::warm_up_ms>},
    {"duration", Value::one, FlagUse::taken, {}, real<&O::duration_s>},
    {"sleepTime", Value::one, FlagUse::taken, {}, real<&O::sleep_ms>},
    {"idleTime", Value::one, FlagUse::taken, {}, real<&O::idle_ms>},
    {"infStreams", Value::one, FlagUse::taken, {}, one_stream},
    {"streams", Value::one, FlagUse::taken, {}, one_stream},
    {"useCudaGraph", Value::none, FlagUse::taken, {}, set<&O::cuda_graph>},
    {"noCudaGraph",
     Value::none,
     FlagUse::taken,
     {},
     [](O& o, const std::string&) -> Status { return o.cuda_graph = false, Status(); }},
    {"useSpinWait", Value::none, FlagUse::taken, {}, set<&O::spin_wait>},
    {"noSpinWait",
     Value::none,
     FlagUse::taken,
     {},
     [](O& o, const std::string&) -> Status { return o.spin_wait = false, Status(); }},
    {"noDataTransfers", Value::none, FlagUse::taken, {}, set<&O::no_transfers>},
    {"includeDataTransfers",
     Value::none,
     FlagUse::taken,
     {},
     [](O& o, const std::string&) -> Status { return o.no_transfers = false, Status(); }},
    {"exposeDMA", Value::none, FlagUse::without_effect,
     "transfers are timed apart from the computation"},
    {"threads", Value::none, FlagUse::without_effect, "one thread feeds all streams"},
    {"useManagedMemory", Value::none, FlagUse::refused,
     "leave it out: memory is allocated on the GPU"},
    {"useProfile", Value::one, FlagUse::taken, {}, integer<&O::profile_index, 0, 100>},
    {"skipInference", Value::none, FlagUse::taken, {}, set<&O::skip_inference>},
    {"buildOnly", Value::none, FlagUse::taken, {}, set<&O::skip_inference>},
    {"separateProfileRun", Value::none, FlagUse::taken, {}, set<&O::separate_profile>},
    {"persistentCacheRatio", Value::one, FlagUse::refused, "leave it out: TensorRT's default is 0"},
    {"allocationStrategy", Value::one, FlagUse::refused,
     "leave it out: memory is for the largest shapes"},
    {"timeDeserialize", Value::none, FlagUse::refused, "tenon bench ENGINE gives the time to load"},
    {"timeRefit", Value::none, FlagUse::refused, "build the engine again"},
    {"refitFromOnnx", Value::one, FlagUse::refused, "build the engine again"},
    {"dumpRefit", Value::none, FlagUse::refused, "build the engine again"},
    {"asyncFileReader", Value::none, FlagUse::without_effect, kOneProcess},
    {"useRuntime", Value::one, FlagUse::refused, kOneProcess},
    {"leanDLLPath", Value::one, FlagUse::refused, kOneProcess},
    {"getPlanVersionOnly", Value::none, FlagUse::refused, "tenon inspect ENGINE says the version"},
    {"weightStreamingBudget", Value::one, FlagUse::refused, "leave it out: TensorRT decides"},
    {"markDebug", Value::one, FlagUse::refused, kDebug},
    {"markUnfusedTensorsAsDebugTensors", Value::none, FlagUse::refused, kDebug},
    {"saveDebugTensors", Value::one, FlagUse::refused, kDebug},
    {"saveAllDebugTensors", Value::one, FlagUse::refused, kDebug},
    {"loadRefOutputs", Value::one, FlagUse::refused, kDebug},
    {"refPair", Value::one, FlagUse::refused, kDebug},
    {"accuracyAlgorithm", Value::one, FlagUse::refused, kDebug},
    {"accuracyThreshold", Value::one, FlagUse::refused, kDebug},
    {"atol", Value::one, FlagUse::refused, kDebug},
    {"rtol", Value::one, FlagUse::refused, kDebug},
    // --- reports
    {"verbose", Value::none, FlagUse::taken, {}, set<&O::verbose>},
    {"avgRuns", Value::one, FlagUse::taken, {}, integer<&O::average_runs, 1, 1000000>},
    {"percentile", Value::one, FlagUse::taken, {}, percentile},
    {"dumpProfile", Value::none, FlagUse::taken, {}, set<&O::dump_profile>},
    {"dumpLayerInfo", Value::none, FlagUse::taken, {}, set<&O::dump_layers>},
    {"dumpOutput", Value::none, FlagUse::taken, {}, set<&O::dump_output>},
    {"dumpRawBindingsToFile", Value::none, FlagUse::refused,
     "--exportOutput=FILE, or tenon run ENGINE -o OUT.npz"},
    {"dumpOptimizationProfile", Value::none, FlagUse::refused,
     "tenon inspect ENGINE prints the profiles"},
    {"dumpKernelText", Value::none, FlagUse::refused, "leave it out"},
    {"exportTimes", Value::one, FlagUse::taken, {}, text<&O::export_times>},
    {"exportOutput", Value::one, FlagUse::taken, {}, text<&O::export_output>},
    {"exportProfile", Value::one, FlagUse::taken, {}, text<&O::export_profile>},
    {"exportLayerInfo", Value::one, FlagUse::taken, {}, text<&O::export_layers>},
    // --- the machine
    {"device", Value::one, FlagUse::taken, {}, integer<&O::device, 0, 1023>},
    {"help", Value::none, FlagUse::taken, {}, set<&O::help>},
    // --- Tenon's own
    {"python", Value::one, FlagUse::taken, {}, text<&O::python>},
    {"computeCapabilities",
     Value::one,
     FlagUse::taken,
     {},
     [](O& o, const std::string& v) -> Status {
       return o.compute_capabilities = parts(v), Status();
     }},
};

const TrtexecFlag* find(std::string_view name) {
  const auto* found = std::ranges::find(kFlags, name, &TrtexecFlag::name);
  return found == std::end(kFlags) ? nullptr : found;
}

// Flags whose names begin alike, for one that does not exist.
std::string nearest(std::string_view name) {
  std::string_view best;
  size_t common = 2;
  for (const TrtexecFlag& flag : kFlags) {
    const auto end = std::ranges::mismatch(flag.name, name).in1;
    const size_t length = static_cast<size_t>(end - flag.name.begin());
    if (length > common) best = flag.name, common = length;
  }
  return best.empty() ? "see tenon trtexec --help" : fmt::format("did you mean --{}?", best);
}

Error wrong(const std::string& word, std::string why, std::string hint,
            ErrorKind kind = ErrorKind::usage) {
  return {.kind = kind,
          .what = fmt::format("{} cannot be taken", word),
          .why = std::move(why),
          .hint = std::move(hint)};
}

Status take(O& options, const std::string& word) {
  if (word == "-h") return set<&O::help>(options, "");
  if (word == "-v") return set<&O::verbose>(options, "");
  const size_t equals = word.find('=');
  const std::string name = word.starts_with("--") ? word.substr(2, equals - 2) : "";
  const TrtexecFlag* flag = find(name);
  if (flag == nullptr)
    return fail(wrong(word, "no release of trtexec has this flag", nearest(name)));
  if (flag->use == FlagUse::refused) {
    return fail(wrong("--" + name, "it is a flag of trtexec that Tenon does not support",
                      std::string(flag->note), ErrorKind::unsupported));
  }
  const bool has_value = equals != std::string::npos;
  if (flag->value == Value::one && !has_value)
    return fail(wrong(word, "its value is missing", fmt::format("write --{}=VALUE", name)));
  if (flag->value == Value::none && has_value)
    return fail(wrong(word, "it takes no value", fmt::format("write --{}", name)));
  if (flag->use == FlagUse::without_effect) {
    options.remarks.push_back(fmt::format("--{} changes nothing: {}", name, flag->note));
    return {};
  }
  auto taken = flag->take(options, has_value ? word.substr(equals + 1) : "");
  if (!taken) return fail(wrong(word, taken.error().what, "see tenon trtexec --help"));
  return {};
}

}  // namespace

std::span<const TrtexecFlag> trtexec_flags() { return kFlags; }

Result<TrtexecOptions> parse_trtexec(std::span<const std::string> words) {
  TrtexecOptions out;
  Error error{.kind = ErrorKind::usage,
              .what = "these flags are not what tenon trtexec takes",
              .why = "one or more of them cannot be taken",
              .hint = "tenon trtexec --help lists them"};
  for (const std::string& word : words) {
    if (auto taken = take(out, word); !taken) error.details.push_back(std::move(taken).error());
  }
  if (!error.details.empty()) return fail(std::move(error));
  return out;
}

}  // namespace tenon::cli
