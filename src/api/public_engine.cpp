#include "api/inputs.h"
#include "api/public_state.h"

namespace tenon {

Context::Context(std::unique_ptr<detail::ContextState> state) : state_(std::move(state)) {}
Context::Context(Context&&) noexcept = default;
Context& Context::operator=(Context&&) noexcept = default;
Context::~Context() = default;

Result<std::vector<Tensor>> Context::run(std::span<const Tensor> inputs) {
  return state_->context.run(inputs);
}

Result<std::vector<NamedTensor>> Context::run(const std::vector<NamedTensor>& inputs) {
  const ir::Graph& graph = state_->engine->engine.graph();
  const auto outputs = TRY(state_->context.run(TRY(api::match_inputs(graph, inputs, {}))));
  std::vector<NamedTensor> out;
  for (size_t i = 0; i < outputs.size(); ++i) out.push_back({graph.outputs()[i]->name, outputs[i]});
  return out;
}

Result<Engine> Engine::build(const Model& model, const EngineOptions& options) {
  const detail::ModelState& state = *model.state_;
  const auto graph = ir::clone(*state.loaded.graph);
  auto engine = TRY(api::compile(*graph,
                                 {.threads = options.threads,
                                  .time_tactics = options.time_tactics,
                                  .disabled = options.disabled},
                                 state.tables));
  return Engine(std::make_shared<detail::EngineState>(std::move(engine)));
}

Result<Engine> Engine::load(const std::string& plan, int threads) {
  const api::Tables tables = api::make_tables();
  return Engine(std::make_shared<detail::EngineState>(
      TRY(cpu::Engine::load(plan, tables.cpu, {.threads = threads}))));
}

Status Engine::save(const std::string& plan) const { return state_->engine.save(plan); }

std::vector<ValueInfo> Engine::inputs() const {
  return detail::describe(state_->engine.graph().inputs());
}
std::vector<ValueInfo> Engine::outputs() const {
  return detail::describe(state_->engine.graph().outputs());
}
int Engine::threads() const { return state_->engine.threads(); }

Context Engine::new_context() const {
  return Context(std::make_unique<detail::ContextState>(
      detail::ContextState{state_, state_->engine.new_context()}));
}

}  // namespace tenon
