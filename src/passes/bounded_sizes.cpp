#include "passes/bounded_sizes.h"

#include <algorithm>

#include "passes/bounded_values.h"
#include "passes/bounded_walk.h"
#include "passes/rewrite.h"

namespace tenon::passes {
namespace {

using ir::Dim;
using ir::Shape;
using ir::Value;
using ops::Emit;

// More elements than this in one value are not a bound but the lack of one.
constexpr int64_t kMostElements = int64_t{1} << 31;

bool decided_by_data(const ir::Symbol& symbol) {
  const Value* source = symbol.source;
  if (source == nullptr) return false;
  const bool is_input = source->producer == nullptr && !source->is_constant();
  return !is_input || source->graph->parent() != nullptr;
}

}  // namespace

bool has_sizes_of_data(const ir::Graph& graph) {
  return std::ranges::any_of(graph.symbols, [](const ir::Symbol& s) { return decided_by_data(s); });
}

BoundedWalk::BoundedWalk(ir::Graph& root, const PassContext& context)
    : root_(root), context_(context) {
  for (const ir::Symbol& symbol : root.symbols) {
    if (passes::decided_by_data(symbol)) data_.insert(symbol.name);
  }
  note(root);
}

void BoundedWalk::note(const ir::Graph& graph) {
  const auto note_value = [&](const Value* value) {
    if (!value->shape()) return;
    if (std::ranges::any_of(*value->shape(), [&](const Dim& d) { return decided_by_data(d); }))
      was_.emplace(value, *value->shape());
  };
  for (const Value* input : graph.inputs()) note_value(input);
  for (const auto& node : graph.nodes()) {
    for (const Value* output : node->outputs()) note_value(output);
    for (const ir::Subgraph& sub : node->subgraphs) note(*sub.graph);
  }
}

bool BoundedWalk::decided_by_data(const Dim& dim) const {
  if (dim.is_constant() || data_.empty()) return false;
  std::map<std::string, int> names;
  dim.collect_symbols(names);
  return std::ranges::any_of(names, [&](const auto& one) { return data_.contains(one.first); });
}

const Shape* BoundedWalk::was(const Value* value) const {
  if (const auto found = was_.find(value); found != was_.end()) return &found->second;
  return value->shape() ? &*value->shape() : nullptr;
}

bool BoundedWalk::varies(const Value* value, size_t axis) const {
  const auto found = was_.find(value);
  return found != was_.end() && decided_by_data(found->second[axis]);
}

Result<int64_t> BoundedWalk::bound(const Dim& dim) const {
  const int64_t most = dim.bounds(root_.ranges()).max;
  if (most < kMostElements) return most;
  return fail({.kind = ErrorKind::unsupported,
               .what = fmt::format("nothing is known of how large {} can be", dim.str()),
               .why = "a size that the data decides needs a bound here",
               .hint = "limit it in the model, with a slice [:N] or torch.topk"});
}

Result<Shape> BoundedWalk::fixed(const Shape& shape) const {
  Shape out;
  int64_t elements = 1;
  for (const Dim& dim : shape) {
    out.push_back(decided_by_data(dim) ? Dim(TRY(bound(dim))) : dim);
    if (const auto size = out.back().constant(); size && *size > 0) {
      if (elements > kMostElements / *size)
        return fail(
            {.kind = ErrorKind::unsupported,
             .what = fmt::format("{} has too many elements at its bounds", to_string(shape)),
             .why = "a value is kept as large as it can be at most",
             .hint = "limit sizes in the model, with slices [:N] or torch.topk"});
      elements *= *size;
    }
  }
  return out;
}

Emit BoundedWalk::at(ir::Node& node) {
  builder_ = std::make_unique<ir::Builder>(builder_before(node, context_));
  return Emit{*builder_};
}

Status BoundedWalk::done() { return builder_ ? builder_->status() : Status{}; }

Value* BoundedWalk::count(const Emit& e, const Dim& dim) {
  // Nodes are visited in order: what was emitted in this graph or one around it comes before.
  const std::string key = dim.str();
  for (const ir::Graph* graph = &e.b.graph(); graph != nullptr; graph = graph->parent()) {
    if (const auto found = counts_.find({graph, key}); found != counts_.end()) return found->second;
  }
  Value* made = e.b.dim(dim);
  counts_[{&e.b.graph(), key}] = made;
  return made;
}

Value* BoundedWalk::counting_along(const Emit& e, const Dim& dim, size_t axis, size_t rank) {
  const auto most = bound(dim);
  if (!most) {
    e.b.fail(most.error());
    return e.b.scalar(1, DType::boolean);
  }
  Value* mask = counting(e, count(e, dim), *most);
  std::vector<int64_t> axes;
  for (size_t i = 0; i < rank; ++i) {
    if (i != axis) axes.push_back(static_cast<int64_t>(i));
  }
  return axes.empty() ? mask : e.op("Unsqueeze", {mask, e.b.ints(axes)});
}

Value* BoundedWalk::counting_elements(const Emit& e, const Value* value) {
  const auto found = was_.find(value);
  if (found == was_.end()) return nullptr;
  Value* all = nullptr;
  for (size_t axis = 0; axis < found->second.size(); ++axis) {
    if (!decided_by_data(found->second[axis])) continue;
    Value* one = counting_along(e, found->second[axis], axis, found->second.size());
    all = all ? e.op("And", {all, one}) : one;
  }
  return all;
}

Value* BoundedWalk::filled_along(const Emit& e, Value* value, size_t axis, double with) {
  if (!varies(value, axis)) return value;
  const Shape& shape = was_.at(value);
  Value* counts = counting_along(e, shape[axis], axis, shape.size());
  Value* out = e.where(counts, value, e.number(value, with));
  was_.emplace(out, shape);
  return out;
}

Value* BoundedWalk::filled(const Emit& e, Value* value, double with) {
  Value* counts = counting_elements(e, value);
  if (counts == nullptr) return value;
  Value* out = e.where(counts, value, e.number(value, with));
  was_.emplace(out, was_.at(value));
  return out;
}

Value* BoundedWalk::fit(const Emit& e, Value* value, size_t axis, int64_t from, int64_t to) {
  if (from == to) return value;
  const auto along = e.b.ints({static_cast<int64_t>(axis)});
  if (from > to) return e.op("Slice", {value, e.b.ints({0}), e.b.ints({to}), along});
  Shape sizes = *value->shape();
  sizes[axis] = Dim(to - from);
  Value* zeros = e.op("Expand", {e.number(value, 0), e.b.shape(sizes)});
  if (from == 0) return zeros;
  return e.b.emit_with("Concat", {{"axis", static_cast<int64_t>(axis)}}, {value, zeros});
}

Result<Value*> BoundedWalk::fit(const Emit& e, Value* value, const Shape& to) {
  if (!value->shape() || value->shape()->size() != to.size()) return value;
  for (size_t axis = 0; axis < to.size(); ++axis) {
    if (!decided_by_data(to[axis])) continue;
    const auto from = (*value->shape())[axis].constant();
    if (!from)
      return fail(
          {.kind = ErrorKind::unsupported,
           .what = "a size that the data decides meets one that an input decides",
           .why = fmt::format("{} becomes {}", (*value->shape())[axis].str(), to[axis].str()),
           .hint = "fix the size of the input"});
    value = fit(e, value, axis, *from, TRY(bound(to[axis])));
  }
  return value;
}

Status BoundedWalk::keep(ir::Node& node) {
  std::vector<ir::Type> before;
  for (Value* output : node.outputs()) {
    before.push_back(output->type);
    output->type = {};
  }
  TRY(ir::infer(node, context_.ops));
  for (size_t i = 0; i < before.size(); ++i) {
    const Value* output = node.output(i);
    if (!before[i].shape) continue;
    const Shape wanted = TRY(fixed(*before[i].shape));
    if (!output->shape() || *output->shape() != wanted)
      return refuse(node, fmt::format("it would give {} where {} is needed", output->type.str(),
                                      to_string(wanted)));
  }
  return {};
}

Status BoundedWalk::put(ir::Node& node, size_t output, Value* value) {
  TRY(done());
  Value* old = node.output(output);
  if (const auto shape = was_.find(old); shape != was_.end()) {
    const Shape wanted = TRY(fixed(shape->second));
    if (!value->shape() || *value->shape() != wanted)
      return refuse(node, fmt::format("it would give {} where {} is needed", value->type.str(),
                                      to_string(wanted)));
    was_.insert_or_assign(value, shape->second);
  }
  if (value->name.empty()) value->name = std::exchange(old->name, {});
  node.graph->replace_uses(old, value);
  for (ir::Symbol& symbol : root_.symbols) {
    if (symbol.source == old && symbol.axis < 0) symbol.source = value;
  }
  return {};
}

void BoundedWalk::define(const Value* value, size_t axis, Value* count) {
  for (ir::Symbol& symbol : root_.symbols) {
    if (symbol.source != value || symbol.axis != static_cast<int>(axis)) continue;
    symbol.source = count;
    symbol.axis = -1;
    count->contents = std::vector<Dim>{Dim::symbol(symbol.name)};
  }
}

void BoundedWalk::limit(const Value* value, size_t axis, int64_t most) {
  for (ir::Symbol& symbol : root_.symbols) {
    if (symbol.source == value && symbol.axis == static_cast<int>(axis))
      symbol.range.max = std::min(symbol.range.max, most);
  }
}

std::unexpected<Error> BoundedWalk::refuse(const ir::Node& node, std::string why) const {
  return fail(
      {.kind = ErrorKind::unsupported,
       .what = fmt::format("{} cannot be given sizes that do not depend on the data", node.op),
       .where = node.where(),
       .why = std::move(why),
       .hint = "give the model fixed sizes there, or name a release that has NonZero and its "
               "like"});
}

bool BoundedWalk::touches(const ir::Node& node) const {
  const auto varied = [&](const Value* value) { return value && varies(value); };
  if (std::ranges::any_of(node.inputs(), varied) || std::ranges::any_of(node.outputs(), varied))
    return true;
  return std::ranges::any_of(node.subgraphs, [&](const ir::Subgraph& sub) {
    return std::ranges::any_of(sub.graph->outputs(), varied) ||
           std::ranges::any_of(sub.graph->nodes(), [&](const auto& n) { return touches(*n); });
  });
}

Status BoundedWalk::visit(ir::Node& node) {
  if (!touches(node)) return {};
  if (node.is("If")) return branches(node);
  if (node.is("Loop")) return loop(node);
  const BoundedRule rule = bounded_rule(node);
  if (rule == nullptr) return refuse(node, "no form of it for a part of the rows is known");
  TRY(rule(*this, node));
  TRY(done());
  for (const ir::Symbol& symbol : root_.symbols) {
    if (symbol.source && symbol.source->producer == &node && symbol.axis >= 0 &&
        data_.contains(symbol.name))
      return refuse(node, fmt::format("how large {} is is not known before it runs", symbol.name));
  }
  return {};
}

Status BoundedWalk::run(ir::Graph& graph) {
  std::vector<ir::Node*> nodes;
  for (const auto& node : graph.nodes()) nodes.push_back(node.get());
  for (ir::Node* node : nodes) {
    if (auto ok = visit(*node); !ok) return fail(with_where(ok.error(), node->where()));
  }
  return {};
}

// The loops of a graph that are not in others are entered only where the condition holds. What a
// loop collects has another size where it is not entered, so that one is left as it is.
Status BoundedWalk::enter_only_if(ir::Graph& branch, bool then, Value* condition) {
  Value* holds = condition;
  for (const auto& node : branch.nodes()) {
    const size_t carried = node->inputs().size() < 2 ? 0 : node->inputs().size() - 2;
    if (!node->is("Loop") || node->outputs().size() > carried) continue;
    const Emit e = at(*node);
    if (!then && holds == condition) holds = e.op("Not", {condition});
    Value* enters = node->input(1) ? e.op("And", {node->input(1), holds}) : holds;
    TRY(done());
    while (node->inputs().size() < 2) branch.add_node_input(node.get(), nullptr);
    branch.set_input(node.get(), 1, enters);
  }
  return {};
}

// Both branches are computed, and the one that holds is taken: with fixed sizes that is always
// possible, and TensorRT's own conditionals do not bear all loops in them. Loops are what takes
// time, and those of the other branch are not entered.
Status BoundedWalk::branches(ir::Node& node) {
  std::vector<std::vector<Value*>> sides;
  for (const char* name : {"then_branch", "else_branch"}) {
    ir::Graph& branch = *node.subgraph(name);
    const bool then = sides.empty();
    TRY(run(branch));
    TRY(enter_only_if(branch, then, node.input(0)));
    const std::vector<Value*> results(branch.outputs().begin(), branch.outputs().end());
    const ValueMap map = copy_out(branch, node);
    for (const auto& [from, to] : map) {
      if (const Shape* shape = varies(from) ? was(from) : nullptr) was_.emplace(to, Shape(*shape));
    }
    std::vector<std::pair<std::string, Value*>> counts;
    for (const auto& [key, value] : counts_) {
      if (key.first != &branch) continue;
      const auto copied = map.find(value);
      counts.emplace_back(key.second, copied == map.end() ? value : copied->second);
    }
    for (auto& [key, value] : counts) counts_.try_emplace({node.graph, key}, value);
    std::vector<Value*>& side = sides.emplace_back();
    for (Value* result : results) {
      const auto copied = map.find(result);
      side.push_back(copied == map.end() ? result : copied->second);
    }
  }
  for (size_t i = 0; i < node.outputs().size(); ++i) {
    Value *output = node.output(i), *yes = sides[0][i], *no = sides[1][i];
    if (output->uses.empty()) continue;
    if (!output->type.is_tensor()) return refuse(node, "a value is no tensor");
    const Emit e = at(node);
    if (varies(output)) {
      const Shape shape = was_.at(output);
      for (size_t axis = 0; axis < shape.size(); ++axis)
        TRY(join(e, node, output, axis, was(yes), was(no)));
      yes = TRY(fit(e, yes, shape));
      no = TRY(fit(e, no, shape));
    }
    TRY(put(node, i, e.where(node.input(0), yes, no)));
  }
  return {};
}

// A size that one branch decides or the other.
Status BoundedWalk::join(const Emit& e, ir::Node& node, const Value* output, size_t axis,
                         const Shape* yes, const Shape* no) {
  const auto own = std::ranges::find_if(root_.symbols, [&](const ir::Symbol& s) {
    return s.source == output && s.axis == static_cast<int>(axis);
  });
  if (own == root_.symbols.end()) return {};
  if (yes == nullptr || no == nullptr)
    return refuse(node, "the rank of a branch's value is not known");
  const int64_t most = std::max(TRY(bound((*yes)[axis])), TRY(bound((*no)[axis])));
  own->range.max = std::min(own->range.max, most);
  const auto rows = [&](const Dim& dim) {
    const auto size = dim.constant();
    return size ? e.integer(*size) : count(e, dim);
  };
  define(output, axis, e.where(node.input(0), rows((*yes)[axis]), rows((*no)[axis])));
  return done();
}

// How often the body runs at most. Where data decides it, the loop goes on as long as the number is
// not reached, up to the bound.
Result<int64_t> BoundedWalk::trips(ir::Node& node, ir::Graph& body) {
  Value* limit = node.input(0);
  const auto& contents = limit ? limit->contents : std::nullopt;
  if (!contents || contents->size() != 1 || !decided_by_data(contents->front())) return -1;
  const int64_t most = std::max<int64_t>(TRY(bound(contents->front())), 0);
  const Emit e = at(node);
  Value* enters = e.op("Less", {e.integer(0), limit});
  if (node.input(1)) enters = e.op("And", {node.input(1), enters});
  TRY(done());
  node.graph->set_input(&node, 0, e.integer(most));
  while (node.inputs().size() < 2) node.graph->add_node_input(&node, nullptr);
  node.graph->set_input(&node, 1, enters);
  ir::Builder b(body, context_.ops);
  b.set_origin(node.origin);
  const Emit in{b};
  Value* more = in.op("Less", {in.op("Add", {body.inputs()[0], in.integer(1)}), limit});
  body.set_output(0, in.op("And", {body.outputs()[0], more}));
  TRY(b.status());
  return most;
}

// What a loop collects becomes a value that it carries, as long as it can get.
Status BoundedWalk::collect(ir::Node& node, ir::Graph& body, size_t carried, int64_t most) {
  const size_t outputs = node.outputs().size();
  for (size_t i = carried; i < outputs; ++i) {
    Value* one = body.outputs()[i + 1];
    limit(node.output(i), 0, most);
    if (!one->shape()) return refuse(node, "the rank of what it collects is not known");
    const auto size = constant_dims(*one->shape());
    if (!size) return refuse(node, "the size of what it collects is not fixed");
    const Emit e = at(node);
    std::vector<int64_t> sizes = *size;
    sizes.insert(sizes.begin(), most);
    Value* room = e.b.constant(Tensor::zeros(one->dtype(), sizes));
    node.graph->add_node_input(&node, room);
    Value* inside = body.add_input("collected", room->type);
    ir::Builder b(body, context_.ops);
    b.set_origin(node.origin);
    const Emit in{b};
    Value* here = in.equal(in.count_to(in.integer(most)), body.inputs()[0]);
    std::vector<int64_t> axes;
    for (size_t axis = 1; axis < sizes.size(); ++axis) axes.push_back(static_cast<int64_t>(axis));
    if (!axes.empty()) here = in.op("Unsqueeze", {here, b.ints(axes)});
    Value* all = in.where(here, in.unsqueeze(one, 0), inside);
    TRY(b.status());
    body.set_output(i + 1, all);
  }
  // How many there are is how often the body ran.
  node.graph->add_node_input(&node, at(node).integer(0));
  Value* before = body.add_input("ran", ir::Type::tensor(DType::i64, Shape{}));
  ir::Builder b(body, context_.ops);
  body.add_output(Emit{b}.op("Add", {before, Emit{b}.integer(1)}));
  TRY(b.status());
  node.graph->add_node_output(&node);
  Value* ran = node.output(node.outputs().size() - 1);
  ran->type = before->type;
  for (size_t i = carried; i < outputs; ++i) define(node.output(i), 0, ran);
  return {};
}

// A size of a carried value that has a name of its own although no turn changes it: it is that of
// the first value.
Status BoundedWalk::settle(ir::Node& node, const ir::Graph& body, size_t i) {
  const Value *inside = body.inputs()[i + 2], *made = body.outputs()[i + 1];
  const Shape shape = was_.at(inside);
  const Shape *first = was(node.input(i + 2)), *next = was(made);
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    const auto own = [&](const Value* value) {
      return std::ranges::find_if(root_.symbols, [&](const ir::Symbol& s) {
        return s.source == value && s.axis == static_cast<int>(axis);
      });
    };
    const auto symbol = own(inside);
    if (symbol == root_.symbols.end() && own(node.output(i)) == root_.symbols.end()) continue;
    if (first == nullptr || next == nullptr || !((*next)[axis] == shape[axis]))
      return refuse(node, fmt::format("value {} of what it carries changes its size", i));
    const int64_t most = TRY(bound((*first)[axis]));
    for (const Value* value : {inside, static_cast<const Value*>(node.output(i))}) {
      const auto named = own(value);
      if (named == root_.symbols.end()) continue;
      named->range.max = std::min(named->range.max, most);
      const Emit e = at(node);
      const auto size = (*first)[axis].constant();
      Value* rows = size ? e.integer(*size) : count(e, (*first)[axis]);
      // A size may have several names, and a value says one.
      define(value, axis, e.op("Identity", {rows}));
      TRY(done());
    }
  }
  return {};
}

