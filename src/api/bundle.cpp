#include "api/bundle.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "api/bundle_texts.h"
#include "api/inputs.h"
#include "archive/npy.h"
#include "base/mapped_file.h"
#include "numerics/widen.h"
#include "onnx/reader.h"
#include "passes/compare.h"
#include "passes/narrow_constant.h"
#include "passes/passes.h"

namespace tenon::api {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kIndex = "bundle.json";
constexpr const char* kBisectModel = "model_bisect.onnx";

// A folder beside the one that is wanted, which takes its place when all is in it.
class NewFolder {
 public:
  static Result<NewFolder> beside(const std::string& path) {
    std::error_code error;
    const bool exists = fs::exists(path, error);
    if (exists && !(fs::is_directory(path, error) && fs::is_empty(path, error))) {
      return fail({.kind = ErrorKind::usage,
                   .what = "cannot write the bundle",
                   .where = {.file = path},
                   .why = "there is something of this name already",
                   .hint = "remove it, or name another folder"});
    }
    NewFolder out;
    out.path_ = path;
    while (out.path_.size() > 1 && out.path_.ends_with('/')) out.path_.pop_back();
    out.temporary_ = out.path_ + ".tmp-XXXXXX";
    if (::mkdtemp(out.temporary_.data()) == nullptr) {
      const std::string why = std::strerror(errno);
      out.temporary_.clear();
      return fail({.kind = ErrorKind::usage,
                   .what = "cannot write the bundle",
                   .where = {.file = path},
                   .why = why,
                   .hint = "choose a path that can be written"});
    }
    return out;
  }
  NewFolder(NewFolder&& other) noexcept
      : path_(std::move(other.path_)), temporary_(std::exchange(other.temporary_, {})) {}
  NewFolder& operator=(NewFolder&&) = delete;
  NewFolder(const NewFolder&) = delete;
  NewFolder& operator=(const NewFolder&) = delete;
  ~NewFolder() {
    std::error_code ignored;
    if (!temporary_.empty()) fs::remove_all(temporary_, ignored);
  }

  std::string file(const std::string& name) const { return temporary_ + "/" + name; }

  Status text(const std::string& name, std::string_view text, bool executable = false) const {
    const std::string path = file(name);
    std::error_code error;
    fs::create_directories(fs::path(path).parent_path(), error);
    AtomicFile out = TRY(AtomicFile::create(path));
    TRY(out.write(text));
    TRY(out.commit());
    if (executable) ::chmod(path.c_str(), 0755);
    return {};
  }

  Status commit() {
    ::chmod(temporary_.c_str(), 0755);
    std::error_code error;
    fs::rename(temporary_, path_, error);
    if (error) {
      return fail({.kind = ErrorKind::usage,
                   .what = "cannot move the bundle into place",
                   .where = {.file = path_},
                   .why = error.message(),
                   .hint = "choose another folder"});
    }
    temporary_.clear();
    return {};
  }

