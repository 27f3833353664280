// Lists that grow while a loop runs that data decides: sequences of tensors in the graph. Numbers
// in them are tensors without dimensions there.
#include "ops/sequence/sequence.h"
#include "torch/control.h"

namespace tenon::torch {
namespace {

Result<ir::Value*> element(Machine& m, const Value& item) {
  if (const TensorRef* t = item.get<TensorRef>()) {
    if (is_complex((*t)->dtype))
      return m.fail(ErrorKind::unsupported, "a list that data lengthens holds complex tensors",
                    "ONNX has no complex numbers", "keep torch.view_as_real() of them");
    if ((*t)->quantiser)
      return m.fail(ErrorKind::unsupported, "a list that data lengthens holds quantised tensors",
                    "ONNX has none", "keep x.dequantize() of them");
    return m.read(**t);
  }
  if (is_number(item)) return m.scalar_value(item, number_dtype(item));
  return m.fail(ErrorKind::unsupported,
                "a list whose length data decides holds values of kind " + item.kind(),
                "ONNX has sequences of tensors only", "keep tensors in it");
}

// An element taken out, as the kind of value that was put in.
Value taken(Machine& m, ir::Value* value, const Value& sample) {
  if (sample.is<Float>()) return Float{0, {}, 1, 0, value};
  if (sample.is<Bool>()) return Bool{Bool::Kind::computed, {}, {}, {}, value};
  if (sample.is<Dim>()) {
    const Dim symbol =
        m.builder.graph().fresh_symbol("item", {ir::Interval::kMin, ir::Interval::kMax});
    m.builder.graph().find_symbol(symbol.symbol_name())->source = value;
    value->contents = std::vector<Dim>{symbol};
    return symbol;
  }
  return m.tensor(value);
}

}  // namespace

bool Machine::is_sequence(const Value& value) const {
  const ListRef* list = value.get<ListRef>();
  return list && state.lists[list->id].sequence != nullptr;
}

Result<ir::Value*> Machine::sequence(const ListData& list, const Value& sample) {
  if (list.sequence) return list.sequence;
  std::vector<ir::Value*> elements;
  for (const Value& item : list.items) elements.push_back(TRY(element(*this, item)));
  if (!elements.empty()) return builder.emit_named("SequenceConstruct", std::move(elements));
  const TensorRef* t = sample.get<TensorRef>();
  ops::SequenceEmpty empty;
  empty.dtype = static_cast<int64_t>(t ? (*t)->dtype : number_dtype(sample));
  return builder.emit(empty, {});
}

Status Machine::append_to_sequence(uint32_t list, const Value& item) {
  ir::Value* added = TRY(element(*this, item));
  ListData& data = state.lists.edit(list);
  data.sequence = builder.emit_named("SequenceInsert", {data.sequence, added});
  return builder.status();
}

Result<Value> Machine::sequence_item(const ListData& list, const Value& index) {
  ir::Value* at = TRY(scalar_value(TRY(to_int(index)), DType::i64));
  ir::Value* out = builder.emit_named("SequenceAt", {list.sequence, at});
  TRY(builder.status());
  return taken(*this, out, list.sample);
}

Result<Value> Machine::sequence_length(const ListData& list) {
  ir::Value* length = builder.emit_named("SequenceLength", {list.sequence});
  TRY(builder.status());
  const Dim symbol = builder.graph().fresh_symbol("length", {0, ir::Interval::kMax});
  builder.graph().find_symbol(symbol.symbol_name())->source = length;
  length->contents = std::vector<Dim>{symbol};
  return symbol;
}

Result<Value> Machine::join_sequence(const ListData& list, const Value& dim, bool stacked) {
  const TensorRef* sample = list.sample.get<TensorRef>();
  if (sample == nullptr)
    return fail(ErrorKind::bad_file, "a list of tensors is needed",
                "it holds values of kind " + list.sample.kind());
  int64_t axis = TRY(to_constant_int(dim, "the dimension along which tensors are joined"));
  const auto rank = static_cast<int64_t>((*sample)->sizes.size()) + (stacked ? 1 : 0);
  if (axis < 0) axis += rank;
  if (axis < 0 || axis >= rank)
    return fail(ErrorKind::bad_file, "a dimension is out of range", to_text(dim));
  ops::ConcatFromSequence op;
  op.axis = axis;
  op.new_axis = stacked ? 1 : 0;
  ir::Value* out = builder.emit(op, {list.sequence});
  TRY(builder.status());
  return tensor(out);
}

}  // namespace tenon::torch
