#include "ops/loop/loop.h"

#include "ops/common/merge_types.h"

namespace tenon::ops {
namespace {

bool has_type(const ir::Type& t) { return !t.is_tensor() || t.dtype != DType::undefined; }

// The number of iterations where it does not depend on the data: the condition stays true.
std::optional<Dim> trip_count(const InferContext& context, const ir::Graph& body) {
  const Contents most = context.has(0) ? context.contents(0) : std::nullopt;
  if (!most || most->size() != 1) return std::nullopt;
  if (context.has(1) && context.constant_ints(1) != std::vector<int64_t>{1}) return std::nullopt;
  const ir::Value* next = body.outputs()[0];
  while (next->producer && next->producer->is("Identity")) next = next->producer->input(0);
  const bool passed_on = next == body.inputs()[1];
  const bool always = next->contents && next->contents->size() == 1 && (*next->contents)[0].is(1);
  const bool constant =
      next->constant && next->constant->count() == 1 && next->constant->bytes()[0] == std::byte{1};
  if (!passed_on && !always && !constant) return std::nullopt;
  return less_equal(Dim(0), (*most)[0], context.ranges()) == ir::Truth::yes
             ? (*most)[0]
             : max(Dim(0), (*most)[0]);
}

// A carried value: what it has at first, and what the body makes of it. Types are generalised until
// they hold for every iteration (ir::infer repeats).
Status infer_carried(InferContext& context, ir::Graph& body, size_t i) {
  const ir::Type& first = context.input(i + 2)->type;
  ir::Value* inside = body.inputs()[i + 2];
  const ir::Type& made = body.outputs()[i + 1]->type;
  if (!has_type(first)) return {};
  auto differ = [&](const ir::Type& other) {
    return context.fail(
        fmt::format("carried value {} begins as {} and becomes {}", i, first.str(), other.str()),
        "keep the type of a value that a loop changes");
  };
  ir::Type carried = first;
  if (has_type(inside->type)) {
    auto merged = merge_types(inside->type, first, *inside);
    if (!merged) return differ(inside->type);
    carried = *merged;
  }
  if (has_type(made)) {
    auto merged = merge_types(carried, made, *inside);
    if (!merged) return differ(made);
    carried = *merged;
  }
  inside->type = carried;
  auto result = merge_types(first, carried, *context.node().output(i));
  if (result) context.set_type(i, std::move(*result));
  return {};
}

Status infer_loop(InferContext& context) {
  TRY(need_dtype(context, 0, DType::i64));
  TRY(need_dtype(context, 1, DType::boolean));
  const ir::Node& node = context.node();
  ir::Graph* body = node.subgraph("body");
  if (body == nullptr) return context.fail("the body is missing");
  const size_t carried = context.input_count() < 2 ? 0 : context.input_count() - 2;
  // A body that is still empty gets the types of its inputs, to be written with.
  const bool is_empty = body->outputs().empty() && body->size() == 0;
  if (is_empty && body->inputs().size() == carried + 2) {
    body->inputs()[0]->type = ir::Type::tensor(DType::i64, Sizes{});
    body->inputs()[1]->type = ir::Type::tensor(DType::boolean, Sizes{});
    for (size_t i = 0; i < carried; ++i) body->inputs()[i + 2]->type = context.input(i + 2)->type;
    return {};
  }
  if (body->inputs().size() != carried + 2 || body->outputs().size() < carried + 1 ||
      context.output_count() != body->outputs().size() - 1) {
    return context.fail(fmt::format(
        "{} carried values and {} results do not fit a body of {} inputs and {} outputs", carried,
        context.output_count(), body->inputs().size(), body->outputs().size()));
  }
  body->inputs()[0]->type = ir::Type::tensor(DType::i64, Sizes{});
  body->inputs()[1]->type = ir::Type::tensor(DType::boolean, Sizes{});
  for (size_t i = 0; i < carried; ++i) TRY(infer_carried(context, *body, i));
  for (size_t i = carried; i < context.output_count(); ++i) {
    const ir::Type& one = body->outputs()[i + 1]->type;
    if (!has_type(one)) continue;
    if (!one.is_tensor()) return context.fail("a scanned value is not a tensor");
    if (!one.shape) {
      context.set(i, one.dtype, std::nullopt);
      continue;
    }
    const auto count = trip_count(context, *body);
    Sizes out{count ? *count : context.data_dim(i, 0)};
    for (size_t d = 0; d < one.shape->size(); ++d) {
      const Dim& size = (*one.shape)[d];
      out.push_back(visible_in(size, *node.graph) ? size : context.data_dim(i, d + 1));
    }
    context.set(i, one.dtype, std::move(out));
  }
  return {};
}

}  // namespace

std::span<const ir::OpSpec> loop_op() {
  static constexpr ir::OpSpec specs[] = {{.name = Loop::kName,
                                          .min_inputs = 0,
                                          .max_inputs = -1,
                                          .min_outputs = 0,
                                          .max_outputs = -1,
                                          .infer = infer_loop,
                                          .check_attributes = &ir::attributes_of<Loop>}};
  return specs;
}

}  // namespace tenon::ops
