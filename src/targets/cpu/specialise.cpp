#include "targets/cpu/specialise.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <unordered_map>
#include <unordered_set>

#include "targets/cpu/bind.h"
#include "targets/cpu/memory_plan.h"

namespace tenon::cpu {
namespace {

constexpr int64_t kMostFolded = 1 << 22;  // elements of a constant worked out for these sizes

struct Storage : Buffer {
  Place place = Place::arena;
  uint32_t index = 0;
};

Tensor tensor_of(const std::vector<int64_t>& values, DType dtype, const Dims& dims) {
  Tensor out = Tensor::zeros(dtype, dims);
  const size_t width = static_cast<size_t>(bits(dtype)) / 8;
  for (size_t i = 0; i < values.size(); ++i)
    std::memcpy(out.mutable_bytes().data() + i * width, &values[i], width);
  return out;
}

class Specialiser {
 public:
  Specialiser(const EngineState& state, const ir::Bindings& bindings, const Chooser& chooser)
      : state_(state), graph_(*state.lowered.graph), bindings_(bindings), chooser_(chooser) {}

  Result<std::shared_ptr<Specialisation>> build() {
    out_->bindings = bindings_;
    TRY(mark());
    TRY(place_inputs());
    for (const auto& node : graph_.nodes()) {
      if (needed_.contains(node.get())) TRY(with_context(*node, add(*node)));
    }
    TRY(place_outputs());
    share_memory();
    plan();
    return out_;
  }

 private:
  template <class T>
  static Result<T> with_context(const ir::Node& node, Result<T> result) {
    if (!result) return fail(with_where(std::move(result).error(), node.where()));
    return result;
  }

  // --- which values are known without a run, and which nodes have to run

  std::optional<Tensor> from_contents(const ir::Value& value) const {
    if (!value.contents || !value.type.is_tensor() || !value.shape()) return std::nullopt;
    if (!is_integral(value.dtype()) && value.dtype() != DType::boolean) return std::nullopt;
    if (bits(value.dtype()) < 8) return std::nullopt;
    std::vector<int64_t> values;
    for (const ir::Dim& dim : *value.contents) {
      auto v = dim.evaluate(bindings_);
      if (!v) return std::nullopt;
      values.push_back(*v);
    }
    auto dims = evaluate(*value.shape(), bindings_);
    if (!dims || element_count(*dims) != static_cast<int64_t>(values.size())) return std::nullopt;
    return tensor_of(values, value.dtype(), *dims);
  }

  Status mark() {
    // Forward: values whose inputs are all known can be worked out.
    std::unordered_set<const ir::Value*> knowable;
    auto is_known = [&](const ir::Value* v) {
      return v == nullptr || v->is_constant() || knowable.contains(v);
    };
    for (const auto& node : graph_.nodes()) {
      const ir::OpSpec* spec = state_.tables.ops.find(node->domain, node->op);
      const bool foldable = node->domain != kDomain && node->subgraphs.empty() &&
                            !(spec && spec->random) && !node->inputs().empty() &&
                            state_.tables.refs.find(node->domain, node->op) != nullptr &&
                            std::ranges::all_of(node->inputs(), is_known);
      for (const ir::Value* value : node->outputs()) {
        if (auto tensor = from_contents(*value)) {
          known_.emplace(value, std::move(*tensor));
          knowable.insert(value);
        } else if (foldable && value->shape()) {
          auto dims = evaluate(*value->shape(), bindings_);
          if (dims && element_count(*dims) <= kMostFolded) knowable.insert(value);
        }
      }
    }
    // Backward: what the outputs need.
    std::unordered_set<const ir::Value*> wanted;
    auto want = [&](const ir::Value* v) {
      if (v != nullptr && !v->is_constant() && !known_.contains(v)) wanted.insert(v);
    };
    for (const ir::Value* output : graph_.outputs()) want(output);
    std::vector<const ir::Node*> fold;
    for (auto it = graph_.nodes().rbegin(); it != graph_.nodes().rend(); ++it) {
      const ir::Node& node = **it;
      bool any = false, all_knowable = true;
      for (const ir::Value* v : node.outputs()) {
        if (!wanted.contains(v)) continue;
        any = true;
        all_knowable = all_knowable && knowable.contains(v);
      }
      if (!any) continue;
      if (all_knowable)
        fold.push_back(&node);
      else
        needed_.insert(&node);
      for (const ir::Value* v : node.inputs()) want(v);
    }
    for (auto it = fold.rbegin(); it != fold.rend(); ++it) TRY(work_out(**it));
    return {};
  }

  const Tensor* constant(const ir::Value* value) const {
    if (value->is_constant()) return &*value->constant;
    auto it = known_.find(value);
    return it == known_.end() ? nullptr : &it->second;
  }

