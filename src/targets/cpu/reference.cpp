// The last tactic of every node: its reference kernel, in whatever layout its values lie.
#include <fmt/format.h>

#include <cstring>

#include "targets/cpu/expand.h"
#include "targets/cpu/pack_store.h"
#include "targets/cpu/reorder.h"
#include "targets/cpu/state.h"

namespace tenon::cpu {
namespace {

struct Reference {
  const ir::Node& node;
  const ir::RefKernels& refs;
  const ir::RefKernel* kernel;
  std::unique_ptr<ir::Graph> expanded;  // where the node is a lowered one
  std::vector<Desc> inputs, outputs;

  Result<std::vector<Tensor>> compute(const std::vector<const Tensor*>& tensors) const {
    if (expanded) {
      std::vector<Tensor> present;
      for (const Tensor* t : tensors) {
        if (t != nullptr) present.push_back(*t);
      }
      return ir::evaluate(*expanded, refs, present);
    }
    ir::RefContext context{.node = node, .inputs = tensors};
    context.outputs.resize(node.outputs().size());
    TRY(kernel->run(context));
    return std::move(context.outputs);
  }

  Status run(const Args& args) const {
    std::vector<Tensor> tensors(inputs.size());
    std::vector<const Tensor*> pointers(inputs.size(), nullptr);
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (!inputs[i].present()) continue;
      std::shared_ptr<const std::byte> bytes(args.in[i], [](const std::byte*) {});
      if (inputs[i].block > 0) {
        Desc plain = inputs[i];
        plain.block = 0;
        const auto copy = aligned_bytes(plain.bytes());
        reorder(inputs[i], reinterpret_cast<const float*>(args.in[i]), plain,
                reinterpret_cast<float*>(copy.get()), 1);
        bytes = copy;
      }
      tensors[i] = Tensor(inputs[i].dtype, inputs[i].dims, bytes);
      pointers[i] = &tensors[i];
    }
    const auto made = TRY(compute(pointers));
    for (size_t i = 0; i < outputs.size(); ++i) {
      const Desc& want = outputs[i];
      if (!want.present()) continue;
      if (made[i].dtype() != want.dtype || made[i].shape() != want.dims) {
        return fail(
            {.kind = ErrorKind::internal,
             .what = fmt::format("{} gave another shape than was inferred", node.op),
             .where = node.where(),
             .why = fmt::format("{} instead of {}", ir::to_string(ir::to_shape(made[i].shape())),
                                ir::to_string(ir::to_shape(want.dims))),
             .hint = "report it with the model"});
      }
      if (want.block > 0) {
        Desc plain = want;
        plain.block = 0;
        reorder(plain, made[i].values<float>().data(), want, reinterpret_cast<float*>(args.out[i]),
                1);
      } else if (made[i].nbytes() > 0) {
        std::memcpy(args.out[i], made[i].data(), made[i].nbytes());
      }
    }
    return {};
  }
};

}  // namespace

Result<Prepared> make_reference(const EngineState& state, MakeContext& context) {
  const ir::Node& node = context.node;
  const ir::RefKernel* kernel = state.tables.refs.find(node.domain, node.op);
  auto expanded = TRY(expand(node, context.inputs));
  if (expanded) TRY(ir::infer(*expanded, state.tables.ops));
  if (kernel == nullptr && expanded == nullptr) {
    return fail({.kind = ErrorKind::unsupported,
                 .what = fmt::format("the CPU engine has no kernel for {}", node.op),
                 .where = node.where(),
                 .why = "no tactic takes these types and sizes, and there is no reference kernel",
                 .hint = "see `tenon inspect --target cpu` for everything it cannot take"});
  }
  auto reference = std::make_shared<Reference>(
      Reference{node, state.tables.refs, kernel, std::move(expanded), {}, {}});
  for (const Operand& operand : context.inputs) reference->inputs.push_back(operand.desc);
  reference->outputs.assign(context.outputs.begin(), context.outputs.end());
  Prepared out;
  out.run = [reference](const Args& args) { return reference->run(args); };
  return out;
}

}  // namespace tenon::cpu