Status BoundedWalk::loop(ir::Node& node) {
  ir::Graph* body = node.subgraph("body");
  const size_t carried = node.inputs().size() < 2 ? 0 : node.inputs().size() - 2;
  for (size_t i = 0; i < carried; ++i) {
    Value* inside = body->inputs()[i + 2];
    if (!varies(inside)) continue;
    TRY(settle(node, *body, i));
    const Shape shape = was_.at(inside);
    const Emit e = at(node);
    Value* first = TRY(fit(e, node.input(i + 2), shape));
    TRY(done());
    if (first != node.input(i + 2)) node.graph->set_input(&node, i + 2, first);
    inside->type.shape = TRY(fixed(shape));
  }
  TRY(run(*body));
  for (size_t i = 0; i < carried; ++i) {
    if (!varies(body->inputs()[i + 2])) continue;
    ir::Builder b(*body, context_.ops);
    Value* result = body->outputs()[i + 1];
    Value* fitted = TRY(fit(Emit{b}, result, was_.at(body->inputs()[i + 2])));
    TRY(b.status());
    if (fitted != result) body->set_output(i + 1, fitted);
  }
  int64_t most = TRY(trips(node, *body));
  bool collects = false;
  for (size_t i = carried; i < node.outputs().size(); ++i) collects |= varies(node.output(i), 0);
  if (collects) {
    const auto limit = ints(node.input(0));
    if (most < 0 && limit && limit->size() == 1) most = std::max<int64_t>((*limit)[0], 0);
    if (most < 0) return refuse(node, "how often it runs at most is not known");
    TRY(collect(node, *body, carried, most));
  }
  return keep(node);
}