 private:
  NewFolder() = default;
  std::string path_, temporary_;
};

// The last value of each module that is computed in the main graph, as far as it is a tensor of
// floats: what comes out of the module, if only by what its last operator gives.
std::vector<Boundary> boundaries_of(const ir::Graph& written) {
  std::vector<Boundary> out;
  const std::set<const ir::Value*> outputs(written.outputs().begin(), written.outputs().end());
  std::string open;
  const auto close = [&](Boundary boundary) {
    const auto same = [&](const Boundary& other) { return other.module == boundary.module; };
    std::erase_if(out, same);  // a module that is entered again ends where it ends last
    out.push_back(std::move(boundary));
  };
  std::optional<Boundary> current;
  for (const auto& node : written.nodes()) {
    const std::string module = node->origin ? node->origin->module : "";
    if (current && current->module != module) {
      close(std::move(*current));
      current.reset();
    }
    const ir::Value* value = node->output(0);
    if (module.empty() || outputs.contains(value) || !value->type.is_tensor() ||
        !is_floating(value->dtype()))
      continue;
    current = Boundary{value->name, module, node->where().source, value->dtype()};
  }
  if (current) close(std::move(*current));
  return out;
}

// The graph with the boundaries as outputs behind its own.
Result<onnx::FileGraph> with_boundaries(const ir::Graph& written,
                                        const std::vector<Boundary>& boundaries) {
  onnx::FileGraph out{.graph = ir::clone(written)};
  std::map<std::string, ir::Value*> values;
  for (const auto& node : out.graph->nodes()) {
    for (ir::Value* value : node->outputs()) values.emplace(value->name, value);
  }
  for (const Boundary& boundary : boundaries) out.graph->add_output(values.at(boundary.tensor));
  return out;
}

struct Sample {
  std::string name;
  std::vector<NamedTensor> inputs, expected;
};

std::vector<NamedTensor> named(std::span<ir::Value* const> values, std::vector<Tensor> tensors) {
  std::vector<NamedTensor> out;
  for (size_t i = 0; i < values.size(); ++i)
    out.push_back({values[i]->name, std::move(tensors[i])});
  return out;
}

// Inputs in the types that the model for the other machine has, and the outputs of the fp32 model.
Result<std::vector<Sample>> make_samples(const ir::Graph& graph, const BundleOptions& options,
                                         const Tables& tables) {
  std::vector<Sample> out;
  const auto add = [&](std::string name, std::vector<Tensor> inputs) -> Status {
    Reference reference = TRY(reference_outputs(graph, inputs, {}, tables));
    out.push_back({std::move(name), named(graph.inputs(), std::move(inputs)),
                   named(graph.outputs(), std::move(reference.outputs))});
    return {};
  };
  for (const Sizes& sizes : sizes_to_verify(graph)) {
    std::string name = sizes.at.substr(0, sizes.at.find(' '));
    if (name == "its") name = "opt";
    TRY(add(std::move(name),
            TRY(random_inputs(graph, {.seed = options.seed, .sizes = sizes.bindings}))));
  }
  if (!options.inputs.empty())
    TRY(add("given", TRY(match_inputs(graph, options.inputs, "--inputs"))));
  return out;
}

// f32 inputs become what the typed model takes.
std::vector<NamedTensor> in_types_of(const ir::Graph& typed, std::vector<NamedTensor> inputs) {
  for (size_t i = 0; i < inputs.size(); ++i) {
    const DType wanted = typed.inputs()[i]->dtype();
    if (inputs[i].tensor.dtype() == DType::f32 && wanted != DType::f32)
      inputs[i].tensor = passes::narrowed(inputs[i].tensor, wanted);
  }
  return inputs;
}

Json boundaries_json(const std::vector<Boundary>& boundaries) {
  Json out = Json::array();
  for (const Boundary& b : boundaries)
    out.push_back({{"tensor", b.tensor},
                   {"module", b.module},
                   {"source", b.source},
                   {"dtype", std::string(name(b.dtype))}});
  return out;
}

Json types_json(std::span<ir::Value* const> values) {
  Json out = Json::array();
  for (const ir::Value* value : values)
    out.push_back({{"name", value->name}, {"dtype", std::string(name(value->dtype()))}});
  return out;
}

Json index_json(const Bundle& bundle, const ir::Graph& typed, const tensorrt::Release& release,
                const std::vector<tensorrt::Profile>& profiles, const std::string& digest) {
  Json shapes = Json::array();
  for (const tensorrt::Profile& profile : profiles) {
    Json one = Json::object();
    for (const tensorrt::ProfileShape& shape : profile)
      one[shape.input] = {{"min", shape.min}, {"opt", shape.opt}, {"max", shape.max}};
    shapes.push_back(std::move(one));
  }
  return {{"format", 1},
          {"tenon", TENON_VERSION},
          {"target", bundle.target},
          {"tensorrt", release.version.str()},
          {"family", release.family == tensorrt::Family::rtx ? "tensorrt-rtx" : "tensorrt"},
          {"model", bundle.model},
          {"model_digest", digest},
          {"precision", bundle.precision},
          {"opset", bundle.opset},
          {"samples", bundle.samples},
          {"outputs", bundle.outputs},
          {"inputs", types_json(typed.inputs())},
          {"typed_outputs", types_json(typed.outputs())},
          {"profiles", shapes},
          {"rtol", bundle.rtol},
          {"atol", bundle.atol},
          {"boundaries", boundaries_json(bundle.boundaries)}};
}

std::vector<std::string> kept_nodes(const TensorrtModel& model) {
  std::vector<std::string> out;
  if (model.reduced) {
    for (const passes::KeptNode& node : model.reduced->kept) out.push_back(node.name);
  }
  return out;
}

Error damaged(const std::string& file, std::string why) {
  return {.kind = ErrorKind::bad_file,
          .what = "this bundle cannot be read",
          .where = {.file = file},
          .why = std::move(why),
          .hint = "write it again with tenon build --bundle"};
}

const Tensor* find(const std::vector<NamedTensor>& tensors, const std::string& name) {
  const auto found = std::ranges::find(tensors, name, &NamedTensor::name);
  return found == tensors.end() ? nullptr : &found->tensor;
}

// The JSON text that verify.py puts into the archive as bytes.
std::string machine_of(const std::vector<NamedTensor>& results) {
  const Tensor* about = find(results, "about");
  if (about == nullptr || about->dtype() != DType::u8) return "";
  const auto bytes = about->bytes();
  const Json json = Json::parse(
      std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()), nullptr, false);
  if (json.is_discarded() || !json.is_object()) return "";
  return fmt::format("{} {}, {}", json.value("module", "TensorRT"), json.value("version", "?"),
                     json.value("gpu", "?"));
}

}  // namespace

