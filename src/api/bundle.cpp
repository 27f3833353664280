#include "api/bundle.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "api/bundle_texts.h"
#include "api/inputs.h"
#include "archive/npy.h"
#include "base/atomic_folder.h"
#include "base/mapped_file.h"
#include "passes/compare.h"
#include "passes/narrow_constant.h"
#include "passes/passes.h"
#include "targets/tensorrt/profile_json.h"

namespace tenon::api {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kIndex = "bundle.json";

// The last value of each module that is computed in the main graph, as far as it is a tensor of
// floats: what comes out of the module, if only by what its last operator gives.
std::vector<Boundary> boundaries_of(const ir::Graph& written) {
  std::vector<Boundary> out;
  const std::set<const ir::Value*> outputs(written.outputs().begin(), written.outputs().end());
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
onnx::FileGraph with_boundaries(const ir::Graph& written, const std::vector<Boundary>& boundaries) {
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
          {"profiles", tensorrt::profiles_json(profiles)},
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

}  // namespace

Result<Bundle> write_bundle(const Loaded& loaded, const std::string& model_path,
                            const std::string& folder, const BundleOptions& options,
                            const Tables& tables) {
  const tensorrt::Release release = TRY(tensorrt::parse_release(options.target));
  AtomicFolder out = TRY(AtomicFolder::create(folder));
  const std::vector<tensorrt::Profile> profiles =
      TRY(profiles_for(options.profiles, *loaded.graph));
  auto prepared = prepare_for_tensorrt(*loaded.graph, release, options.precision, options.opset,
                                       options.dla_core.has_value(), tables);
  if (!prepared) return fail(with_where(std::move(prepared).error(), {.file = model_path}));
  // What the other machine's outputs are compared with has their form.
  const ir::Graph& reference = prepared->bounded_fp32 ? *prepared->bounded_fp32 : *loaded.graph;
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
                .outputs = output_names(reference),
                .boundaries = boundaries_of(*prepared->written.graph)};
  const onnx::WriteOptions writing{.opset = prepared->opset};
  TRY(onnx::write(prepared->written, out.file("model.onnx"), writing));
  TRY(onnx::write(with_boundaries(*prepared->written.graph, bundle.boundaries),
                  out.file(kBisectModel), writing));

  std::error_code error;
  fs::create_directories(out.file("samples"), error);
  const numerics::ToleranceOptions tolerances =
      tolerances_for(reference, tolerances_of(options.precision.type, options.tolerances));
  for (Sample& sample : TRY(make_samples(reference, options, tables))) {
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
  TRY(out.write(kIndex, index + "\n"));
  TRY(out.write("build.sh", build_script(bundle, words), true));
  TRY(out.write("verify.py", verify_script(), true));
  TRY(out.write("README.md", bundle_readme(bundle, words, release)));
  if (options.triton)
    TRY(out.write(
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

}  // namespace tenon::api
