#include "ops/sequence/sequence.h"

#include "ops/common/merge_types.h"

namespace tenon::ops {
namespace {

// Elements of a sequence may differ in size. Sizes that do are symbols bound to the sequence
// itself, which stand for nothing; an element taken out gets symbols of its own.
Result<ir::Type> element_type(InferContext& context, size_t i) {
  const ir::Type& type = context.input(i)->type;
  if (type.kind != ir::Type::Kind::sequence)
    return context.fail(fmt::format("input {} is {}, not a sequence", i, type.str()));
  // A sequence that nothing has been put into yet has no element type: the first element gives it.
  return type.element ? *type.element : ir::Type::tensor(DType::undefined, std::nullopt);
}

ir::Type as_output(InferContext& context, const ir::Type& element) {
  if (!element.is_tensor() || !element.shape) return element;
  Sizes out;
  const ir::Graph& root = context.node().graph->root();
  for (size_t i = 0; i < element.shape->size(); ++i) {
    const Dim& size = (*element.shape)[i];
    std::map<std::string, int> names;
    size.collect_symbols(names);
    bool varies = false;
    for (const ir::Symbol& symbol : root.symbols) {
      varies = varies ||
               (names.contains(symbol.name) && symbol.source && !symbol.source->type.is_tensor());
    }
    out.push_back(varies ? context.data_dim(0, i) : size);
  }
  return ir::Type::tensor(element.dtype, std::move(out));
}

Status infer_sequence_construct(InferContext& context) {
  ir::Value& out = *context.node().output(0);
  ir::Type element = context.input(0)->type;
  // The output must be a sequence before sizes are bound to it.
  out.type = ir::Type::sequence(element);
  for (size_t i = 1; i < context.input_count(); ++i) {
    auto merged = merge_types(element, context.input(i)->type, out);
    if (!merged) return context.fail("the elements have different types");
    element = std::move(*merged);
  }
  context.set_type(0, ir::Type::sequence(std::move(element)));
  return {};
}

Status infer_sequence_empty(InferContext& context) {
  const int64_t dtype = context.as<SequenceEmpty>().dtype.value_or(1);
  if (dtype < 1 || dtype > static_cast<int64_t>(DType::i2))
    return context.fail(fmt::format("dtype {} is no data type", dtype));
  ir::Type nothing;
  nothing.kind = ir::Type::Kind::sequence;
  nothing.dtype = DType::undefined;
  context.set_type(0, std::move(nothing));
  return {};
}

Status infer_sequence_insert(InferContext& context) {
  ir::Type element = TRY(element_type(context, 0));
  const ir::Type& added = context.input(1)->type;
  ir::Value& out = *context.node().output(0);
  out.type = ir::Type::sequence(element);
  if (!context.input(0)->type.element) {
    element = added;
  } else {
    auto merged = merge_types(element, added, out);
    if (!merged) return context.fail("the new element has another type than the others");
    element = std::move(*merged);
  }
  context.set_type(0, ir::Type::sequence(std::move(element)));
  return {};
}

Status infer_sequence_erase(InferContext& context) {
  TRY(element_type(context, 0));
  return infer_same(context);
}

Status infer_sequence_at(InferContext& context) {
  const ir::Type element = TRY(element_type(context, 0));
  if (element.dtype == DType::undefined) return {};  // nothing more than before is known
  context.set_type(0, as_output(context, element));
  return {};
}

Status infer_sequence_length(InferContext& context) {
  TRY(element_type(context, 0));
  context.set(0, DType::i64, Sizes{});
  return {};
}

Status infer_concat_from_sequence(InferContext& context) {
  const auto op = context.as<ConcatFromSequence>();
  const ir::Type element = as_output(context, TRY(element_type(context, 0)));
  if (element.dtype == DType::undefined) return {};  // nothing more than before is known
  if (!element.shape) {
    context.set(0, element.dtype, std::nullopt);
    return {};
  }
  Sizes out = *element.shape;
  const size_t axis = TRY(axis_of(context, op.axis, out.size() + (op.new_axis != 0 ? 1 : 0)));
  if (op.new_axis != 0)
    out.insert(out.begin() + static_cast<ptrdiff_t>(axis), context.data_dim(0, axis));
  else
    out[axis] = context.data_dim(0, axis);
  context.set(0, element.dtype, std::move(out));
  return {};
}

Status infer_split_to_sequence(InferContext& context) {
  const auto op = context.as<SplitToSequence>();
  const Sizes* x = context.shape(0);
  ir::Value& value = *context.node().output(0);
  const DType dtype = context.dtype(0);
  value.type = ir::Type::sequence(ir::Type::tensor(dtype, std::nullopt));
  if (x == nullptr) return {};
  const size_t axis = TRY(axis_of(context, op.axis, x->size()));
  Sizes out = *x;
  if (!context.has(1) && !op.keepdims) {
    out.erase(out.begin() + static_cast<ptrdiff_t>(axis));
  } else if (!context.has(1)) {
    out[axis] = 1;
  } else {
    const auto parts = context.constant_ints(1);
    bool equal = parts && !parts->empty();
    for (size_t i = 0; equal && i < parts->size(); ++i) equal = (*parts)[i] == (*parts)[0];
    if (equal && context.shape(1)->empty()) {
      const auto whole = (*x)[axis].constant();
      equal = whole && (*parts)[0] > 0 && *whole % (*parts)[0] == 0;
    }
    out[axis] = equal ? Dim((*parts)[0]) : data_dim_of(value, axis);
  }
  context.set_type(0, ir::Type::sequence(ir::Type::tensor(dtype, std::move(out))));
  return {};
}

}  // namespace

std::span<const ir::OpSpec> sequence_op() {
  static constexpr ir::OpSpec specs[] = {
      spec<SequenceConstruct>(1, -1, infer_sequence_construct),
      spec<SequenceEmpty>(0, 0, infer_sequence_empty),
      spec<SequenceInsert>(2, 3, infer_sequence_insert),
      spec<SequenceErase>(1, 2, infer_sequence_erase),
      spec<SequenceAt>(2, 2, infer_sequence_at),
      spec<SequenceLength>(1, 1, infer_sequence_length),
      spec<ConcatFromSequence>(1, 1, infer_concat_from_sequence),
      spec<SplitToSequence>(1, 2, infer_split_to_sequence),
  };
  return specs;
}

}  // namespace tenon::ops