Result<Bundle> write_bundle(const Loaded& loaded, const std::string& model_path,
                            const std::string& folder, const BundleOptions& options,
                            const Tables& tables) {
  const tensorrt::Release release = TRY(tensorrt::parse_release(options.target));
  NewFolder out = TRY(NewFolder::beside(folder));
  const std::vector<tensorrt::Profile> profiles =
      TRY(profiles_for(options.profiles, *loaded.graph));
  auto prepared = prepare_for_tensorrt(*loaded.graph, release, options.precision, options.opset,
                                       options.dla_core.has_value(), tables);
  if (!prepared) return fail(with_where(std::move(prepared).error(), {.file = model_path}));
  const tensorrt::TrtexecBuild command{.release = release,
                                       .profiles = profiles,
                                       .precision = options.precision.type,
                                       .tf32 = options.tf32,
                                       .fp32_nodes = kept_nodes(*prepared),
                                       .memory_pools = options.memory_pools,
                                       .dla_core = options.dla_core};
  const std::vector<std::string> words = TRY(tensorrt::trtexec_words(command));

  Bundle bundle{.target = tensorrt::name(release),
                .model = fs::path(model_path).filename().string(),
                .precision = std::string(precision_name(options.precision.type)),
                .opset = prepared->opset,
                .outputs = output_names(*loaded.graph),
                .boundaries = boundaries_of(*prepared->written.graph)};
  const onnx::WriteOptions writing{.opset = prepared->opset};
  TRY(onnx::write(prepared->written, out.file("model.onnx"), writing));
  TRY(onnx::write(TRY(with_boundaries(*prepared->written.graph, bundle.boundaries)),
                  out.file(kBisectModel), writing));

  std::error_code error;
  fs::create_directories(out.file("samples"), error);
  const numerics::ToleranceOptions tolerances =
      tolerances_for(*loaded.graph, tolerances_of(options.precision.type, options.tolerances));
  for (Sample& sample : TRY(make_samples(*loaded.graph, options, tables))) {
    const std::string path = out.file("samples/" + sample.name);
    TRY(archive::write_npz(path + ".inputs.npz",
                           in_types_of(*prepared->typed, std::move(sample.inputs))));
    TRY(archive::write_npz(path + ".expected.npz", sample.expected));
    bundle.samples.push_back(sample.name);
    for (size_t i = 0; i < sample.expected.size(); ++i) {
      const auto& [name, tensor] = sample.expected[i];
      const numerics::Tolerance limit = numerics::tolerance_of(tolerances, name, i, tensor.dtype());
      bundle.rtol[name] = limit.rtol;
      bundle.atol[name] = limit.atol;
    }
  }
  const std::string index = index_json(bundle, *prepared->typed, release, profiles,
                                       passes::digest(*prepared->written.graph))
                                .dump(2);
  TRY(out.text(kIndex, index + "\n"));
  TRY(out.text("build.sh", build_script(bundle, words), true));
  TRY(out.text("verify.py", verify_script(), true));
  TRY(out.text("README.md", bundle_readme(bundle, words, release)));
  if (options.triton)
    TRY(out.text(
        "triton/" + fs::path(bundle.model).stem().string() + "/config.pbtxt",
        triton_config(fs::path(bundle.model).stem().string(), *prepared->typed, profiles)));
  TRY(out.commit());
  return bundle;
}

bool is_bundle(const std::string& path) {
  std::error_code error;
  return fs::is_regular_file(fs::path(path) / kIndex, error);
}

