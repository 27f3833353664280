#include "targets/cpu/interpreter.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <new>

#include "ir/integers.h"
#include "targets/cpu/bind.h"
#include "targets/cpu/context.h"
#include "targets/cpu/reorder.h"
#include "targets/cpu/specialise.h"

namespace tenon::cpu {
namespace {

constexpr int64_t kMostIterations = 10'000'000;
constexpr size_t kMostKernels = 4096;

std::unexpected<Error> bad(const ir::Node& node, std::string why) {
  return fail({.kind = ErrorKind::usage,
               .what = fmt::format("{} cannot be computed", node.op),
               .where = node.where(),
               .why = std::move(why),
               .hint = "check the values and shapes of the inputs"});
}

}  // namespace

std::shared_ptr<std::byte> BufferPool::take(size_t bytes) {
  const size_t wanted = (bytes + 4095) / 4096 * 4096 + 64;
  std::byte* memory = nullptr;
  size_t capacity = wanted;
  {
    std::lock_guard lock(mutex_);
    auto it = free_.lower_bound(wanted);
    if (it != free_.end() && it->first <= 2 * wanted) {
      memory = it->second;
      capacity = it->first;
      kept_ -= capacity;
      free_.erase(it);
    }
  }
  if (memory == nullptr) {
    capacity = aligned(wanted);
    memory = static_cast<std::byte*>(std::aligned_alloc(64, capacity));
    if (memory == nullptr) throw std::bad_alloc();
  }
  return {memory, [pool = shared_from_this(), capacity](std::byte* p) { pool->give(p, capacity); }};
}

void BufferPool::give(std::byte* memory, size_t capacity) {
  std::lock_guard lock(mutex_);
  if (kept_ + capacity > kMostKept) {
    std::free(memory);
    return;
  }
  free_.emplace(capacity, memory);
  kept_ += capacity;
}

BufferPool::~BufferPool() {
  for (auto& [size, memory] : free_) std::free(memory);
}

Interpreter::Interpreter(ContextState& context, const EngineState& engine)
    : context_(context), engine_(engine) {
  prepare(*engine.lowered.graph);
  for (const ir::Symbol& symbol : engine.lowered.graph->symbols) {
    if (symbol.source == nullptr) continue;
    sources_.emplace(symbol.source, &symbol);
    if (symbol.source->graph != engine_.lowered.graph.get())
      bound_by_[symbol.source->graph].push_back(&symbol);
  }
}

// Notes after which node each value is no longer needed.
void Interpreter::prepare(const ir::Graph& graph) {
  std::unordered_map<const ir::Node*, size_t> order;
  for (const auto& node : graph.nodes()) {
    order.emplace(node.get(), order.size());
    for (const ir::Subgraph& sub : node->subgraphs) {
      owners_[sub.graph.get()] = node.get();
      prepare(*sub.graph);
    }
  }
  auto watch = [&](const ir::Value* value, const ir::Node* last) {
    for (const ir::Use& use : value->uses) {
      const ir::Node* user = use.node;
      while (user->graph != &graph) {
        auto owner = owners_.find(user->graph);
        if (owner == owners_.end()) return;
        user = owner->second;
      }
      if (user == graph.result()) return;
      if (last == nullptr || order[user] > order[last]) last = user;
    }
    if (last != nullptr) last_uses_[last].push_back(value);
  };
  for (const ir::Value* input : graph.inputs()) watch(input, nullptr);
  for (const auto& node : graph.nodes()) {
    for (const ir::Value* output : node->outputs()) watch(output, node.get());
  }
}

Result<std::vector<Tensor>> Interpreter::run(const ir::Bindings& bindings,
                                             std::span<const Tensor> inputs) {
  bindings_ = bindings;
  values_.clear();
  TRY(check_guards(*engine_.lowered.graph, bindings_));
  std::vector<Held> held;
  for (const Tensor& input : inputs) held.push_back({input});
  std::vector<Tensor> out;
  for (Held& result : TRY(run(*engine_.lowered.graph, std::move(held)))) {
    if (result.sequence) {
      return fail({.kind = ErrorKind::unsupported,
                   .what = "an output is a sequence of tensors",
                   .why = "the engine's outputs are tensors",
                   .hint = "let the model return its tensors one by one"});
    }
    out.push_back(std::move(result.tensor));
  }
  values_.clear();
  return out;
}

Result<std::vector<Held>> Interpreter::run(const ir::Graph& graph, std::vector<Held> inputs) {
  if (inputs.size() != graph.inputs().size()) {
    return fail({.kind = ErrorKind::internal,
                 .what = "a subgraph cannot be run",
                 .why = fmt::format("it takes {} inputs and was given {}", graph.inputs().size(),
                                    inputs.size())});
  }
  // Sizes that the iteration before bound are not this one's.
  if (auto it = bound_by_.find(&graph); it != bound_by_.end()) {
    for (const ir::Symbol* symbol : it->second) bindings_.erase(symbol->name);
  }
  for (size_t i = 0; i < inputs.size(); ++i) set(graph.inputs()[i], std::move(inputs[i]));
  for (const auto& node : graph.nodes()) {
    const auto start = std::chrono::steady_clock::now();
    if (auto ok = run(*node); !ok) return fail(with_where(std::move(ok).error(), node->where()));
    if (context_.profiling) {
      const std::chrono::duration<double, std::milli> took =
          std::chrono::steady_clock::now() - start;
      context_.record(*node, "", took.count());
    }
    if (auto it = last_uses_.find(node.get()); it != last_uses_.end()) {
      for (const ir::Value* value : it->second) values_.erase(value);
    }
  }
  std::vector<Held> out;
  for (const ir::Value* output : graph.outputs()) out.push_back(TRY(plain(*TRY(get(output)))));
  return out;
}

Result<const Held*> Interpreter::get(const ir::Value* value) {
  if (auto it = values_.find(value); it != values_.end()) return &it->second;
  if (value->is_constant()) return &(values_[value] = Held{*value->constant});
  return fail({.kind = ErrorKind::internal,
               .what = "a value is used before it is computed",
               .why = fmt::format("value {}", value->id)});
}

void Interpreter::set(const ir::Value* value, Held held) {
  auto [begin, end] = sources_.equal_range(value);
  for (auto it = begin; it != end; ++it) {
    const ir::Symbol& symbol = *it->second;
    const Dims& shape = held.tensor.shape();
    if (symbol.axis >= 0 && static_cast<size_t>(symbol.axis) < shape.size()) {
      bindings_[symbol.name] = shape[static_cast<size_t>(symbol.axis)];
    } else if (symbol.axis < 0) {
      if (auto v = ir::integers(held.tensor); v && v->size() == 1)
        bindings_[symbol.name] = v->front();
    }
  }
  values_[value] = std::move(held);
}

Status Interpreter::run(const ir::Node& node) {
  if (node.is("If")) return run_if(node);
  if (node.is("Loop")) return run_loop(node);
  if (TRY(run_fast(node))) return {};
  return run_reference(node);
}

Result<Held> Interpreter::plain(const Held& held) {
  if (held.block == 0) return held;
  const Dims& dims = held.tensor.shape();
  const Desc from{DType::f32, dims, held.block}, to{DType::f32, dims, 0};
  Held out{Tensor(DType::f32, dims, pool_->take(to.bytes()))};
  reorder(from, held.tensor.values<float>().data(), to, out.tensor.mutable_values<float>().data(),
          engine_.threads);
  return out;
}

Result<bool> Interpreter::run_fast(const ir::Node& node) {
  std::vector<Operand> inputs;
  std::vector<const std::byte*> in;
  for (const ir::Value* value : node.inputs()) {
    Operand operand;
    if (value != nullptr) {
      const Held* held = TRY(get(value));
      if (held->sequence) return false;
      operand.desc = {held->tensor.dtype(), held->tensor.shape(), held->block};
      operand.constant = value->is_constant() ? &*value->constant : nullptr;
      operand.value = value;
      // Sizes as inferred have to hold, for those of the outputs rest on them.
      if (!value->shape()) return false;
      auto dims = evaluate(*value->shape(), bindings_);
      if (!dims || *dims != operand.desc.dims) return false;
      in.push_back(held->tensor.data());
    } else {
      in.push_back(nullptr);
    }
    inputs.push_back(operand);
  }
  std::vector<Desc> outputs;
  for (const ir::Value* value : node.outputs()) {
    if (!value->type.is_tensor() || !value->shape()) return false;
    auto dims = evaluate(*value->shape(), bindings_);
    if (!dims) return false;
    auto layout = engine_.lowered.layouts.find(value);
    outputs.push_back({value->dtype(), std::move(*dims),
                       layout == engine_.lowered.layouts.end() ? 0 : layout->second});
  }
  if (!inputs.empty() && node.outputs().size() == 1 && is_view(node, inputs[0].desc, outputs[0])) {
    const Held* from = TRY(get(node.input(0)));
    set(node.output(),
        {Tensor(outputs[0].dtype, outputs[0].dims, from->tensor.storage()), outputs[0].block});
    return true;
  }
  const Kernel* made = TRY(kernel(node, inputs, std::move(outputs)));
  if (!made->runs) return false;
  std::vector<std::shared_ptr<std::byte>> memory;
  std::vector<std::byte*> out;
  for (const Desc& desc : made->outputs) {
    memory.push_back(pool_->take(desc.bytes()));
    out.push_back(memory.back().get());
  }
  if (made->prepared.accumulate >= 0) {
    std::memcpy(out[0], in[static_cast<size_t>(made->prepared.accumulate)],
                made->outputs[0].bytes());
  }
  const auto scratch = pool_->take(made->prepared.scratch);
  TRY(made->prepared.run(Args{in, out, scratch.get()}));
  for (size_t i = 0; i < memory.size(); ++i) {
    const Desc& desc = made->outputs[i];
    set(node.output(i), {Tensor(desc.dtype, desc.dims, std::move(memory[i])), desc.block});
  }
  return true;
}

Result<const Interpreter::Kernel*> Interpreter::kernel(const ir::Node& node,
                                                       std::span<const Operand> inputs,
                                                       std::vector<Desc> outputs) {
  std::vector<Dims> sizes;
  for (const Operand& input : inputs) sizes.push_back(input.desc.dims);
  for (const Desc& output : outputs) sizes.push_back(output.dims);
  auto key = std::pair(&node, std::move(sizes));
  if (auto it = kernels_.find(key); it != kernels_.end()) return &it->second;
  if (kernels_.size() >= kMostKernels) kernels_.clear();
  Kernel made;
  made.outputs = std::move(outputs);
  MakeContext context{node, inputs, made.outputs, engine_.packs, engine_.threads};
  for (const KernelSpec* spec : candidates(engine_, node)) {
    auto prepared = spec->make(context);
    if (!prepared && prepared.error().kind == ErrorKind::unsupported) continue;
    made.prepared = TRY(std::move(prepared));
    made.runs = true;
    break;
  }
  if (!made.runs && node.domain == kDomain) {
    made.prepared = TRY(make_reference(engine_, context));
    made.runs = true;
  }
  return &kernels_.emplace(std::move(key), std::move(made)).first->second;
}

Status Interpreter::run_reference(const ir::Node& node) {
  const ir::RefKernel* kernel = engine_.tables.refs.find(node.domain, node.op);
  if (kernel == nullptr) {
    return fail({.kind = ErrorKind::unsupported,
                 .what = fmt::format("the CPU engine has no kernel for {}", node.op),
                 .where = node.where(),
                 .why = "no tactic takes these types and sizes, and there is no reference kernel",
                 .hint = "see `tenon inspect --target cpu` for everything it cannot take"});
  }
  std::vector<ir::RefValue> values(node.inputs().size());
  std::vector<const ir::RefValue*> pointers;
  std::vector<const Tensor*> tensors;
  for (size_t i = 0; i < values.size(); ++i) {
    const ir::Value* value = node.input(i);
    if (value != nullptr) {
      const Held* held = TRY(get(value));
      values[i] = {TRY(plain(*held)).tensor, held->sequence};
    }
    pointers.push_back(value ? &values[i] : nullptr);
    tensors.push_back(value ? &values[i].tensor : nullptr);
  }
  ir::RefContext context{.node = node, .inputs = tensors, .values = pointers};
  context.outputs.resize(node.outputs().size());
  TRY(kernel->run(context));
  for (size_t i = 0; i < context.outputs.size(); ++i) {
    Held held{std::move(context.outputs[i])};
    if (i == 0 && context.sequence) held.sequence = std::move(context.sequence);
    set(node.output(i), std::move(held));
  }
  return {};
}

Result<bool> Interpreter::condition(const ir::Node& node, const ir::Value* value) {
  const Held* held = TRY(get(value));
  if (held->tensor.dtype() != DType::boolean || held->tensor.count() != 1)
    return bad(node, "a condition is not one boolean");
  return held->tensor.bytes()[0] != std::byte{0};
}

Status Interpreter::run_if(const ir::Node& node) {
  const bool yes = TRY(condition(node, node.input(0)));
  const ir::Graph* branch = node.subgraph(yes ? "then_branch" : "else_branch");
  if (branch == nullptr) return bad(node, "a branch is missing");
  auto results = TRY(run(*branch, {}));
  if (results.size() != node.outputs().size()) return bad(node, "a branch gives other values");
  for (size_t i = 0; i < results.size(); ++i) set(node.output(i), std::move(results[i]));
  return {};
}

Status Interpreter::run_loop(const ir::Node& node) {
  const ir::Graph* body = node.subgraph("body");
  if (body == nullptr || node.inputs().size() < 2) return bad(node, "the body is missing");
  const size_t count = node.inputs().size() - 2;
  if (body->outputs().size() < count + 1 || body->outputs().size() - 1 != node.outputs().size())
    return bad(node, "the body gives another number of values");
  int64_t most = kMostIterations + 1;
  if (node.input(0) != nullptr) {
    const auto given = ir::integers(TRY(get(node.input(0)))->tensor);
    if (!given || given->size() != 1) return bad(node, "the trip count is not one integer");
    most = given->front();
  }
  bool go_on = node.input(1) == nullptr || TRY(condition(node, node.input(1)));
  std::vector<Held> carried;
  for (size_t i = 0; i < count; ++i) carried.push_back(TRY(plain(*TRY(get(node.input(i + 2))))));
  const size_t scans = node.outputs().size() - count;
  std::vector<std::vector<Tensor>> scanned(scans);
  for (int64_t i = 0; go_on && i < most; ++i) {
    if (i >= kMostIterations) return bad(node, "the loop does not end");
    std::vector<Held> inputs;
    inputs.push_back({Tensor::scalar_i64(i)});
    const uint8_t yes = 1;
    inputs.push_back({Tensor::of<uint8_t>(DType::boolean, {}, {&yes, 1})});
    std::move(carried.begin(), carried.end(), std::back_inserter(inputs));
    auto results = TRY(run(*body, std::move(inputs)));
    if (results[0].tensor.dtype() != DType::boolean || results[0].tensor.count() != 1)
      return bad(node, "a condition is not one boolean");
    go_on = results[0].tensor.bytes()[0] != std::byte{0};
    for (size_t c = 0; c < count; ++c) carried[c] = std::move(results[c + 1]);
    for (size_t s = 0; s < scans; ++s)
      scanned[s].push_back(std::move(results[1 + count + s].tensor));
  }
  for (size_t c = 0; c < count; ++c) set(node.output(c), std::move(carried[c]));
  for (size_t s = 0; s < scans; ++s) {
    const auto& parts = scanned[s];
    const ir::Type& type = node.output(count + s)->type;
    Dims dims{static_cast<int64_t>(parts.size())};
    if (parts.empty()) {  // nothing ran: 0 where the type leaves a size open
      for (size_t i = 1; type.shape && i < type.shape->size(); ++i)
        dims.push_back((*type.shape)[i].constant().value_or(0));
    } else {
      dims.insert(dims.end(), parts[0].shape().begin(), parts[0].shape().end());
    }
    Tensor out = Tensor::zeros(parts.empty() ? type.dtype : parts[0].dtype(), dims);
    size_t offset = 0;
    for (const Tensor& part : parts) {
      if (part.shape() != parts[0].shape() || part.dtype() != parts[0].dtype())
        return bad(node, "a scanned value changes its shape from one iteration to the next");
      std::memcpy(out.mutable_bytes().data() + offset, part.data(), part.nbytes());
      offset += part.nbytes();
    }
    set(node.output(count + s), {std::move(out)});
  }
  return {};
}

Result<std::vector<Tensor>> run_dynamic(ContextState& context, const ir::Bindings& bindings,
                                        std::span<const Tensor> inputs) {
  if (context.interpreter == nullptr)
    context.interpreter = std::make_shared<Interpreter>(context, *context.engine);
  return context.interpreter->run(bindings, inputs);
}

}  // namespace tenon::cpu
