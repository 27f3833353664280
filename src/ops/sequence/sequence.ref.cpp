#include "ops/sequence/sequence.h"

#include "ops/common/ref_join.h"

namespace tenon::ops {
namespace {

Result<const std::vector<Tensor>*> sequence_of(const RefContext& c) {
  const std::vector<Tensor>* sequence = c.sequence_input(0);
  if (sequence == nullptr) return c.fail("the input is not a sequence");
  return sequence;
}

// The position given as input i, counted from the end where negative.
Result<int64_t> position_of(const RefContext& c, size_t i, size_t size, bool after_last) {
  const auto n = static_cast<int64_t>(size);
  if (!c.has(i)) return after_last ? n : n - 1;
  const auto given = TRY(integer_input(c, i));
  const int64_t last = after_last ? n : n - 1;
  if (given.size() != 1 || given[0] < -n || given[0] > last)
    return c.fail(fmt::format("the position lies outside a sequence of {}", n));
  return given[0] < 0 ? given[0] + n : given[0];
}

Status run_construct(RefContext& c) {
  c.sequence.emplace();
  for (const Tensor* input : c.inputs) c.sequence->push_back(*input);
  return {};
}

Status run_empty(RefContext& c) {
  c.sequence.emplace();
  return {};
}

Status run_insert(RefContext& c) {
  std::vector<Tensor> out = *TRY(sequence_of(c));
  const int64_t at = TRY(position_of(c, 2, out.size(), true));
  out.insert(out.begin() + at, c.input(1));
  c.sequence = std::move(out);
  return {};
}

Status run_erase(RefContext& c) {
  std::vector<Tensor> out = *TRY(sequence_of(c));
  if (out.empty()) return c.fail("the sequence is empty");
  out.erase(out.begin() + TRY(position_of(c, 1, out.size(), false)));
  c.sequence = std::move(out);
  return {};
}

Status run_at(RefContext& c) {
  const std::vector<Tensor>* sequence = TRY(sequence_of(c));
  const int64_t at = TRY(position_of(c, 1, sequence->size(), false));
  if (sequence->empty()) return c.fail("the sequence is empty");
  c.outputs[0] = (*sequence)[static_cast<size_t>(at)];
  return {};
}

Status run_length(RefContext& c) {
  const std::vector<Tensor>* sequence = TRY(sequence_of(c));
  c.outputs[0] = Tensor::scalar_i64(static_cast<int64_t>(sequence->size()));
  return {};
}

Status run_concat_from_sequence(RefContext& c) {
  const auto op = c.as<ConcatFromSequence>();
  std::vector<Tensor> parts = *TRY(sequence_of(c));
  if (parts.empty()) return c.fail("the sequence is empty");
  const size_t rank = parts[0].shape().size() + (op.new_axis != 0 ? 1 : 0);
  const size_t axis = TRY(axis_at(c, op.axis, rank));
  std::vector<const Tensor*> pointers;
  for (Tensor& part : parts) {
    if (op.new_axis != 0) {
      Dims dims = part.shape();
      if (dims.size() + 1 != rank) return c.fail("the elements have other ranks");
      dims.insert(dims.begin() + static_cast<ptrdiff_t>(axis), 1);
      part = part.reshaped(std::move(dims));
    }
    pointers.push_back(&part);
  }
  c.outputs[0] = TRY(join(c, pointers, axis));
  return {};
}

Status run_split_to_sequence(RefContext& c) {
  const auto op = c.as<SplitToSequence>();
  const Tensor& x = c.input(0);
  const size_t axis = TRY(axis_at(c, op.axis, x.shape().size()));
  const int64_t whole = x.shape()[axis];
  std::vector<int64_t> sizes;
  if (!c.has(1)) {
    sizes.assign(static_cast<size_t>(whole), 1);
  } else if (c.input(1).shape().empty()) {
    const int64_t chunk = TRY(integer_input(c, 1))[0];
    if (chunk < 1) return c.fail("the split is not positive");
    for (int64_t at = 0; at < whole; at += chunk) sizes.push_back(std::min(chunk, whole - at));
  } else {
    sizes = TRY(integer_input(c, 1));
  }
  c.sequence.emplace();
  int64_t first = 0;
  for (int64_t size : sizes) {
    Tensor part = TRY(cut(c, x, axis, first, size));
    if (!c.has(1) && !op.keepdims) {
      Dims dims = part.shape();
      dims.erase(dims.begin() + static_cast<ptrdiff_t>(axis));
      part = part.reshaped(std::move(dims));
    }
    c.sequence->push_back(std::move(part));
    first += size;
  }
  if (first != whole) return c.fail("the parts' sizes do not sum up to the whole");
  return {};
}

}  // namespace

std::span<const RefKernel> sequence_ref() {
  static constexpr RefKernel kernels[] = {
      kernel<SequenceConstruct>(run_construct),
      kernel<SequenceEmpty>(run_empty),
      kernel<SequenceInsert>(run_insert),
      kernel<SequenceErase>(run_erase),
      kernel<SequenceAt>(run_at),
      kernel<SequenceLength>(run_length),
      kernel<ConcatFromSequence>(run_concat_from_sequence),
      kernel<SplitToSequence>(run_split_to_sequence),
  };
  return kernels;
}

}  // namespace tenon::ops
