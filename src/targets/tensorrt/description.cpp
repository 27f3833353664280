#include "targets/tensorrt/description.h"

#include <nlohmann/json.hpp>

#include "base/hash.h"
#include "base/mapped_file.h"
#include "targets/tensorrt/profile_json.h"

namespace tenon::tensorrt {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kFormat = 1;

Json bindings_json(const std::vector<Binding>& bindings) {
  Json out = Json::array();
  for (const Binding& binding : bindings) {
    out.push_back({{"name", binding.name},
                   {"dtype", std::string(name(binding.dtype))},
                   {"shape", binding.shape}});
  }
  return out;
}

std::vector<Binding> bindings_of(const Json& from) {
  std::vector<Binding> out;
  for (const Json& binding : from) {
    out.push_back({binding.at("name"), dtype_from_name(binding.at("dtype").get<std::string>()),
                   binding.at("shape").get<std::vector<std::string>>()});
  }
  return out;
}

std::vector<Profile> profiles_of(const Json& from) {
  std::vector<Profile> out;
  for (const Json& shapes : from) {
    Profile profile;
    for (const auto& [input, sizes] : shapes.items()) {
      profile.push_back({input, sizes.at("min").get<Dims>(), sizes.at("opt").get<Dims>(),
                         sizes.at("max").get<Dims>()});
    }
    out.push_back(std::move(profile));
  }
  return out;
}

Json padded_json(const std::vector<PaddedOutput>& padded) {
  Json out = Json::array();
  for (const PaddedOutput& one : padded)
    out.push_back({{"output", one.output}, {"axis", one.axis}, {"count", one.count}});
  return out;
}

Description description_of(const Json& from) {
  Description out;
  out.tenon = from.at("tenon");
  out.module = from.at("module");
  out.version = from.at("tensorrt");
  out.target = from.at("target");
  out.model = from.at("model");
  out.model_digest = from.at("model_digest");
  out.options = from.at("options");
  out.precision = from.at("precision");
  out.tf32 = from.at("tf32");
  out.opset = from.at("opset");
  out.inputs = bindings_of(from.at("inputs"));
  out.outputs = bindings_of(from.at("outputs"));
  for (const Json& one : from.at("padded"))
    out.padded.push_back({one.at("output"), one.at("axis"), one.at("count")});
  out.profiles = profiles_of(from.at("profiles"));
  out.compute_capabilities = from.at("compute_capabilities").get<std::vector<std::string>>();
  out.gpu = from.at("gpu");
  out.types = from.at("types");
  out.verification = from.at("verification");
  out.engine_bytes = from.at("engine").at("bytes");
  out.engine_hash = from.at("engine").at("hash");
  return out;
}

Error unfit(const std::string& file, std::string why) {
  return {.kind = ErrorKind::bad_file,
          .what = "this is no description of an engine",
          .where = {.file = file},
          .why = std::move(why),
          .hint = "build the engine again with tenon build"};
}

}  // namespace

std::string description_path(const std::string& engine) { return engine + ".json"; }

std::string Description::key() const {
  Hash hash;
  hash.add(model_digest);
  hash.add(options);
  hash.add(version);
  return hash.str();
}

std::string hash_of(std::span<const std::byte> bytes) {
  Hash hash;
  hash.add(bytes.data(), bytes.size());
  return hash.str();
}

std::string to_json(const Description& description) {
  const Json out = {
      {"format", kFormat},
      {"tenon", description.tenon},
      {"target", description.target},
      {"module", description.module},
      {"tensorrt", description.version},
      {"model", description.model},
      {"model_digest", description.model_digest},
      {"options", description.options},
      {"key", description.key()},
      {"precision", description.precision},
      {"tf32", description.tf32},
      {"opset", description.opset},
      {"inputs", bindings_json(description.inputs)},
      {"outputs", bindings_json(description.outputs)},
      {"padded", padded_json(description.padded)},
      {"profiles", profiles_json(description.profiles)},
      {"compute_capabilities", description.compute_capabilities},
      {"gpu", description.gpu},
      {"types", description.types},
      {"verification", description.verification},
      {"engine", {{"bytes", description.engine_bytes}, {"hash", description.engine_hash}}}};
  return out.dump(2) + "\n";
}

Result<Description> parse_description(std::string_view text, const std::string& file) {
  try {
    const Json json = Json::parse(text);
    if (json.at("format") != kFormat) return fail(unfit(file, "it has another format"));
    return description_of(json);
  } catch (const Json::exception& error) {
    return fail(unfit(file, error.what()));
  }
}

Result<Description> read_description(const std::string& engine) {
  const std::string path = description_path(engine);
  auto file = MappedFile::open(path);
  if (!file) {
    return fail({.kind = ErrorKind::bad_file,
                 .what = "the engine has no description",
                 .where = {.file = engine},
                 .why = "an engine says nothing of itself to anybody but the TensorRT that built "
                        "it, and " +
                        path + " cannot be read",
                 .hint = "keep the .json file beside the engine, or build it with tenon build"});
  }
  const auto bytes = file->bytes();
  Description out =
      TRY(parse_description({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path));
  const MappedFile content = TRY(MappedFile::open(engine));
  if (content.bytes().size() != out.engine_bytes || hash_of(content.bytes()) != out.engine_hash) {
    return fail({.kind = ErrorKind::bad_file,
                 .what = "the engine and its description do not belong together",
                 .where = {.file = engine},
                 .why = "the engine has changed since " + path + " was written",
                 .hint = "build the engine again with tenon build"});
  }
  return out;
}

}  // namespace tenon::tensorrt