Result<Bundle> read_bundle(const std::string& folder) {
  const std::string path = folder + "/" + kIndex;
  const MappedFile file = TRY(MappedFile::open(path));
  const auto bytes = file.bytes();
  try {
    const Json json =
        Json::parse(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
    if (json.at("format") != 1) return fail(damaged(path, "it has another format"));
    Bundle out{.target = json.at("target"),
               .model = json.at("model"),
               .precision = json.at("precision"),
               .opset = json.at("opset"),
               .samples = json.at("samples").get<std::vector<std::string>>(),
               .outputs = json.at("outputs").get<std::vector<std::string>>(),
               .boundaries = {},
               .rtol = json.at("rtol").get<std::map<std::string, double>>(),
               .atol = json.at("atol").get<std::map<std::string, double>>()};
    for (const Json& b : json.at("boundaries"))
      out.boundaries.push_back({b.at("tensor"), b.at("module"), b.at("source"),
                                dtype_from_name(b.at("dtype").get<std::string>())});
    // They name files within the folder, and nothing else.
    for (const std::string& sample : out.samples) {
      if (sample.find('/') != std::string::npos || sample.starts_with('.'))
        return fail(damaged(path, "a sample has the name of a path"));
    }
    return out;
  } catch (const Json::exception& error) {
    return fail(damaged(path, error.what()));
  }
}

namespace {

numerics::Tolerance tolerance_in(const Bundle& bundle, const std::string& output) {
  numerics::Tolerance out;
  if (const auto found = bundle.rtol.find(output); found != bundle.rtol.end())
    out.rtol = found->second;
  if (const auto found = bundle.atol.find(output); found != bundle.atol.end())
    out.atol = found->second;
  return out;
}

// Types may differ: f16 outputs of the other machine are compared with f32 ones.
OutputReport compared(const std::string& name, const Tensor& got, const Tensor& reference,
                      const numerics::Tolerance& tolerance) {
  return {name, numerics::compare(numerics::widened(got), numerics::widened(reference), tolerance),
          tolerance};
}

Result<StageReport> check_sample(const Bundle& bundle, const std::string& sample,
                                 const std::vector<NamedTensor>& expected,
                                 const std::vector<NamedTensor>& results,
                                 const std::string& results_path) {
  StageReport out{.stage = "sample " + sample, .reference = "recorded"};
  for (const auto& [name, reference] : expected) {
    const Tensor* got = find(results, sample + "/" + name);
    if (got == nullptr) {
      return fail({.kind = ErrorKind::bad_file,
                   .what = fmt::format("the results lack output {} of sample {}", name, sample),
                   .where = {.file = results_path},
                   .why = "the archive has no array of the name " + sample + "/" + name,
                   .hint = "run verify.py of this bundle on the other machine again"});
    }
    out.outputs.push_back(compared(name, *got, reference, tolerance_in(bundle, name)));
  }
  return out;
}

// The boundaries in the order in which they are computed, beside our own run of the same model.
Status bisect(const std::string& folder, const std::vector<NamedTensor>& results,
              const Tables& tables, BundleCheck& out) {
  const std::string prefix = "bisect/";
  if (std::ranges::none_of(results,
                           [&](const NamedTensor& t) { return t.name.starts_with(prefix); }))
    return {};
  out.bisected = true;
  const auto graph = TRY(onnx::read(folder + "/" + kBisectModel, {}, tables.ops, tables.onnx));
  const auto inputs =
      TRY(match_inputs(*graph, TRY(archive::read_npz(folder + "/samples/opt.inputs.npz")),
                       "samples/opt.inputs.npz"));
  const Reference reference = TRY(reference_outputs(*graph, inputs, {}, tables));
  const std::vector<std::string> names = output_names(*graph);
  for (const Boundary& boundary : out.bundle.boundaries) {
    const auto at = std::ranges::find(names, boundary.tensor);
    const Tensor* got = find(results, prefix + boundary.tensor);
    if (at == names.end() || got == nullptr) continue;
    const Tensor& wanted = reference.outputs[static_cast<size_t>(at - names.begin())];
    const DType type = precision_from_name(out.bundle.precision);
    const OutputReport report =
        compared(boundary.tensor, *got, wanted, numerics::default_tolerance(type));
    if (report.difference.verdict != numerics::Verdict::diverges) {
      out.last_good = boundary;
      continue;
    }
    out.first_bad = boundary;
    out.at_first_bad = report;
    return {};
  }
  return {};
}

}  // namespace

Result<BundleCheck> check_bundle(const std::string& folder, const std::string& results_path,
                                 const Tables& tables) {
  BundleCheck out{.bundle = TRY(read_bundle(folder))};
  const std::vector<NamedTensor> results = TRY(archive::read_npz(results_path));
  out.machine = machine_of(results);
  for (const std::string& sample : out.bundle.samples) {
    const auto expected = TRY(archive::read_npz(folder + "/samples/" + sample + ".expected.npz"));
    out.samples.push_back(TRY(check_sample(out.bundle, sample, expected, results, results_path)));
  }
  TRY(bisect(folder, results, tables, out));
  return out;
}

}  // namespace tenon::api
