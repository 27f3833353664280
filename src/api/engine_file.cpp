#include "api/engine_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "api/session.h"
#include "api/shapes.h"
#include "base/error.h"
#include "base/mapped_file.h"
#include "onnx/dim_text.h"
#include "targets/cpu/bind.h"

namespace tenon::api {
namespace {

using tensorrt::Description;
using tensorrt::Profile;
using tensorrt::ProfileShape;

const ProfileShape* shape_of(const Profile& profile, const std::string& input) {
  const auto found = std::ranges::find(profile, input, &ProfileShape::input);
  return found == profile.end() ? nullptr : &*found;
}

// The range of one axis over all profiles, best at the first's.
ir::Symbol symbol_of(const Description& about, const std::string& input, size_t axis,
                     std::string name) {
  ir::Symbol out{.name = std::move(name)};
  for (const Profile& profile : about.profiles) {
    const ProfileShape* shape = shape_of(profile, input);
    if (shape == nullptr || axis >= shape->min.size() || axis >= shape->max.size()) continue;
    const int64_t min = shape->min[axis], max = shape->max[axis];
    if (!out.opt) {
      out.range = {min, max};
      out.opt = axis < shape->opt.size() ? shape->opt[axis] : min;
    }
    out.range.min = std::min(out.range.min, min);
    out.range.max = std::max(out.range.max, max);
  }
  return out;
}

class Inputs {
 public:
  explicit Inputs(const Description& about) : about_(about) {}

  Result<std::unique_ptr<ir::Graph>> graph() {
    auto out = std::make_unique<ir::Graph>();
    std::vector<ir::Shape> shapes;
    for (const tensorrt::Binding& input : about_.inputs) {
      ir::Shape shape;
      for (const std::string& text : input.shape) shape.push_back(TRY(onnx::parse_dim(text)));
      for (size_t axis = 0; axis < shape.size(); ++axis) {
        if (const std::string name = shape[axis].symbol_name(); !name.empty())
          add(symbol_of(about_, input.name, axis, name));
      }
      shapes.push_back(std::move(shape));
    }
    for (size_t i = 0; i < shapes.size(); ++i) {
      const tensorrt::Binding& input = about_.inputs[i];
      for (size_t axis = 0; axis < shapes[i].size(); ++axis) {
        if (known(shapes[i][axis])) continue;
        // An expression over sizes that no input has by itself is a size of its own.
        const std::string name = fmt::format("{}_{}", onnx::symbol_name(input.name), axis);
        add(symbol_of(about_, input.name, axis, name));
        shapes[i][axis] = ir::Dim::symbol(name);
      }
      out->add_input(input.name, ir::Type::tensor(input.dtype, shapes[i]));
    }
    for (auto& [name, symbol] : symbols_) out->symbols.push_back(std::move(symbol));
    return out;
  }

 private:
  void add(ir::Symbol symbol) { symbols_.try_emplace(symbol.name, std::move(symbol)); }
  bool known(const ir::Dim& dim) const {
    std::map<std::string, int> counts;
    dim.collect_symbols(counts);
    return std::ranges::all_of(counts,
                               [&](const auto& entry) { return symbols_.contains(entry.first); });
  }

