// Higher-order operators of exported programs: branches and loops over subgraphs.
#include <fmt/format.h>

#include <algorithm>

#include "torch/exported_nodes.h"
#include "torch/views.h"

namespace tenon::torch {

using exported::Argument;
using AK = Argument::Kind;

namespace {

std::vector<Value> joined(std::vector<Value> a, const std::vector<Value>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

}  // namespace

// Runs a subgraph in place with these arguments.
Result<std::vector<Value>> ExportedNodes::inline_graph(const exported::Graph& graph,
                                                       const std::vector<Value>& arguments) {
  Env env;
  for (size_t i = 0; i < graph.inputs.size() && i < arguments.size(); ++i)
    env[graph.inputs[i].text] = arguments[i];
  for (const exported::Node& node : graph.nodes) TRY(run(node, env));
  std::vector<Value> out;
  for (const Argument& a : graph.outputs) out.push_back(TRY(convert(a, env)));
  return out;
}

Status ExportedNodes::higher_order(const exported::Node& node, Env& env) {
  const std::string op = node.target.substr(23);
  if (op == "with_effects") return with_effects(node, env);
  std::vector<const exported::Graph*> graphs;
  std::vector<Value> arguments;
  for (const exported::NamedArgument& a : node.inputs) {
    if (a.value.graph)
      graphs.push_back(a.value.graph.get());
    else if (graphs.size() > 0 || op == "cond")
      arguments.push_back(TRY(convert(a.value, env)));
  }
  if (op.starts_with("wrap_with") && !graphs.empty())
    return bind_several(node, TRY(inline_graph(*graphs[0], arguments)), env);
  if (op == "cond" && graphs.size() == 2) {
    // cond(predicate, true_graph, false_graph, operands): the operands may come as one list.
    const Value predicate = arguments[0];
    std::vector<Value> operands(arguments.begin() + 1, arguments.end());
    if (operands.size() == 1 && m_.items(operands[0])) operands = TRY(m_.iterate(operands[0]));
    return conditional(node, predicate, *graphs[0], *graphs[1], operands, env);
  }
  if (op == "while_loop" && graphs.size() == 2 && arguments.size() == 2)
    return bind_several(node,
                        TRY(loop(node, {.test = graphs[0],
                                        .body = graphs[1],
                                        .carried = TRY(m_.iterate(arguments[0])),
                                        .scanned = {},
                                        .shared = TRY(m_.iterate(arguments[1]))})),
                        env);
  if (op == "scan" && graphs.size() == 1 && arguments.size() == 3)
    return bind_several(node,
                        TRY(loop(node, {.test = nullptr,
                                        .body = graphs[0],
                                        .carried = TRY(m_.iterate(arguments[0])),
                                        .scanned = TRY(m_.iterate(arguments[1])),
                                        .shared = TRY(m_.iterate(arguments[2]))})),
                        env);
  if (op.starts_with("map") && graphs.size() == 1 && arguments.size() == 2)
    return bind_several(node,
                        TRY(loop(node, {.test = nullptr,
                                        .body = graphs[0],
                                        .carried = {},
                                        .scanned = TRY(m_.iterate(arguments[0])),
                                        .shared = TRY(m_.iterate(arguments[1]))})),
                        env);
  if (op == "associative_scan" && graphs.size() == 1 && !arguments.empty())
    return bind_several(node,
                        TRY(associative_scan(node, *graphs[0], TRY(m_.iterate(arguments[0])),
                                             arguments.size() > 1 ? TRY(m_.iterate(arguments[1]))
                                                                  : std::vector<Value>())),
                        env);
  const Value poison =
      m_.unsupported("unsupported operator " + node.target,
                     "Tenon converts cond, while_loop, scan, associative_scan and map",
                     "export the program without it");
  return bind_several(node, std::vector<Value>(std::max<size_t>(node.outputs.size(), 1), poison),
                      env);
}

// with_effects(token, operator, arguments): a call that the token keeps in its place. Nodes are
// run in the program's order here, so the token itself says nothing.
Status ExportedNodes::with_effects(const exported::Node& node, Env& env) {
  if (node.inputs.size() < 2 || node.outputs.empty() || !node.inputs[1].value.is(AK::operation))
    return fail_at(node, "a call with effects names no operator", node.target);
  exported::Node call = node;
  call.target = node.inputs[1].value.text;
  call.inputs.erase(call.inputs.begin(), call.inputs.begin() + 2);
  call.outputs.erase(call.outputs.begin());
  env[node.outputs[0].text] = Value();
  return run(call, env);
}

Result<ir::Value*> ExportedNodes::tested(const LoopParts& parts,
                                         const std::vector<Value>& carried) {
  const auto verdict = TRY(inline_graph(*parts.test, joined(carried, parts.shared)));
  if (verdict.size() != 1) return m_.fail(ErrorKind::bad_file, "a loop's test is damaged", "");
  return m_.bool_value(TRY(m_.to_bool(verdict[0])));
}

Result<ir::Value*> ExportedNodes::in_graph(const Value& value) {
  const TensorRef* t = value.get<TensorRef>();
  if (t && is_complex((*t)->dtype))
    return m_.fail(ErrorKind::unsupported, "a loop over complex tensors cannot be converted",
                   "ONNX has no complex numbers", "use torch.view_as_real");
  return m_.scalar_value(value, t ? (*t)->dtype : value.is<Float>() ? DType::f64 : DType::i64);
}

Result<std::vector<Value>> ExportedNodes::loop(const exported::Node& node, const LoopParts& parts) {
  ir::Graph& graph = m_.builder.graph();
  ir::Value* trip = nullptr;
  if (parts.test == nullptr) {
    const TensorRef* rows = parts.scanned.empty() ? nullptr : parts.scanned[0].get<TensorRef>();
    if (rows == nullptr || (*rows)->sizes.empty())
      return fail_at(node, "a loop has no rows to go over", node.target);
    trip = m_.builder.dim((*rows)->sizes[0]);
  }
  ir::Value* go_on =
      parts.test ? TRY(tested(parts, parts.carried)) : m_.builder.scalar(1, DType::boolean);
  std::vector<ir::Value*> inputs{trip, go_on};
  for (const Value& value : parts.carried) inputs.push_back(TRY(in_graph(value)));
  std::vector<ir::Value*> scanned;
  for (const Value& value : parts.scanned) scanned.push_back(TRY(in_graph(value)));
  TRY(m_.builder.status());
  ir::Node* made = graph.add_node("", "Loop", {}, inputs, 0, node.origin);
  ir::Graph& body = *graph.add_subgraph(made, "body");
  ir::Value* iteration = body.add_input("iteration", ir::Type::tensor(DType::i64, Shape{}));
  body.add_input("condition_in", ir::Type::tensor(DType::boolean, Shape{}));
  // The body is pure: what it writes to are its own copies.
  const State before = m_.state;
  m_.builder.enter(body);
  const auto run = [&]() -> Status {
    std::vector<Value> values;
    for (size_t i = 0; i < parts.carried.size(); ++i)
      values.push_back(m_.tensor(body.add_input("carried", inputs[i + 2]->type)));
    std::vector<Value> arguments = values;
    for (ir::Value* rows : scanned)
      arguments.push_back(
          m_.tensor(m_.builder.emit_with("Gather", {{"axis", int64_t{0}}}, {rows, iteration})));
    const auto results = TRY(inline_graph(*parts.body, joined(arguments, parts.shared)));
    if (results.size() < values.size())
      return fail_at(node, "a loop's body gives too few values", node.target);
    const std::vector<Value> next(results.begin(),
                                  results.begin() + static_cast<ptrdiff_t>(values.size()));
    ir::Value* again = parts.test ? TRY(tested(parts, next)) : m_.builder.scalar(1, DType::boolean);
    body.add_output(m_.builder.emit_named("Identity", {again}));
    for (const Value& value : results)
      body.add_output(m_.builder.emit_named("Identity", {TRY(in_graph(value))}));
    for (const Value& value : parts.stacks_carried ? next : std::vector<Value>())
      body.add_output(m_.builder.emit_named("Identity", {TRY(in_graph(value))}));
    return m_.builder.status();
  };
  const Status ran = run();
  m_.builder.enter(graph);
  m_.state = before;
  TRY(ran);
  for (size_t i = 1; i < body.outputs().size(); ++i) graph.add_node_output(made);
  TRY(ir::infer(*made, m_.builder.ops()));
  std::vector<Value> out;
  for (ir::Value* value : made->outputs()) out.push_back(m_.tensor(value));
  return out;
}

// What a combination of the first rows gives, for each row: the first as it is, and then each with
// what the rows before gave. PyTorch may combine them in another order, which is why it must not
// matter.
Result<std::vector<Value>> ExportedNodes::associative_scan(const exported::Node& node,
                                                           const exported::Graph& combine,
                                                           const std::vector<Value>& rows,
                                                           const std::vector<Value>& shared) {
  LoopParts parts{
      .test = nullptr, .body = &combine, .carried = {}, .scanned = {}, .shared = shared};
  parts.stacks_carried = true;
  const Value axis = Value::integer(0);
  for (const Value& x : rows) {
    parts.carried.push_back(TRY(m_.call("aten::select", {x, axis, Value::integer(0)})));
    parts.scanned.push_back(
        TRY(m_.call("aten::slice", {x, axis, Value::integer(1), Value(), Value::integer(1)})));
  }
  const std::vector<Value> results = TRY(loop(node, parts));
  std::vector<Value> out;
  for (size_t i = 0; i < rows.size() && rows.size() + i < results.size(); ++i) {
    const Value first = TRY(m_.call("aten::unsqueeze", {parts.carried[i], axis}));
    out.push_back(TRY(m_.call("aten::cat", {m_.list({first, results[rows.size() + i]}), axis})));
  }
  return out;
}

Status ExportedNodes::conditional(const exported::Node& node, const Value& predicate,
                                  const exported::Graph& on_true, const exported::Graph& on_false,
                                  const std::vector<Value>& operands, Env& env) {
  const Bool condition = TRY(m_.to_bool(predicate));
  if (auto decided = m_.decide(condition))
    return bind_several(node, TRY(inline_graph(*decided ? on_true : on_false, operands)), env);
  ir::Graph& graph = m_.builder.graph();
  ir::Node* made = graph.add_node("", "If", {}, {TRY(m_.bool_value(condition))}, 0, node.origin);
  std::vector<std::vector<Shape>> shapes;
  std::vector<DType> types;
  std::vector<bool> complex;
  // Branches of cond are pure: what they write to are their own copies.
  for (const auto& [name, side] :
       {std::pair("then_branch", &on_true), std::pair("else_branch", &on_false)}) {
    ir::Graph& sub = *graph.add_subgraph(made, name);
    const State before = m_.state;
    m_.builder.enter(sub);
    auto results = inline_graph(*side, operands);
    std::vector<Shape> forms;
    types.clear();
    complex.clear();
    if (results) {
      for (const Value& value : *results) {
        auto read = m_.scalar_value(
            value, value.is<TensorRef>() ? (*value.get<TensorRef>())->dtype : DType::i64);
        if (!read) {
          results = std::unexpected(read.error());
          break;
        }
        sub.add_output(m_.builder.emit_named("Identity", {*read}));
        forms.push_back((*read)->shape().value_or(Shape{}));
        complex.push_back(value.is<TensorRef>() && is_complex((*value.get<TensorRef>())->dtype));
        types.push_back((*read)->dtype());
      }
    }
    m_.builder.enter(graph);
    m_.state = before;
    if (!results) return std::unexpected(std::move(results).error());
    shapes.push_back(std::move(forms));
  }
  TRY(m_.builder.status());
  m_.builder.forget_others();
  std::vector<Value> out;
  for (size_t i = 0; i < shapes[0].size() && i < shapes[1].size(); ++i) {
    graph.add_node_output(made);
    ir::Value* output = made->outputs().back();
    Shape merged = shapes[0][i];
    for (size_t k = 0; k < merged.size() && k < shapes[1][i].size(); ++k) {
      if (merged[k] == shapes[1][i][k]) continue;
      merged[k] = graph.fresh_symbol("merged");
      ir::Symbol* entry = graph.find_symbol(merged[k].symbol_name());
      entry->source = output;
      entry->axis = static_cast<int>(k);
    }
    output->type = ir::Type::tensor(types[i], merged);
    out.push_back(m_.tensor(output, complex[i]));
  }
  return bind_several(node, std::move(out), env);
}

}  // namespace tenon::torch
