// Branches that data decides: both sides are evaluated on snapshots of the state and merged into If
// (joins.cpp).
#include <fmt/format.h>

#include <algorithm>

#include "torch/control.h"

namespace tenon::torch {

using script::Stmt;

Result<Interpreter::Branch> Interpreter::try_branch(const std::vector<Stmt>& body, Call& call,
                                                    ir::Graph& graph, const Fact& fact) {
  const State state = m_.state;
  const Locals locals = call.locals;
  ir::Graph* outer = m_.builder.enter(graph);
  m_.facts.push_back(fact);
  auto flow = run(body, call);
  m_.facts.pop_back();
  m_.builder.enter(*outer);
  Branch out;
  out.graph = &graph;
  std::swap(out.state, m_.state);
  std::swap(out.locals, call.locals);
  m_.state = state;
  call.locals = locals;
  if (!flow) return std::unexpected(std::move(flow).error());
  out.flow = std::move(*flow);
  return out;
}

// Whether a branch on "n > 0" differs only in tensors that are empty where n is 0, and that both
// sides give: then the side for n > 0 gives the right elements, none, for n = 0 as well. Programs
// ask so before they reshape, which PyTorch refuses for what is empty.
bool Interpreter::only_for_something(const Branch& x, const Branch& y, const State& before,
                                     const Locals& locals) const {
  const Bool& c = x.condition;
  if (c.kind != Bool::Kind::relation || c.relation != ir::Guard::Relation::le || !c.lhs.is(1) ||
      c.rhs.bounds(m_.ranges()).min < 0)
    return false;
  for (const Branch* side : {&x, &y}) {
    for (uint32_t i = 0; i < before.storages.size(); ++i) {
      if (side->state.storages[i].version != before.storages[i].version) return false;
    }
    for (uint32_t i = 0; i < before.lists.size(); ++i) {
      if (!side->state.lists.same(i, before.lists)) return false;
    }
    for (uint32_t i = 0; i < before.dicts.size(); ++i) {
      if (!side->state.dicts.same(i, before.dicts)) return false;
    }
    for (uint32_t i = 0; i < before.objects.size(); ++i) {
      if (!side->state.objects.same(i, before.objects)) return false;
    }
  }
  auto empty = [&](const Value& v) {
    const TensorRef* t = v.get<TensorRef>();
    return t && std::any_of((*t)->sizes.begin(), (*t)->sizes.end(),
                            [&](const Dim& size) { return size == c.rhs; });
  };
  for (const auto& [name, a] : x.locals) {
    auto b = y.locals.find(name);
    if (b == y.locals.end()) {
      if (locals.contains(name)) return false;
      continue;  // it has no value on the other side: nobody reads it after
    }
    if (!same(a, b->second) && !(empty(a) && empty(b->second))) return false;
  }
  return true;
}

Result<Interpreter::Flow> Interpreter::dynamic_branch(const Stmt& stmt, Call& call,
                                                      const Bool& condition) {
  const std::string line = source_line(call, stmt.offset);
  const Mark mark = Mark::of(m_);
  ir::Graph& graph = m_.builder.graph();
  ir::Value* value = TRY(m_.bool_value(condition));
  TRY(m_.builder.status());
  ir::Node* node = graph.add_node("", "If", {}, {value}, 0, m_.builder.origin());
  ir::Graph& then_graph = *graph.add_subgraph(node, "then_branch");
  ir::Graph& else_graph = *graph.add_subgraph(node, "else_branch");

  raised_ = false;
  auto then_side = try_branch(stmt.body, call, then_graph, {condition, true});
  const bool then_raises = !then_side && raised_;
  raised_ = false;
  auto else_side = try_branch(stmt.orelse, call, else_graph, {condition, false});
  const bool else_raises = !else_side && raised_;
  raised_ = false;

  auto discard = [&] {
    (void)m_.builder.status();
    graph.erase(node);
    mark.restore(m_);
  };
  if (then_raises && else_raises) {
    raised_ = true;
    return std::unexpected(std::move(then_side).error());
  }
  if (then_raises || else_raises) {
    // What one side only checks becomes an assumption, and the other side goes on unconditionally.
    discard();
    m_.assume(condition, else_raises, fmt::format("the check at {}", line));
    return run(then_raises ? stmt.orelse : stmt.body, call);
  }
  auto specialise = [&](const Error& why) -> Result<Flow> {
    discard();
    if (condition.kind == Bool::Kind::relation && m_.mode() == Mode::automatic) {
      ir::Bindings opt;
      for (const ir::Symbol& s : graph.root().symbols) {
        if (s.opt) opt[s.name] = *s.opt;
      }
      const auto lhs = condition.lhs.evaluate(opt), rhs = condition.rhs.evaluate(opt);
      if (lhs && rhs) {
        const bool holds = condition.relation == ir::Guard::Relation::eq   ? *lhs == *rhs
                           : condition.relation == ir::Guard::Relation::ne ? *lhs != *rhs
                                                                           : *lhs <= *rhs;
        m_.assume(condition, holds,
                  fmt::format("the branch at {} was decided for the optimal shape", line));
        m_.notices.push_back({fmt::format("the branch at {} cannot be kept ({}); it is fixed to "
                                          "what the optimal shape decides",
                                          line, why.why),
                              ir::where(m_.builder.origin())});
        return run(holds ? stmt.body : stmt.orelse, call);
      }
    }
    return std::unexpected(why);
  };
  if (!then_side) return specialise(then_side.error());
  if (!else_side) return specialise(else_side.error());
  Branch &x = *then_side, &y = *else_side;
  x.line = y.line = line;
  x.condition = y.condition = condition;
  x.symbols = y.symbols = mark.symbols;
  if (x.flow.kind != y.flow.kind) {
    return specialise(m_.error(ErrorKind::unsupported,
                               "a branch that data decides leaves its block on one side only",
                               "at " + line, "let both sides run to the end of the if"));
  }
  if (x.flow.kind == Flow::Kind::normal && only_for_something(x, y, m_.state, call.locals)) {
    discard();
    m_.notices.push_back({fmt::format("the branch at {} tells apart whether there is anything; as "
                                      "both sides give empty tensors for nothing, only the side "
                                      "for something is kept",
                                      line),
                          ir::where(m_.builder.origin())});
    return run(stmt.body, call);
  }
  State merged = m_.state;
  Locals locals;
  auto merge = [&]() -> Status {
    TRY(join_state(x, y, node, m_.state, merged));
    for (const auto& [name, a] : x.locals) {
      auto b = y.locals.find(name);
      locals[name] =
          b == y.locals.end()
              ? Value(Poison{fmt::format("'{}' has a value only on one side of the branch at {}",
                                         name, line)})
              : TRY(join(a, b->second, x, y, node, merged));
    }
    if (x.flow.kind == Flow::Kind::returned)
      x.flow.value = TRY(join(x.flow.value, y.flow.value, x, y, node, merged));
    return m_.builder.status();
  };
  if (auto ok = merge(); !ok) return specialise(ok.error());
  // Nothing differs: the condition does not matter.
  if (node->outputs().empty()) {
    graph.erase(node);
    m_.builder.forget_others();
  }
  m_.state = std::move(merged);
  call.locals = std::move(locals);
  return x.flow;
}

}  // namespace tenon::torch