  const Description& about_;
  std::map<std::string, ir::Symbol> symbols_;
};

// The dimensions of the inputs that are out of a profile's range, in words.
std::vector<std::string> misfits(const Description& about, const Profile& profile,
                                 std::span<const Tensor> inputs) {
  std::vector<std::string> out;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const std::string& input = about.inputs[i].name;
    const ProfileShape* shape = shape_of(profile, input);
    if (shape == nullptr) continue;
    const Dims& sizes = inputs[i].shape();
    for (size_t axis = 0; axis < std::min(sizes.size(), shape->min.size()); ++axis) {
      if (sizes[axis] >= shape->min[axis] && sizes[axis] <= shape->max[axis]) continue;
      out.push_back(fmt::format("dimension {} of input {} is {}, out of {}..{}", axis, input,
                                sizes[axis], shape->min[axis], shape->max[axis]));
    }
  }
  return out;
}

bool best_at(const Description& about, const Profile& profile, std::span<const Tensor> inputs) {
  for (size_t i = 0; i < inputs.size(); ++i) {
    const ProfileShape* shape = shape_of(profile, about.inputs[i].name);
    if (shape != nullptr && shape->opt != inputs[i].shape()) return false;
  }
  return true;
}

// The shapes of every input: those of the profile, and of what it does not name the fixed ones.
Result<std::vector<InputSpec>> specs_of(const Description& about, const Profile& profile,
                                        Dims ProfileShape::* which) {
  std::vector<InputSpec> out;
  for (size_t i = 0; i < about.inputs.size(); ++i) {
    const tensorrt::Binding& input = about.inputs[i];
    Dims sizes;
    if (const ProfileShape* shape = shape_of(profile, input.name)) {
      sizes = shape->*which;
    } else {
      for (const std::string& text : input.shape)
        sizes.push_back(TRY(onnx::parse_dim(text)).constant().value_or(1));
    }
    // By position: the engine's inputs may have been given other names than the model's.
    InputSpec spec{.name = fmt::format("input_{}", i), .dims = {}, .dtype = input.dtype};
    for (const int64_t size : sizes)
      spec.dims.push_back({.symbol = {}, .size = size, .min = {}, .max = {}});
    out.push_back(std::move(spec));
  }
  return out;
}

}  // namespace

bool is_engine(const std::string& path) {
  const std::string extension = std::filesystem::path(path).extension().string();
  if (extension == ".tenon" || is_plan(path)) return false;
  if (extension == ".engine" || extension == ".plan" || extension == ".trt") return true;
  const std::string beside = tensorrt::description_path(path);
  std::error_code unknown;
  if (!std::filesystem::is_regular_file(beside, unknown)) return false;
  const auto file = MappedFile::open(beside);
  if (!file) return false;
  const auto bytes = file->bytes();
  return tensorrt::parse_description({reinterpret_cast<const char*>(bytes.data()), bytes.size()},
                                     beside)
      .has_value();
}

Result<EngineFile> open_engine(const std::string& path) {
  EngineFile out{.path = path, .about = {}, .inputs = {}};
  out.about = TRY(tensorrt::read_description(path));
  auto inputs = Inputs(out.about).graph();
  if (!inputs) {
    return fail(with_where(std::move(inputs).error(), {.file = tensorrt::description_path(path)}));
  }
  out.inputs = std::move(*inputs);
  return out;
}

Result<size_t> fitting_profile(const EngineFile& engine, std::span<const Tensor> inputs) {
  const Description& about = engine.about;
  std::optional<size_t> first;
  Error error{.kind = ErrorKind::usage,
              .what = "the engine is not built for these shapes",
              .where = {.file = engine.path},
              .why = {},
              .hint =
                  "give other shapes, or build the engine with --min-shapes and --max-shapes "
                  "that these are between"};
  for (size_t i = 0; i < about.profiles.size(); ++i) {
    const auto wrong = misfits(about, about.profiles[i], inputs);
    if (wrong.empty() && best_at(about, about.profiles[i], inputs)) return i;
    if (wrong.empty() && !first) first = i;
    const std::string of =
        about.profiles.size() > 1 ? fmt::format("profile {}: ", i) : std::string();
    if (!wrong.empty())
      error.why += fmt::format("{}{}{}", error.why.empty() ? "" : "; ", of, fmt::join(wrong, ", "));
  }
  if (!first && !error.why.empty()) return fail(std::move(error));
  // What one symbol stands for is the same size everywhere.
  if (auto bound = cpu::bind_inputs(*engine.inputs, inputs); !bound)
    return fail(with_where(std::move(bound).error(), {.file = engine.path}));
  return first.value_or(0);
}

Result<std::vector<InputSpec>> ranges_of(const Description& about) {
  std::vector<Profile> profiles = about.profiles;
  if (profiles.empty()) profiles.emplace_back();
  std::vector<ProfileSpecs> specs;
  for (const Profile& profile : profiles) {
    specs.push_back({TRY(specs_of(about, profile, &ProfileShape::min)),
                     TRY(specs_of(about, profile, &ProfileShape::opt)),
                     TRY(specs_of(about, profile, &ProfileShape::max))});
  }
  return hull_of_profiles(specs);
}

}  // namespace tenon::api
