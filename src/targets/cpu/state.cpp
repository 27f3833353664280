#include "targets/cpu/state.h"

#include <fmt/format.h>

#include <cstring>

#include "targets/cpu/bind.h"
#include "targets/cpu/engine_kernels.h"
#include "targets/cpu/specialise.h"

namespace tenon::cpu {

std::vector<const KernelSpec*> candidates(const EngineState& state, const ir::Node& node) {
  std::vector<const KernelSpec*> out;
  auto consider = [&](const KernelSpec& spec) {
    if (spec.op != node.op || spec.domain != node.domain) return;
    if (spec.tactic.starts_with("winograd") && state.disabled.contains("winograd")) return;
    if (spec.supports == nullptr || spec.supports(node)) out.push_back(&spec);
  };
  for (const KernelSpec& spec : engine_kernels()) consider(spec);
  for (const KernelSpec* spec : state.tables.kernels) consider(*spec);
  auto chosen = state.tactics.find(node.name);
  if (chosen != state.tactics.end()) {
    std::stable_partition(out.begin(), out.end(),
                          [&](const KernelSpec* spec) { return spec->tactic == chosen->second; });
  }
  return out;
}

Result<Prepared> make_reference(const EngineState& state, MakeContext& context) {
  const ir::Node& node = context.node;
  const ir::RefKernel* kernel = state.tables.refs.find(node.domain, node.op);
  if (kernel == nullptr) {
    return fail({.kind = ErrorKind::unsupported,
                 .what = fmt::format("the CPU engine has no kernel for {}", node.op),
                 .where = node.where(),
                 .why = "no tactic takes these types and sizes, and there is no reference kernel",
                 .hint = "see `tenon inspect --target cpu` for everything it cannot take"});
  }
  std::vector<Desc> inputs, outputs(context.outputs.begin(), context.outputs.end());
  for (const Operand& operand : context.inputs) inputs.push_back(operand.desc);
  for (const auto& list : {inputs, outputs}) {
    for (const Desc& desc : list) {
      if (desc.block > 0) return context.refuse("the reference kernels are row-major");
    }
  }
  Prepared out;
  out.run = [kernel, &node, inputs, outputs](const Args& args) -> Status {
    std::vector<Tensor> tensors(inputs.size());
    std::vector<const Tensor*> pointers(inputs.size(), nullptr);
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (!inputs[i].present()) continue;
      tensors[i] = Tensor(inputs[i].dtype, inputs[i].dims,
                          std::shared_ptr<const std::byte>(args.in[i], [](const std::byte*) {}));
      pointers[i] = &tensors[i];
    }
    ir::RefContext context{node, pointers, std::vector<Tensor>(node.outputs().size())};
    TRY(kernel->run(context));
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (!outputs[i].present()) continue;
      const Tensor& made = context.outputs[i];
      if (made.dtype() != outputs[i].dtype || made.shape() != outputs[i].dims) {
        return fail(
            {.kind = ErrorKind::internal,
             .what = fmt::format("{} gave another shape than was inferred", node.op),
             .where = node.where(),
             .why = fmt::format("{} instead of {}", ir::to_string(ir::to_shape(made.shape())),
                                ir::to_string(ir::to_shape(outputs[i].dims)))});
      }
      std::memcpy(args.out[i], made.data(), made.nbytes());
    }
    return {};
  };
  return out;
}

Result<std::pair<const KernelSpec*, Prepared>> choose(const EngineState& state,
                                                      MakeContext& context) {
  for (const KernelSpec* spec : candidates(state, context.node)) {
    auto made = spec->make(context);
    if (made) return std::pair(spec, std::move(*made));
    if (made.error().kind != ErrorKind::unsupported) return fail(std::move(made).error());
  }
  return std::pair<const KernelSpec*, Prepared>(nullptr, TRY(make_reference(state, context)));
}

Result<std::shared_ptr<const Specialisation>> specialisation(const EngineState& state,
                                                             const ir::Bindings& bindings) {
  std::lock_guard lock(state.mutex);
  for (auto it = state.cache.begin(); it != state.cache.end(); ++it) {
    if (it->first != bindings) continue;
    state.cache.splice(state.cache.begin(), state.cache, it);
    return state.cache.front().second;
  }
  TRY(check_guards(*state.lowered.graph, bindings));
  std::shared_ptr<const Specialisation> made =
      TRY(specialise(state, bindings, [&](MakeContext& c) { return choose(state, c); }));
  state.cache.emplace_front(bindings, made);
  if (state.cache.size() > kMostSpecialisations) state.cache.pop_back();
  return made;
}

}  // namespace tenon::cpu
