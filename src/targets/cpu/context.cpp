#include "targets/cpu/context.h"

#include <chrono>
#include <cstring>
#include <new>

#include "targets/cpu/bind.h"
#include "targets/cpu/post_op.h"
#include "targets/cpu/threads.h"

namespace tenon::cpu {
namespace {

using Clock = std::chrono::steady_clock;

struct Bases {
  std::byte* arena;
  std::span<const Tensor> inputs, constants;
  std::span<Tensor> outputs;

  const std::byte* at(const Location& l) const {
    switch (l.place) {
      case Place::absent:
        return nullptr;
      case Place::arena:
        return arena + l.offset;
      case Place::input:
        return inputs[l.index].data();
      case Place::output:
        return outputs[l.index].data();
      case Place::constant:
        return constants[l.index].data();
    }
    return nullptr;
  }
};

void prepare_outputs(ContextState& context, const Specialisation& spec) {
  context.outputs.resize(spec.outputs.size());
  for (size_t i = 0; i < spec.outputs.size(); ++i) {
    Tensor& out = context.outputs[i];
    const auto& want = spec.outputs[i];
    if (out.dtype() == want.dtype && out.shape() == want.dims && out.storage().use_count() == 1)
      continue;
    out = Tensor::zeros(want.dtype, want.dims);
  }
}

}  // namespace

void ContextState::record(const ir::Node& node, std::string_view tactic, double ms) {
  auto [it, fresh] = times.try_emplace(&node);
  if (fresh) {
    order.push_back(&node);
    LayerInfo& layer = it->second.layer;
    layer.name = node.name;
    layer.op = node.op;
    for (const PostOp& op : decode(node.attributes.get<std::vector<float>>("post", {})))
      layer.op += "+" + std::string(name(op.kind));
    layer.tactic = tactic;
    const Where where = ir::where(node.origin);
    layer.module = where.module;
    layer.source = where.source;
  }
  it->second.total_ms += ms;
  ++it->second.runs;
}

Result<std::vector<Tensor>> run_fixed(ContextState& context, const ir::Bindings& bindings,
                                      std::span<const Tensor> inputs) {
  if (context.last == nullptr || context.last->bindings != bindings)
    context.last = TRY(specialisation(*context.engine, bindings));
  const Specialisation& spec = *context.last;
  if (context.arena == nullptr || context.arena_bytes < spec.arena) {
    context.arena = aligned_bytes(spec.arena);
    context.arena_bytes = spec.arena;
  }
  prepare_outputs(context, spec);
  context.in.resize(spec.most_operands);
  context.out.resize(spec.most_operands);
  const Bases bases{context.arena.get(), inputs, spec.constants, context.outputs};
  for (const Step& step : spec.steps) {
    const auto start = context.profiling ? Clock::now() : Clock::time_point();
    for (size_t i = 0; i < step.in.size(); ++i) context.in[i] = bases.at(step.in[i]);
    for (size_t i = 0; i < step.out.size(); ++i)
      context.out[i] = const_cast<std::byte*>(bases.at(step.out[i]));
    if (step.accumulate_bytes > 0)
      std::memcpy(context.out[0], bases.at(step.accumulate), step.accumulate_bytes);
    const Args args{{context.in.data(), step.in.size()},
                    {context.out.data(), step.out.size()},
                    const_cast<std::byte*>(bases.at(step.scratch))};
    if (auto ok = step.prepared.run(args); !ok)
      return fail(with_where(std::move(ok).error(), step.node->where()));
    if (context.profiling) {
      const std::chrono::duration<double, std::milli> took = Clock::now() - start;
      context.record(*step.node, step.tactic, took.count());
    }
  }
  for (size_t i = 0; i < spec.outputs.size(); ++i) {
    const Location& from = spec.outputs[i].copy_from;
    if (from.place == Place::absent) continue;
    std::memcpy(context.outputs[i].mutable_bytes().data(), bases.at(from),
                context.outputs[i].nbytes());
  }
  return context.outputs;
}

Context::Context(std::unique_ptr<ContextState> state) : state_(std::move(state)) {}
Context::Context(Context&&) noexcept = default;
Context& Context::operator=(Context&&) noexcept = default;
Context::~Context() = default;

Result<std::vector<Tensor>> Context::run(std::span<const Tensor> inputs) {
  try {
    const EngineState& engine = *state_->engine;
    const ir::Bindings bindings = TRY(bind_inputs(*engine.lowered.graph, inputs));
    const ThreadScope threads(engine.threads);
    return engine.fixed_memory ? run_fixed(*state_, bindings, inputs)
                               : run_dynamic(*state_, bindings, inputs);
  } catch (const std::bad_alloc&) {
    return fail({.kind = ErrorKind::resource,
                 .what = "there is not enough memory to run the model",
                 .why = "an allocation failed",
                 .hint = "give smaller inputs, or close other programs"});
  }
}

void Context::set_profiling(bool on) {
  state_->profiling = on;
  state_->times.clear();
  state_->order.clear();
}

std::vector<LayerInfo> Context::layers() const {
  std::vector<LayerInfo> out;
  for (const ir::Node* node : state_->order) {
    const auto& time = state_->times.at(node);
    out.push_back(time.layer);
    out.back().milliseconds = time.total_ms / static_cast<double>(time.runs);
  }
  return out;
}

size_t Context::memory() const { return state_->arena_bytes; }

}  // namespace tenon::cpu
