#include "ops/loop/loop.h"

#include "onnx/mapping.h"
#include "ops/gather/gather.h"
#include "ops/transpose/transpose.h"

namespace tenon::ops {
namespace {

// Types of carried values settle as the body is inferred again.
Status infer_body(ir::Node& node, ir::Graph& body, const ir::OpSet& ops) {
  for (int round = 0; round < 4; ++round) {
    std::vector<ir::Type> before;
    for (const ir::Value* input : body.inputs()) before.push_back(input->type);
    TRY(ir::infer(node, ops));
    bool same = true;
    for (size_t i = 0; i < before.size(); ++i) same &= before[i] == body.inputs()[i]->type;
    if (same) return {};
    TRY(ir::infer(body, ops));
  }
  return ir::infer(node, ops);
}

Result<onnx::Values> read_loop(onnx::ImportContext& c) {
  ir::Graph& graph = c.b.graph();
  if (c.inputs.size() < 2) c.resize(2);
  ir::Node* node = graph.add_node("", "Loop", {}, c.inputs, c.outputs, c.b.origin());
  ir::Graph* body = graph.add_subgraph(node, "body");
  body->add_input("iteration", ir::Type::tensor(DType::i64, ir::Shape{}));
  body->add_input("condition", ir::Type::tensor(DType::boolean, ir::Shape{}));
  for (size_t i = 2; i < c.inputs.size(); ++i) {
    if (!c.has(i)) return c.fail(fmt::format("its carried value {} is missing", i - 2));
    body->add_input({}, c.input(i)->type);
  }
  TRY(c.read_graph("body", *body, {}));
  TRY(infer_body(*node, *body, c.b.ops()));
  return onnx::Values(node->outputs().begin(), node->outputs().end());
}

// What a Scan says of its inputs or outputs one by one; `fallback` where it does not.
int64_t entry(const std::vector<int64_t>& list, size_t i, int64_t fallback) {
  return i < list.size() ? list[i] : fallback;
}

// A Loop whose body takes one slice of each scanned input.
Result<onnx::Values> read_scan(onnx::ImportContext& c) {
  if (c.opset < 9)
    return c.fail("Scan with batches left ONNX in opset 9", "export at opset 9 or newer");
  using Ints = std::vector<int64_t>;
  const int64_t scanned = c.take<int64_t>("num_scan_inputs").value_or(0);
  const Ints in_axes = c.take<Ints>("scan_input_axes").value_or(Ints{});
  const Ints in_directions = c.take<Ints>("scan_input_directions").value_or(Ints{});
  const Ints out_axes = c.take<Ints>("scan_output_axes").value_or(Ints{});
  const Ints out_directions = c.take<Ints>("scan_output_directions").value_or(Ints{});
  const size_t all = c.inputs.size();
  if (scanned < 1 || static_cast<size_t>(scanned) > all)
    return c.fail(fmt::format("it scans {} of {} inputs", scanned, all));
  const size_t states = all - static_cast<size_t>(scanned);
  for (size_t i = 0; i < all; ++i) {
    if (!c.has(i)) return c.fail(fmt::format("its input {} is missing", i));
    if (i >= states && !c.input(i)->shape())
      return c.fail(fmt::format("the rank of its input {} is not known", i));
  }
  auto axis_of = [&](size_t i) {
    return ir::normalize_axis(entry(in_axes, i - states, 0), *c.input(i)->rank());
  };
  ir::Builder& b = c.b;
  ir::Graph& graph = b.graph();
  ir::Value* count = b.dim((*c.input(states)->shape())[TRY(axis_of(states))]);
  ir::Value* last = b.emit_named("Sub", {count, b.scalar_int(1)});
  onnx::Values carried(c.inputs.begin(), c.inputs.begin() + static_cast<ptrdiff_t>(states));
  onnx::Values inputs{count, nullptr};
  inputs.insert(inputs.end(), carried.begin(), carried.end());
  ir::Node* node = graph.add_node("", "Loop", {}, inputs, c.outputs, b.origin());
  ir::Graph* body = graph.add_subgraph(node, "body");
  ir::Value* step = body->add_input("iteration", ir::Type::tensor(DType::i64, ir::Shape{}));
  ir::Value* go = body->add_input("condition", ir::Type::tensor(DType::boolean, ir::Shape{}));
  onnx::Values bound;
  for (const ir::Value* state : carried) bound.push_back(body->add_input({}, state->type));
  b.enter(*body);
  for (size_t i = states; i < all; ++i) {
    const bool backwards = entry(in_directions, i - states, 0) != 0;
    ir::Value* at = backwards ? b.emit_named("Sub", {last, step}) : step;
    const auto axis = static_cast<int64_t>(TRY(axis_of(i)));
    bound.push_back(b.emit(Gather{.axis = axis}, {c.input(i), at}));
  }
  body->add_output(go);
  auto ok = c.read_graph("body", *body, bound);
  b.enter(graph);
  TRY(std::move(ok));
  TRY(b.status());
  TRY(infer_body(*node, *body, b.ops()));
  onnx::Values out(node->outputs().begin(), node->outputs().end());
  for (size_t i = states; i < out.size(); ++i) {
    if (entry(out_directions, i - states, 0) != 0) {
      out[i] = b.emit_named("Slice", {out[i], b.ints({-1}), b.ints({ir::Interval::kMin + 1}),
                                      b.ints({0}), b.ints({-1})});
    }
    const int64_t wanted = entry(out_axes, i - states, 0);
    if (wanted == 0) continue;
    if (!out[i]->rank()) return c.fail("the rank of what it stacks is not known");
    const size_t axis = TRY(ir::normalize_axis(wanted, *out[i]->rank()));
    Ints perm;
    for (size_t d = 0; d < *out[i]->rank(); ++d)
      perm.push_back(d == axis ? 0 : static_cast<int64_t>(d < axis ? d + 1 : d));
    out[i] = b.emit(Transpose{.perm = perm}, {out[i]});
  }
  TRY(b.status());
  return out;
}

}  // namespace

std::span<const onnx::Mapping> loop_onnx() {
  static constexpr onnx::Mapping rows[] = {onnx::plain<Loop>({.read = read_loop}),
                                           onnx::read_only("Scan", read_scan)};
  return rows;
}

}  // namespace tenon::ops
