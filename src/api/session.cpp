#include "api/session.h"

#include <algorithm>

#include "passes/passes.h"
#include "plan/plan.h"
#include "targets/cpu/kernel.h"

namespace tenon::api {
namespace {

// Which of the names are passes', and which the engine's.
struct Disabled {
  std::vector<std::string> passes, engine;
};

Result<Disabled> sort_names(const std::vector<std::string>& names) {
  Disabled out;
  for (const std::string& name : names) {
    const bool pass = std::ranges::find(passes::all_passes(), name, &passes::Pass::name) !=
                      passes::all_passes().end();
    const bool engine = std::ranges::find(cpu::optimisations(), name) != cpu::optimisations().end();
    if (pass) out.passes.push_back(name);
    if (engine) out.engine.push_back(name);
    if (pass || engine) continue;
    return fail({.kind = ErrorKind::usage,
                 .what = fmt::format("there is no optimisation '{}' to switch off", name),
                 .why = "it is the name of no pass and of no step of the engine",
                 .hint = fmt::format("the names are {}", fmt::join(optimisation_names(), ", "))});
  }
  return out;
}

}  // namespace

std::vector<std::string> optimisation_names() {
  std::vector<std::string> out;
  for (const passes::Pass& pass : passes::all_passes()) out.emplace_back(pass.name);
  for (std::string_view name : cpu::optimisations()) out.emplace_back(name);
  return out;
}

Result<cpu::Engine> compile(ir::Graph& graph, const CompileOptions& options, const Tables& tables) {
  const Disabled disabled = TRY(sort_names(options.disabled));
  const passes::PassContext context{tables.ops, tables.refs};
  TRY(passes::optimise(graph, context, {.disabled = disabled.passes}));
  return cpu::Engine::compile(graph, tables.cpu,
                              {.threads = options.threads,
                               .time_tactics = options.time_tactics,
                               .disabled = disabled.engine,
                               .timing_cache = options.timing_cache,
                               .progress = options.progress});
}

bool is_plan(const std::string& path) {
  const auto file = MappedFile::open(path);
  return file && plan::is_plan(file->bytes());
}

Status check_cpu(const ir::Graph& graph, const Tables& tables) {
  std::map<std::string, std::pair<const ir::Node*, size_t>> missing;
  ir::for_each_node(graph, [&](const ir::Node& node) {
    if (node.is("If") || node.is("Loop")) return;
    if (tables.refs.find(node.domain, node.op) != nullptr) return;
    const auto has_kernel = [&](const cpu::KernelSpec* spec) {
      return spec->domain == node.domain && spec->op == node.op;
    };
    if (std::ranges::any_of(tables.cpu.kernels, has_kernel)) return;
    ++missing.try_emplace(node.op, &node, 0).first->second.second;
  });
  if (missing.empty()) return {};
  Error error{
      .kind = ErrorKind::unsupported,
      .what = fmt::format("the CPU engine lacks {} of the model's operators", missing.size()),
      .why = "it has no kernel for them",
      .hint = "write the model as ONNX and run it in another engine"};
  for (const auto& [op, found] : missing) {
    error.details.push_back({.kind = ErrorKind::unsupported,
                             .what = fmt::format("{} ({} times, first here)", op, found.second),
                             .where = found.first->where()});
  }
  return fail(std::move(error));
}

Result<Session> open_session(const std::string& path, const LoadOptions& reading,
                             const CompileOptions& compiling, const Tables& tables) {
  if (path.ends_with(".tenon") || is_plan(path)) {
    return Session{
        .is_plan = true,
        .engine = TRY(cpu::Engine::load(path, tables.cpu, {.threads = compiling.threads}))};
  }
  Loaded loaded = TRY(load_graph(path, reading, tables));
  auto engine = compile(*loaded.graph, compiling, tables);
  if (!engine) return fail(with_where(std::move(engine).error(), {.file = path}));
  return Session{
      .kind = loaded.kind, .notices = std::move(loaded.notices), .engine = std::move(*engine)};
}

}  // namespace tenon::api