  Status work_out(const ir::Node& node) {
    std::vector<const Tensor*> inputs;
    for (const ir::Value* v : node.inputs()) inputs.push_back(v ? constant(v) : nullptr);
    ir::RefContext context{node, inputs, std::vector<Tensor>(node.outputs().size())};
    TRY(state_.tables.refs.find(node.domain, node.op)->run(context));
    for (size_t i = 0; i < context.outputs.size(); ++i) {
      if (context.outputs[i].has_data())
        known_.emplace(node.output(i), std::move(context.outputs[i]));
    }
    return {};
  }

  // --- values in memory

  Result<Desc> desc(const ir::Value* value) {
    if (value == nullptr) return Desc{};
    auto it = descs_.find(value);
    if (it != descs_.end()) return it->second;
    if (const Tensor* t = constant(value)) {
      Desc out{t->dtype(), t->shape(), 0};
      descs_.emplace(value, out);
      return out;
    }
    if (!value->type.is_tensor() || !value->shape()) return Desc{};
    Desc out{value->dtype(), TRY(evaluate(*value->shape(), bindings_)), 0};
    auto layout = state_.lowered.layouts.find(value);
    if (layout != state_.lowered.layouts.end()) out.block = layout->second;
    descs_.emplace(value, out);
    return out;
  }

  Storage* storage(const ir::Value* value) const {
    auto it = storages_of_.find(value);
    return it == storages_of_.end() ? nullptr : find(it->second);
  }
  // After sharing, a storage may stand for another.
  Storage* find(Storage* s) const {
    for (auto it = shared_.find(s); it != shared_.end(); it = shared_.find(s)) s = it->second;
    return s;
  }

  Storage* make_storage(size_t bytes, int first) {
    storages_.push_back(std::make_unique<Storage>());
    Storage* s = storages_.back().get();
    s->bytes = bytes;
    s->first = s->last = first;
    return s;
  }

  Storage* constant_storage(const ir::Value* value, const Tensor& tensor) {
    Storage* s = make_storage(0, 0);
    s->place = Place::constant;
    s->index = static_cast<uint32_t>(out_->constants.size());
    out_->constants.push_back(tensor);
    storages_of_[value] = s;
    return s;
  }

  Status place_inputs() {
    for (size_t i = 0; i < graph_.inputs().size(); ++i) {
      Storage* s = make_storage(0, -1);
      s->place = Place::input;
      s->index = static_cast<uint32_t>(i);
      storages_of_[graph_.inputs()[i]] = s;
    }
    return {};
  }

  // --- steps

  Status add(const ir::Node& node) {
    std::vector<Operand> inputs;
    for (const ir::Value* value : node.inputs()) {
      Operand operand;
      if (value != nullptr) {
        operand.desc = TRY(desc(value));
        operand.constant = constant(value);
        operand.value = value;
      }
      inputs.push_back(operand);
    }
    std::vector<Desc> outputs;
    for (const ir::Value* value : node.outputs()) {
      const bool used = !value->uses.empty() || node.outputs().size() == 1;
      outputs.push_back(used ? TRY(desc(value)) : Desc{});
    }
    const int at = static_cast<int>(out_->steps.size());
    auto use = [&](const ir::Value* value) -> Storage* {
      Storage* s = storage(value);
      if (s == nullptr) {
        const Tensor* t = constant(value);
        if (t == nullptr) return nullptr;
        s = constant_storage(value, *t);
      }
      s->last = std::max(s->last, at);
      return s;
    };
    if (is_view(node, inputs.empty() ? Desc{} : inputs[0].desc, outputs[0])) {
      Storage* s = use(node.input(0));
      if (s != nullptr) {
        storages_of_[node.output()] = s;
        return {};
      }
    }
    MakeContext context{node, inputs, outputs, state_.packs, state_.threads};
    auto [spec, prepared] = TRY(chooser_(context));
    Work work;
    Step step;
    step.node = &node;
    step.tactic = spec ? spec->tactic : "reference";
    step.prepared = std::move(prepared);
    for (const ir::Value* value : node.inputs()) {
      Storage* s = value == nullptr ? nullptr : use(value);
      if (value != nullptr && s == nullptr) {
        return fail({.kind = ErrorKind::internal,
                     .what = "a value is used before it is computed",
                     .where = node.where()});
      }
      work.in.push_back(s);
    }
    for (size_t i = 0; i < outputs.size(); ++i) {
      Storage* s = nullptr;
      if (outputs[i].present()) {
        s = make_storage(outputs[i].bytes(), at);
        storages_of_[node.output(i)] = s;
      }
      work.out.push_back(s);
    }
    if (step.prepared.scratch > 0) work.scratch = make_storage(step.prepared.scratch, at);
    out_->steps.push_back(std::move(step));
    works_.push_back(std::move(work));
    return {};
  }

  Status place_outputs() {
    const int end = static_cast<int>(out_->steps.size());
    for (size_t i = 0; i < graph_.outputs().size(); ++i) {
      const ir::Value* value = graph_.outputs()[i];
      const Desc d = TRY(desc(value));
      Storage* s = storage(value);
      if (s == nullptr) s = constant_storage(value, *constant(value));
      s->last = end;
      out_->outputs.push_back({d.dtype, d.dims, {}});
      if (s->place == Place::arena && s->bytes == d.bytes()) {
        s->place = Place::output;
        s->index = static_cast<uint32_t>(i);
      }
    }
    return {};
  }