namespace {

std::string free_name(const ir::Graph& graph, std::string name) {
  const auto taken = [&] {
    const auto named = [&](const Value* v) { return v->name == name; };
    return std::ranges::any_of(graph.outputs(), named) ||
           std::ranges::any_of(graph.inputs(), named);
  };
  while (taken()) name += "_";
  return name;
}

}  // namespace

Result<std::vector<BoundedOutput>> bound_sizes(ir::Graph& graph, const PassContext& context) {
  BoundedWalk walk(graph, context);
  TRY(walk.run(graph));
  std::vector<BoundedOutput> out;
  std::map<std::string, std::string> counts;  // names of outputs by their formula
  const std::vector<Value*> outputs(graph.outputs().begin(), graph.outputs().end());
  for (size_t i = 0; i < outputs.size(); ++i) {
    Value* value = outputs[i];
    if (!walk.varies(value)) continue;
    const Shape shape = *walk.was(value);
    ir::Builder b(graph, context.ops);
    const Emit e{b};
    const std::string name = std::exchange(value->name, {});
    // What does not count is zero, so that nobody takes it for a result.
    Value* clean = walk.filled(e, value, 0);
    TRY(b.status());
    clean->name = name;
    graph.set_output(i, clean);
    for (size_t axis = 0; axis < shape.size(); ++axis) {
      if (!walk.decided_by_data(shape[axis])) continue;
      const auto [known, added] = counts.try_emplace(shape[axis].str());
      if (added) {
        Value* rows = b.emit_named("Identity", {walk.count(e, shape[axis])});
        TRY(b.status());
        known->second = rows->name = free_name(graph, name + "_count");
        graph.add_output(rows);
      }
      out.push_back({.output = name,
                     .axis = static_cast<int64_t>(axis),
                     .bound = TRY(walk.bound(shape[axis])),
                     .count = known->second});
    }
  }
  TRY(ir::infer(graph, context.ops));
  graph.remove_dead();
  return out;
}

Status cut_to_counts(ir::Graph& graph, const std::vector<BoundedOutput>& outputs,
                     const PassContext& context) {
  const auto place_of = [&](const std::string& name) -> Result<size_t> {
    for (size_t i = 0; i < graph.outputs().size(); ++i) {
      if (graph.outputs()[i]->name == name) return i;
    }
    return fail({.kind = ErrorKind::internal, .what = fmt::format("no output is named {}", name)});
  };
  ir::Builder b(graph, context.ops);
  const Emit e{b};
  for (const BoundedOutput& one : outputs) {
    const size_t place = TRY(place_of(one.output)), count = TRY(place_of(one.count));
    Value* value = graph.outputs()[place];
    Value* cut = e.op(
        "Slice", {value, b.ints({0}), e.as_vector(graph.outputs()[count]), b.ints({one.axis})});
    cut->name = std::exchange(value->name, {});
    TRY(b.status());
    graph.set_output(place, cut);
  }
  for (const BoundedOutput& one : outputs) {
    if (const auto place = place_of(one.count)) graph.remove_output(*place);
  }
  return {};
}

}  // namespace tenon::passes
