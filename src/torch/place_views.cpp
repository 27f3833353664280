// Views that are chains of several steps (a diagonal, windows), and views of several tensors at
// once (grids, tensors broadcast against each other).
#include <fmt/format.h>

#include <algorithm>

#include "torch/views.h"

namespace tenon::torch {
namespace {

using Step = ViewStep::Kind;
using Arguments = std::vector<Value>;

// The diagonal of two dimensions as the last dimension: they go to the end and become one, in which
// the diagonal's elements lie a row and an element apart.
Result<Value> diagonal_view(Machine& m, const TensorRef& t, int64_t offset, size_t a, size_t b) {
  std::vector<int64_t> order;
  Shape flat;
  std::vector<Dim> strides;
  for (size_t i = 0; i < t->sizes.size(); ++i) {
    if (i == a || i == b) continue;
    order.push_back(static_cast<int64_t>(i));
    flat.push_back(t->sizes[i]);
    strides.push_back(t->strides[i]);
  }
  order.push_back(static_cast<int64_t>(a));
  order.push_back(static_cast<int64_t>(b));
  const Dim rows = t->sizes[a], columns = t->sizes[b];
  flat.push_back(rows * columns);
  strides.push_back(t->strides[a] + t->strides[b]);
  const Dim row = std::max<int64_t>(-offset, 0), column = std::max<int64_t>(offset, 0);
  Dim length = ir::min(rows - row, columns - column);
  if (ir::less_equal(0, length, m.ranges()) != ir::Truth::yes) length = ir::max(length, 0);

  const Value moved = TRY(permute_tensor(m, t, std::move(order)));
  const TensorRef& last = *moved.get<TensorRef>();
  ViewStep merge{.kind = Step::reshape, .before = last->sizes, .after = flat};
  const Value merged = TRY(m.view(last, std::move(merge), Machine::contiguous_strides(flat)));
  ViewStep pick{.kind = Step::slice,
                .before = flat,
                .after = flat,
                .axis = flat.size() - 1,
                .start = row * columns + column,
                .step = columns + 1};
  pick.after.back() = length;
  return m.view(*merged.get<TensorRef>(), std::move(pick), std::move(strides));
}

// The arguments offset, dim1 and dim2 begin at `first`.
Result<Value> diagonal_of(Machine& m, const TensorRef& t, const Arguments& args, size_t first) {
  const int64_t offset = TRY(m.to_constant_int(args[first], "the offset of a diagonal"));
  const size_t rank = t->sizes.size();
  const size_t a = TRY(ir::normalize_axis(TRY(m.to_constant_int(args[first + 1], "dim1")), rank)),
               b = TRY(ir::normalize_axis(TRY(m.to_constant_int(args[first + 2], "dim2")), rank));
  if (a == b)
    return m.fail(ErrorKind::bad_file, "a diagonal needs two different dimensions",
                  fmt::format("both are {}", a));
  return diagonal_view(m, t, offset, a, b);
}

Result<Value> diagonal(Machine& m, const Schema&, Arguments& args) {
  return diagonal_of(m, TRY(tensor_of(m, args[0])), args, 1);
}
Result<Value> diagonal_scatter(Machine& m, const Schema&, Arguments& args) {
  const TensorRef t = TRY(canvas(m, args[0]));
  return with_part(m, t, TRY(diagonal_of(m, t, args, 2)), args[1]);
}

// fill_diagonal_: of a matrix, or of a tensor whose dimensions are all equal. The elements lie at
// even distances in the flattened tensor; with `wrap` a tall matrix has them below its square too.
Result<Value> fill_diagonal(Machine& m, const Schema& schema, Arguments& args) {
  const TensorRef t = TRY(tensor_of(m, args[0]));
  const size_t rank = t->sizes.size();
  const auto wrap = m.decide(TRY(m.to_bool(args[2])));
  if (rank < 2 || !wrap)
    return m.unsupported("unsupported operator " + schema.full_name(),
                         "it needs two dimensions, and to know whether it wraps",
                         "write to x.diagonal()");
  const Dim count = ir::product(t->sizes);
  Dim step = 0;
  for (const Dim& stride : Machine::contiguous_strides(t->sizes)) step = step + stride;
  Dim length = t->sizes[0];
  for (const Dim& size : t->sizes) length = ir::min(length, size);
  if (rank == 2 && *wrap) length = ir::ceildiv(count, step);
  ViewStep merge{.kind = Step::reshape, .before = t->sizes, .after = {count}};
  const Value flat = TRY(m.view(t, std::move(merge), {1}));
  ViewStep pick{.kind = Step::slice, .before = {count}, .after = {length}, .axis = 0, .step = step};
  const Value line = TRY(m.view(*flat.get<TensorRef>(), std::move(pick), {step}));
  TRY(m.write(**line.get<TensorRef>(), TRY(m.scalar_value(args[1], t->dtype))));
  return t;
}

// Windows of a size at every step along a dimension; they become the last dimension.
Result<Value> windows_of(Machine& m, const TensorRef& t, const Value& dimension,
                         const Value& size_value, const Value& step_value) {
  const size_t axis = TRY(ir::normalize_axis(TRY(m.to_constant_int(dimension, "a dimension")),
                                             std::max<size_t>(t->sizes.size(), 1)));
  const int64_t size = TRY(m.to_constant_int(size_value, "the size of a window"));
  const int64_t step = TRY(m.to_constant_int(step_value, "the step of windows"));
  const Dim whole = t->sizes.empty() ? Dim(1) : t->sizes[axis];
  const auto fits = ir::less_equal(size, whole, m.ranges());
  if (step <= 0 || size < 0 || fits == ir::Truth::no)
    return m.fail(ErrorKind::bad_file, "the windows do not fit the dimension",
                  fmt::format("windows of {} at every {} in {} elements", size, step, whole.str()),
                  "give the input shapes that the model was made for");
  if (fits == ir::Truth::unknown)
    m.assume({Bool::Kind::relation, ir::Guard::Relation::le, size, whole, nullptr}, true,
             "a window fits the dimension that unfold() runs along");
  if (t->sizes.empty()) {  // one element, of which there is at most one window
    const Value line = TRY(reshape_tensor(m, t, {1}, false));
    return slice_tensor(m, *line.get<TensorRef>(), 0, Value::integer(0), Value::integer(size), 1);
  }
  ViewStep view{.kind = Step::windows,
                .before = t->sizes,
                .after = t->sizes,
                .axis = axis,
                .step = Dim(step)};
  view.after[axis] = ir::floordiv(whole - Dim(size), Dim(step)) + Dim(1);
  view.after.insert(view.after.begin() + static_cast<ptrdiff_t>(axis) + 1, Dim(size));
  std::vector<Dim> strides = t->strides;
  strides[axis] = strides[axis] * Dim(step);
  strides.insert(strides.begin() + static_cast<ptrdiff_t>(axis) + 1, t->strides[axis]);
  const Value windows = TRY(m.view(t, std::move(view), std::move(strides)));
  std::vector<int64_t> order;
  for (size_t i = 0; i <= t->sizes.size(); ++i) {
    if (i != axis + 1) order.push_back(static_cast<int64_t>(i));
  }
  order.push_back(static_cast<int64_t>(axis) + 1);
  return permute_tensor(m, *windows.get<TensorRef>(), std::move(order));
}

Result<Value> unfold(Machine& m, const Schema&, Arguments& args) {
  return windows_of(m, TRY(tensor_of(m, args[0])), args[1], args[2], args[3]);
}

// --- as_strided

constexpr int64_t kMostStrided = int64_t{1} << 22;  // elements, whose places become a constant

// The arguments size, stride and storage_offset begin at `first`.
Result<Value> strided_of(Machine& m, const Schema& schema, const TensorRef& t,
                         const Arguments& args, size_t first) {
  auto refuse = [&](const char* why) {
    return m.unsupported("unsupported operator " + schema.full_name(), why,
                         "write it with slices, or copy the tensor first: x.contiguous()");
  };
  // Where the elements lie is known for a tensor that fills its memory in row order.
  for (const ViewChain* link = t->view.get(); link != nullptr; link = link->parent.get()) {
    if (link->step.kind != Step::reshape) return refuse("it is applied to a part of a tensor");
  }
  if (t->strides_unsure || !m.is_contiguous(*t))
    return refuse("how the tensor lies in memory is not known");
  const Shape sizes = TRY(m.to_shape(args[first])), strides = TRY(m.to_shape(args[first + 1]));
  const Dim offset = args[first + 2].is_none() ? Dim(0) : TRY(m.to_int(args[first + 2]));
  const auto dims = ir::constant_dims(sizes), steps = ir::constant_dims(strides);
  const auto count = ir::product(t->sizes).constant();
  if (!dims || !steps || !count || !offset.is_constant())
    return refuse("its sizes or strides depend on the input");
  int64_t last = *offset.constant(), elements = 1;
  bool fits = dims->size() == steps->size() && last >= 0 && last < (int64_t{1} << 40);
  for (size_t i = 0; fits && i < dims->size(); ++i) {
    const int64_t size = (*dims)[i], stride = (*steps)[i];
    fits = size >= 0 && stride >= 0 && size <= kMostStrided && (size < 2 || stride <= *count) &&
           elements * size <= kMostStrided;
    if (!fits) break;
    elements *= size;
    if (size > 0) last += (size - 1) * stride;
  }
  if (!fits || (elements > 0 && last >= *count))
    return m.fail(ErrorKind::bad_file, "a strided view does not fit its tensor",
                  fmt::format("sizes {}, strides {} from {} in {} elements", ir::to_string(sizes),
                              ir::to_string(strides), offset.str(), *count),
                  "give the input shapes that the model was made for");
  ViewStep merge{.kind = Step::reshape, .before = t->sizes, .after = {Dim(*count)}};
  const Value flat = TRY(m.view(t, std::move(merge), {1}));
  ViewStep pick{.kind = Step::strided,
                .before = {Dim(*count)},
                .after = sizes,
                .strides = *steps,
                .start = offset};
  return m.view(*flat.get<TensorRef>(), std::move(pick), strides);
}

Result<Value> as_strided(Machine& m, const Schema& schema, Arguments& args) {
  return strided_of(m, schema, TRY(tensor_of(m, args[0])), args, 1);
}
Result<Value> as_strided_scatter(Machine& m, const Schema& schema, Arguments& args) {
  const TensorRef from = TRY(tensor_of(m, args[0]));
  if (from->strides_unsure || !m.is_contiguous(*from))
    return m.unsupported("unsupported operator " + schema.full_name(),
                         "how the tensor lies in memory is not known", "x.contiguous()");
  const TensorRef t = TRY(canvas(m, args[0]));
  const Value part = TRY(strided_of(m, schema, t, args, 2));
  if (part.is<Poison>()) return part;
  return with_part(m, t, part, args[1]);
}

// --- several tensors

Result<std::vector<TensorRef>> tensors_of(Machine& m, const Value& value) {
  std::vector<TensorRef> out;
  for (const Value& item : TRY(m.iterate(value))) out.push_back(TRY(tensor_of(m, item)));
  return out;
}

Result<Value> broadcast_tensors(Machine& m, const Schema&, Arguments& args) {
  const std::vector<TensorRef> parts = TRY(tensors_of(m, args[0]));
  Shape common;
  for (const TensorRef& part : parts) {
    Shape sizes = part->sizes;
    if (sizes.size() < common.size()) sizes.insert(sizes.begin(), common.size() - sizes.size(), 1);
    if (common.size() < sizes.size())
      common.insert(common.begin(), sizes.size() - common.size(), 1);
    for (size_t i = 0; i < sizes.size(); ++i) {
      if (common[i].is(1)) common[i] = sizes[i];
    }
  }
  std::vector<Value> out;
  for (const TensorRef& part : parts) out.push_back(TRY(expand_tensor(m, part, common)));
  return m.list(std::move(out));
}

Result<Value> meshgrid(Machine& m, const Schema&, Arguments& args) {
  const std::vector<TensorRef> parts = TRY(tensors_of(m, args[0]));
  const std::string* indexing = args.size() > 1 ? args[1].get<std::string>() : nullptr;
  const bool columns_first = indexing != nullptr && *indexing == "xy" && parts.size() >= 2;
  std::vector<size_t> places;
  Shape sizes;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (parts[i]->sizes.size() > 1)
      return m.fail(ErrorKind::bad_file, "a grid is made of vectors",
                    fmt::format("tensor {} is of shape {}", i, ir::to_string(parts[i]->sizes)));
    places.push_back(columns_first && i < 2 ? 1 - i : i);
    sizes.push_back(parts[i]->sizes.empty() ? Dim(1) : parts[i]->sizes[0]);
  }
  if (columns_first) std::swap(sizes[0], sizes[1]);
  std::vector<Value> out;
  for (size_t i = 0; i < parts.size(); ++i) {
    Shape spread(parts.size(), Dim(1));
    spread[places[i]] = sizes[places[i]];
    const Value line = TRY(reshape_tensor(m, parts[i], std::move(spread), false));
    out.push_back(TRY(expand_tensor(m, *line.get<TensorRef>(), sizes)));
  }
  return m.list(std::move(out));
}

// A tensor with dimensions of 1 added up to a rank, where atleast_1d, _2d and _3d put them.
Result<Value> at_least(Machine& m, const TensorRef& t, size_t rank) {
  Shape sizes = t->sizes;
  if (sizes.size() >= rank) return t;
  if (rank == 3 && !sizes.empty()) {
    if (sizes.size() == 1) sizes.insert(sizes.begin(), Dim(1));
    sizes.emplace_back(1);
  } else {
    sizes.insert(sizes.begin(), rank - sizes.size(), Dim(1));
  }
  return reshape_tensor(m, t, std::move(sizes), false);
}
template <size_t rank>
Result<Value> one_at_least(Machine& m, const Schema&, Arguments& args) {
  return at_least(m, TRY(tensor_of(m, args[0])), rank);
}
template <size_t rank>
Result<Value> each_at_least(Machine& m, const Schema&, Arguments& args) {
  std::vector<Value> out;
  for (const TensorRef& part : TRY(tensors_of(m, args[0])))
    out.push_back(TRY(at_least(m, part, rank)));
  return m.list(std::move(out));
}

}  // namespace

std::span<const Builtin> place_view_builtins() {
  static constexpr Builtin kAll[] = {
      {"aten::diagonal", diagonal},
      {"aten::linalg_diagonal", diagonal},
      {"aten::diagonal_scatter", diagonal_scatter},
      {"aten::fill_diagonal_", fill_diagonal},
      {"aten::unfold", unfold},
      {"aten::as_strided", as_strided},
      {"aten::as_strided_scatter", as_strided_scatter},
      {"aten::broadcast_tensors", broadcast_tensors},
      {"aten::meshgrid.*", meshgrid},
      {"aten::atleast_1d", one_at_least<1>},
      {"aten::atleast_2d", one_at_least<2>},
      {"aten::atleast_3d", one_at_least<3>},
      {"aten::atleast_1d.Sequence", each_at_least<1>},
      {"aten::atleast_2d.Sequence", each_at_least<2>},
      {"aten::atleast_3d.Sequence", each_at_least<3>},
  };
  return kAll;
}

}  // namespace tenon::torch