  // Outputs that may lie where an input lies, do so where nobody needs the input any more.
  void share_memory() {
    for (size_t at = 0; at < works_.size(); ++at) {
      Work& work = works_[at];
      Step& step = out_->steps[at];
      const int accumulate = step.prepared.accumulate;
      auto try_share = [&](size_t i) {
        Storage *in = find(work.in[i]), *out = find(work.out[0]);
        if (in == out || in->place == Place::input || in->place == Place::constant) return false;
        if (in->last != static_cast<int>(at) || in->bytes != out->bytes) return false;
        if (in->place == Place::output && out->place == Place::output) return false;
        for (size_t j = 0; j < work.in.size(); ++j) {
          const bool may =
              j == i || (accumulate < 0 && j < 32 && (step.prepared.in_place >> j & 1u) != 0);
          if (!may && work.in[j] != nullptr && find(work.in[j]) == in) return false;
        }
        if (in->place == Place::output) {
          out->place = Place::output;
          out->index = in->index;
        }
        out->first = std::min(in->first, out->first);
        out->last = std::max(in->last, out->last);
        shared_[in] = out;
        return true;
      };
      if (work.out.empty() || work.out[0] == nullptr) continue;
      if (accumulate >= 0) {
        if (!try_share(static_cast<size_t>(accumulate))) {
          work.copies = true;
          step.accumulate_bytes = work.out[0]->bytes;
        }
        continue;
      }
      for (size_t i = 0; i < work.in.size() && i < 32; ++i) {
        if ((step.prepared.in_place >> i & 1u) != 0 && work.in[i] != nullptr && try_share(i)) break;
      }
    }
  }

  Location locate(Storage* s) const {
    if (s == nullptr) return {};
    s = find(s);
    return {s->place, s->index, s->place == Place::arena ? s->offset : 0};
  }

  void plan() {
    std::vector<Buffer*> buffers;
    for (const auto& s : storages_) {
      if (s->place == Place::arena && !shared_.contains(s.get())) buffers.push_back(s.get());
    }
    out_->arena = plan_memory(std::move(buffers));
    for (size_t at = 0; at < works_.size(); ++at) {
      const Work& work = works_[at];
      Step& step = out_->steps[at];
      for (Storage* s : work.in) step.in.push_back(locate(s));
      for (Storage* s : work.out) step.out.push_back(locate(s));
      step.scratch = locate(work.scratch);
      if (work.copies) step.accumulate = step.in[static_cast<size_t>(step.prepared.accumulate)];
      out_->most_operands = std::max({out_->most_operands, step.in.size(), step.out.size()});
    }
    for (size_t i = 0; i < out_->outputs.size(); ++i) {
      const Location at = locate(storage(graph_.outputs()[i]));
      if (at.place != Place::output || at.index != i) out_->outputs[i].copy_from = at;
    }
  }

  struct Work {
    std::vector<Storage*> in, out;
    Storage* scratch = nullptr;
    bool copies = false;
  };

  const EngineState& state_;
  const ir::Graph& graph_;
  const ir::Bindings& bindings_;
  const Chooser& chooser_;
  std::shared_ptr<Specialisation> out_ = std::make_shared<Specialisation>();
  std::unordered_map<const ir::Value*, Tensor> known_;
  std::unordered_set<const ir::Node*> needed_;
  std::unordered_map<const ir::Value*, Desc> descs_;
  std::vector<std::unique_ptr<Storage>> storages_;
  std::unordered_map<const ir::Value*, Storage*> storages_of_;
  std::unordered_map<Storage*, Storage*> shared_;
  std::vector<Work> works_;
};

}  // namespace

bool is_view(const ir::Node& node, const Desc& in, const Desc& out) {
  if (in.dtype != out.dtype || !in.present() || in.count() != out.count()) return false;
  if (node.domain == kDomain && node.op == "Reorder") {
    const Desc& blocked = in.block > 0 ? in : out;
    if (blocked.dims.size() < 2 || blocked.block == 0) return in.block == out.block;
    const int64_t spatial = element_count(std::span(blocked.dims).subspan(2));
    return spatial == 1 && blocked.dims[1] % blocked.block == 0;
  }
  if (in.block != 0 || out.block != 0) return node.is("Identity") && in == out;
  return node.is("Reshape") || node.is("Flatten") || node.is("Squeeze") || node.is("Unsqueeze") ||
         node.is("Identity") || node.is("Cast");
}

Result<std::shared_ptr<Specialisation>> specialise(const EngineState& state,
                                                   const ir::Bindings& bindings,
                                                   const Chooser& chooser) {
  Specialiser specialiser(state, bindings, chooser);
  return specialiser.build();
}

}  // namespace tenon::cpu
