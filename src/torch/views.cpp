// Operators whose result may share memory with their input.
#include "torch/views.h"

#include <fmt/format.h>

#include <algorithm>

#include "torch/machine.h"

namespace tenon::torch {

using ir::Truth;
using Step = ViewStep::Kind;
using Arguments = std::vector<Value>;

namespace {

Result<size_t> axis_of(Machine& m, const Value& value, size_t rank) {
  const int64_t axis = TRY(m.to_constant_int(value, "a dimension"));
  if (rank == 0 && (axis == 0 || axis == -1)) return size_t{0};
  return ir::normalize_axis(axis, rank);
}

// PyTorch's computeStride: the strides of a reshaped view, or nullopt where only a copy can have
// this shape. `unsure` where symbolic sizes leave it open.
std::optional<std::vector<Dim>> view_strides(const Shape& old_sizes,
                                             const std::vector<Dim>& old_strides,
                                             const Shape& sizes, bool& unsure) {
  if (old_sizes.empty()) return std::vector<Dim>(sizes.size(), Dim(1));
  std::vector<Dim> strides(sizes.size(), Dim(1));
  auto view_d = static_cast<int64_t>(sizes.size()) - 1;
  Dim chunk_base = old_strides.back(), tensor_numel = 1, view_numel = 1;
  for (auto d = static_cast<int64_t>(old_sizes.size()) - 1; d >= 0; --d) {
    const auto i = static_cast<size_t>(d);
    tensor_numel = tensor_numel * old_sizes[i];
    const bool ends =
        d == 0 || (!old_sizes[i - 1].is(1) && !(old_strides[i - 1] == tensor_numel * chunk_base));
    if (!ends) continue;
    while (view_d >= 0 &&
           (!(view_numel == tensor_numel) || sizes[static_cast<size_t>(view_d)].is(1))) {
      if (!(view_numel == tensor_numel) && view_numel.is_constant() && tensor_numel.is_constant() &&
          *view_numel.constant() > *tensor_numel.constant())
        return std::nullopt;
      strides[static_cast<size_t>(view_d)] = view_numel * chunk_base;
      view_numel = view_numel * sizes[static_cast<size_t>(view_d)];
      --view_d;
    }
    if (!(view_numel == tensor_numel)) {
      unsure = !view_numel.is_constant() || !tensor_numel.is_constant();
      return std::nullopt;
    }
    if (d > 0) {
      chunk_base = old_strides[i - 1];
      tensor_numel = 1;
      view_numel = 1;
    }
  }
  if (view_d != -1) return std::nullopt;
  return strides;
}

// Whether the shapes differ in dimensions of size 1 only: such a reshape is always a view.
bool same_without_ones(const Shape& a, const Shape& b) {
  auto rest = [](const Shape& shape) {
    Shape out;
    std::copy_if(shape.begin(), shape.end(), std::back_inserter(out),
                 [](const Dim& d) { return !d.is(1); });
    return out;
  };
  return rest(a) == rest(b);
}

}  // namespace

Result<TensorRef> tensor_of(Machine& m, const Value& value) {
  if (const TensorRef* t = value.get<TensorRef>()) return *t;
  return m.fail(ErrorKind::bad_file, "a tensor is needed", "the value is of kind " + value.kind());
}

Result<size_t> own_axis(Machine& m, const Value& value, const TensorRef& t) {
  if (t->sizes.empty())
    return m.fail(ErrorKind::bad_file, "a tensor without dimensions has no parts",
                  "dimension " + m.to_text(value) + " is asked for",
                  "give the input shapes that the model was made for");
  return axis_of(m, value, t->sizes.size());
}

Status check_sizes(const Machine& m, const Shape& sizes) {
  for (const Dim& size : sizes) {
    if (size.is_constant() && *size.constant() < 0)
      return m.fail(ErrorKind::bad_file, "a size is negative", ir::to_string(sizes),
                    "give the input shapes that the model was made for");
  }
  return {};
}

Result<Shape> infer_sizes(Machine& m, Shape sizes, const Dim& count) {
  size_t free = sizes.size();
  Dim others = 1;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i].is(-1))
      free = i;
    else
      others = others * sizes[i];
  }
  if (free < sizes.size()) {
    if (others.is(0))
      return m.fail(ErrorKind::bad_file, "cannot infer a size", "the other sizes multiply to 0");
    sizes[free] = ir::floordiv(count, others);
  } else if (others.is_constant() && count.is_constant() && !(others == count)) {
    return m.fail(ErrorKind::bad_file, "a view has the wrong number of elements",
                  fmt::format("shape {} for {} elements", ir::to_string(sizes), count.str()),
                  "give the input shapes that the model was made for");
  } else if (!(others == count)) {
    Bool same{Bool::Kind::relation, ir::Guard::Relation::eq, count, others, nullptr};
    const auto decided = m.decide(same);
    if (decided == false) {
      return m.fail(ErrorKind::bad_file, "a view has the wrong number of elements",
                    fmt::format("shape {} for {} elements", ir::to_string(sizes), count.str()),
                    "the program has this size built in: fix the dynamic dimension with --shapes");
    }
    if (!decided) m.assume(same, true, "a view keeps the number of elements");
  }
  TRY(check_sizes(m, sizes));
  return sizes;
}

Result<Value> reshape_tensor(Machine& m, const TensorRef& t, Shape sizes, bool may_copy) {
  sizes = TRY(infer_sizes(m, std::move(sizes), ir::product(t->sizes)));
  bool unsure = false;
  // A tensor that fills its memory in row order has every shape as a view.
  std::optional<std::vector<Dim>> strides;
  if (m.is_contiguous(*t))
    strides = Machine::contiguous_strides(sizes);
  else
    strides = view_strides(t->sizes, t->strides, sizes, unsure);
  if (!strides && may_copy && !unsure) {
    // A copy: later writes to it do not reach the original.
    ViewStep step{.kind = Step::reshape, .before = t->sizes, .after = sizes};
    const Value viewed = TRY(m.view(t, step, Machine::contiguous_strides(sizes)));
    return copy_tensor(m, *viewed.get<TensorRef>());
  }
  ViewStep step{.kind = Step::reshape, .before = t->sizes, .after = sizes};
  Value out = TRY(m.view(t, step, strides ? *strides : Machine::contiguous_strides(sizes)));
  if (may_copy && (unsure || (t->strides_unsure && !same_without_ones(t->sizes, sizes))))
    return m.doubtful(*out.get<TensorRef>());
  return out;
}

Result<Value> permute_tensor(Machine& m, const TensorRef& t, std::vector<int64_t> order) {
  ViewStep step{.kind = Step::permute, .before = t->sizes, .permutation = order};
  std::vector<Dim> strides;
  bool identity = true;
  for (size_t i = 0; i < order.size(); ++i) {
    step.after.push_back(t->sizes[static_cast<size_t>(order[i])]);
    strides.push_back(t->strides[static_cast<size_t>(order[i])]);
    identity = identity && order[i] == static_cast<int64_t>(i);
  }
  if (identity) return t;
  return m.view(t, std::move(step), std::move(strides));
}

namespace {

Dim wrap_index(Machine& m, const Dim& index, const Dim& size) {
  const auto bounds = index.bounds(m.ranges());
  if (bounds.max < 0) return index + size;
  if (bounds.min < 0) {
    // Open: taken as not negative, and checked when the graph runs.
    m.assume({Bool::Kind::relation, ir::Guard::Relation::le, 0, index, nullptr}, true,
             "an index is taken to be not negative");
  }
  return index;
}

// Between 0 and size.
Dim clamp_index(Machine& m, const Dim& index, const Dim& size) {
  Dim at = wrap_index(m, index, size);
  if (at.is_constant() && *at.constant() < 0) at = 0;
  if (!at.is_constant() && index.bounds(m.ranges()).max < 0 &&
      ir::less_equal(0, at, m.ranges()) != Truth::yes)
    at = ir::max(at, 0);
  if (at.is(ir::Interval::kMax)) return size;
  const Truth inside = ir::less_equal(at, size, m.ranges());
  if (inside == Truth::yes) return at;
  if (inside == Truth::no) return size;
  return ir::min(at, size);
}

}  // namespace

Result<Value> slice_tensor(Machine& m, const TensorRef& t, size_t axis, const Value& start_value,
                           const Value& stop_value, int64_t step) {
  if (step <= 0)
    return m.fail(ErrorKind::bad_file, "a slice has a step that is not positive",
                  std::to_string(step));
  const Dim size = t->sizes[axis];
  const Dim start =
      start_value.is_none() ? Dim(0) : clamp_index(m, TRY(m.to_int(start_value)), size);
  const Dim stop = stop_value.is_none() ? size : clamp_index(m, TRY(m.to_int(stop_value)), size);
  Dim span = stop - start;
  const Truth forward = ir::less_equal(0, span, m.ranges());
  if (forward == Truth::no)
    span = 0;
  else if (forward == Truth::unknown)
    span = ir::max(span, 0);
  const Dim length = ir::ceildiv(span, Dim(step));
  if (length == size && start.is(0) && step == 1) {
    return t;
  }
  ViewStep view{.kind = Step::slice,
                .before = t->sizes,
                .after = t->sizes,
                .axis = axis,
                .start = start,
                .step = Dim(step)};
  view.after[axis] = length;
  std::vector<Dim> strides = t->strides;
  strides[axis] = strides[axis] * Dim(step);
  return m.view(t, std::move(view), std::move(strides));
}

Result<Value> select_tensor(Machine& m, const TensorRef& t, size_t axis, const Dim& index) {
  const Dim at = wrap_index(m, index, t->sizes[axis]);
  if (at.is_constant() && t->sizes[axis].is_constant() &&
      (*at.constant() < 0 || *at.constant() >= *t->sizes[axis].constant())) {
    return m.fail(ErrorKind::bad_file, "an index is out of range",
                  fmt::format("index {} of a dimension of {}", index.str(), t->sizes[axis].str()),
                  "give the input shapes that the model was made for");
  }
  ViewStep view{
      .kind = Step::select, .before = t->sizes, .after = t->sizes, .axis = axis, .start = at};
  view.after.erase(view.after.begin() + static_cast<ptrdiff_t>(axis));
  std::vector<Dim> strides = t->strides;
  strides.erase(strides.begin() + static_cast<ptrdiff_t>(axis));
  return m.view(t, std::move(view), std::move(strides));
}

Result<Value> expand_tensor(Machine& m, const TensorRef& t, Shape sizes) {
  if (sizes.size() < t->sizes.size())
    return m.fail(ErrorKind::bad_file, "cannot expand to fewer dimensions", ir::to_string(sizes));
  for (size_t i = 0; i + t->sizes.size() < sizes.size(); ++i) {
    if (sizes[i].is(-1))
      return m.fail(ErrorKind::bad_file, "cannot expand a tensor",
                    "a new dimension needs a size: " + ir::to_string(sizes));
  }
  TensorRef base = t;
  const size_t more = sizes.size() - t->sizes.size();
  if (more > 0) {
    Shape padded(more, Dim(1));
    padded.insert(padded.end(), t->sizes.begin(), t->sizes.end());
    base = *TRY(reshape_tensor(m, t, padded, false)).get<TensorRef>();
  }
  std::vector<Dim> strides = base->strides;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i].is(-1)) sizes[i] = base->sizes[i];
    if (sizes[i] == base->sizes[i]) continue;
    if (base->sizes[i].is(1)) {
      strides[i] = 0;
      continue;
    }
    Bool same{Bool::Kind::relation, ir::Guard::Relation::eq, base->sizes[i], sizes[i], nullptr};
    const auto decided = m.decide(same);
    if (decided == false) {
      return m.fail(ErrorKind::bad_file, "cannot expand a tensor",
                    fmt::format("{} to {}", ir::to_string(base->sizes), ir::to_string(sizes)));
    }
    if (!decided) m.assume(same, true, "a tensor is expanded to the size that it has");
    sizes[i] = base->sizes[i];
  }
  TRY(check_sizes(m, sizes));
  ViewStep view{.kind = Step::expand, .before = base->sizes, .after = sizes};
  return m.view(base, std::move(view), std::move(strides));
}

namespace {

Result<Value> view(Machine& m, const Schema&, Arguments& args) {
  if (args[1].is<Dim>()) {  // view.dtype
    const TensorRef t = TRY(tensor_of(m, args[0]));
    const DType wanted = dtype_of_scalar_type(TRY(m.to_constant_int(args[1], "a dtype")));
    if (wanted == t->dtype) return t;
    if (wanted == real_type(t->dtype) || t->dtype == real_type(wanted)) {
      // Complex numbers as their parts in the last dimension, or these as complex numbers.
      const bool apart = is_complex(t->dtype);
      TensorRef from = apart ? real_view(t) : t;
      Shape sizes = from->sizes;
      if (sizes.empty()) return m.fail(ErrorKind::bad_file, "a number has no two parts", "");
      if (apart) {
        sizes.pop_back();
        if (!sizes.empty()) sizes.back() = sizes.back() * Dim(2);
      } else {
        sizes.back() = ir::floordiv(sizes.back(), Dim(2));
        sizes.emplace_back(2);
      }
      if (apart && sizes.empty())
        return m.fail(ErrorKind::bad_file, "a number has no dimension", "");
      const Value out = TRY(reshape_tensor(m, from, std::move(sizes), false));
      if (apart) return out;
      return complex_view(*out.get<TensorRef>());
    }
    return m.unsupported("unsupported operator aten::view.dtype",
                         "ONNX cannot reinterpret the bytes of a tensor as another type");
  }
  return reshape_tensor(m, TRY(tensor_of(m, args[0])), TRY(m.to_shape(args[1])), false);
}
Result<Value> reshape(Machine& m, const Schema&, Arguments& args) {
  return reshape_tensor(m, TRY(tensor_of(m, args[0])), TRY(m.to_shape(args[1])), true);
}
Result<Value> view_as(Machine& m, const Schema&, Arguments& args) {
  return reshape_tensor(m, TRY(tensor_of(m, args[0])), TRY(tensor_of(m, args[1]))->sizes, false);
}
Result<Value> reshape_as(Machine& m, const Schema&, Arguments& args) {
  return reshape_tensor(m, TRY(tensor_of(m, args[0])), TRY(tensor_of(m, args[1]))->sizes, true);
}

Result<Value> flatten(Machine& m, const Schema&, Arguments& args) {
  const TensorRef t = TRY(tensor_of(m, args[0]));
  if (t->sizes.empty()) return reshape_tensor(m, t, {1}, true);
  const size_t start = TRY(axis_of(m, args[1], t->sizes.size())),
               stop = TRY(axis_of(m, args[2], t->sizes.size()));
  if (stop < start) return m.fail(ErrorKind::bad_file, "flatten's start is behind its end", "");
  Shape sizes(t->sizes.begin(), t->sizes.begin() + static_cast<ptrdiff_t>(start));
  sizes.push_back(ir::product(std::span(t->sizes).subspan(start, stop - start + 1)));
  sizes.insert(sizes.end(), t->sizes.begin() + static_cast<ptrdiff_t>(stop) + 1, t->sizes.end());
  return reshape_tensor(m, t, std::move(sizes), true);
}

Result<Value> ravel(Machine& m, const Schema&, Arguments& args) {
  const TensorRef t = TRY(tensor_of(m, args[0]));
  return reshape_tensor(m, t, {ir::product(t->sizes)}, true);
}

Result<Value> unflatten(Machine& m, const Schema&, Arguments& args) {
  const TensorRef t = TRY(tensor_of(m, args[0]));
  const size_t axis = TRY(own_axis(m, args[1], t));
  const Shape inner = TRY(infer_sizes(m, TRY(m.to_shape(args[2])), t->sizes[axis]));
  Shape sizes(t->sizes.begin(), t->sizes.begin() + static_cast<ptrdiff_t>(axis));
  sizes.insert(sizes.end(), inner.begin(), inner.end());
  sizes.insert(sizes.end(), t->sizes.begin() + static_cast<ptrdiff_t>(axis) + 1, t->sizes.end());
  return reshape_tensor(m, t, std::move(sizes), true);
}

Result<Value> permute(Machine& m, const Schema&, Arguments& args) {
  const TensorRef t = TRY(tensor_of(m, args[0]));
  std::vector<int64_t> order;
  for (const Value& item : TRY(m.iterate(args[1])))
    order.push_back(static_cast<int64_t>(TRY(axis_of(m, item, t->sizes.size()))));
  std::vector<int64_t> sorted = order;
  std::sort(sorted.begin(), sorted.end());
  for (size_t i = 0; i < std::max(sorted.size(), t->sizes.size()); ++i) {
    if (sorted.size() != t->sizes.size() || sorted[i] != static_cast<int64_t>(i))
      return m.fail(ErrorKind::bad_file, "not a permutation of the dimensions", m.to_text(args[1]));
  }
  return permute_tensor(m, t, std::move(order));
}

Result<Value> transpose(Machine& m, const Schema&, Arguments& args) {
  const TensorRef t = TRY(tensor_of(m, args[0]));
  if (t->sizes.empty()) return t;
  const size_t a = TRY(axis_of(m, args[1], t->sizes.size())),
               b = TRY(axis_of(m, args[2], t->sizes.size()));
  std::vector<int64_t> order(t->sizes.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int64_t>(i);
  std::swap(order[a], order[b]);
  return permute_tensor(m, t, std::move(order));
}

Result<Value> reverse_axes(Machine& m, const Schema&, Arguments& args) {  // t, numpy_T, mT
  const TensorRef t = TRY(tensor_of(m, args[0]));
  std::vector<int64_t> order(t->sizes.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int64_t>(order.size() - 1 - i);
  return permute_tensor(m, t, std::move(order));
}

Result<Value> matrix_transpose(Machine& m, const Schema& s, Arguments& args) {
  Arguments full{args[0], Value::integer(-2), Value::integer(-1)};
  return transpose(m, s, full);
}

Result<Value> movedim(Machine& m, const Schema&, Arguments& args) {
  const TensorRef t = TRY(tensor_of(m, args[0]));
  const size_t rank = t->sizes.size();
  std::vector<int64_t> order(rank, -1);
  std::vector<bool> used(rank, false);
  const Shape from = TRY(m.to_shape(args[1])), to = TRY(m.to_shape(args[2]));
  if (rank == 0) return t;
  for (size_t i = 0; i < from.size() && i < to.size(); ++i) {
    const size_t a = TRY(axis_of(m, from[i], rank)), b = TRY(axis_of(m, to[i], rank));
    if (used[a] || order[b] >= 0)
      return m.fail(ErrorKind::bad_file, "a dimension is moved twice", m.to_text(args[1]));
    order[b] = static_cast<int64_t>(a);
    used[a] = true;
  }
  size_t next = 0;
  for (int64_t& entry : order) {
    if (entry >= 0) continue;
    while (next < rank && used[next]) ++next;
    entry = static_cast<int64_t>(next++);
  }
  return permute_tensor(m, t, std::move(order));
}

Result<Value> unsqueeze(Machine& m, const Schema&, Arguments& args) {
  const TensorRef t = TRY(tensor_of(m, args[0]));
  const size_t axis = TRY(axis_of(m, args[1], t->sizes.size() + 1));
  Shape sizes = t->sizes;
  sizes.insert(sizes.begin() + static_cast<ptrdiff_t>(axis), Dim(1));
  return reshape_tensor(m, t, std::move(sizes), false);
}

Result<Value> squeeze(Machine& m, const Schema&, Arguments& args) {
  const TensorRef t = TRY(tensor_of(m, args[0]));
  std::vector<bool> chosen(t->sizes.size(), args.size() < 2);
  if (args.size() >= 2) {
    for (const Dim& d : TRY(m.to_shape(args[1]))) {
      if (!t->sizes.empty()) chosen[TRY(axis_of(m, d, t->sizes.size()))] = true;
    }
  }
  Shape sizes;
  for (size_t i = 0; i < t->sizes.size(); ++i) {
    if (!chosen[i]) {
      sizes.push_back(t->sizes[i]);
      continue;
    }
    Bool one{Bool::Kind::relation, ir::Guard::Relation::eq, t->sizes[i], 1, nullptr};
    auto decided = t->sizes[i].is_constant() ? std::optional(t->sizes[i].is(1)) : m.decide(one);
    if (!decided) {
      m.assume(one, false, "a dynamic dimension that squeeze() names is taken to be larger than 1");
      decided = false;
    }
    if (!*decided) sizes.push_back(t->sizes[i]);
  }
  return reshape_tensor(m, t, std::move(sizes), false);
}

Result<Value> expand(Machine& m, const Schema&, Arguments& args) {
  return expand_tensor(m, TRY(tensor_of(m, args[0])), TRY(m.to_shape(args[1])));
}
Result<Value> expand_as(Machine& m, const Schema&, Arguments& args) {
  return expand_tensor(m, TRY(tensor_of(m, args[0])), TRY(tensor_of(m, args[1]))->sizes);
}

Result<Value> select(Machine& m, const Schema&, Arguments& args) {
  const TensorRef t = TRY(tensor_of(m, args[0]));
  return select_tensor(m, t, TRY(own_axis(m, args[1], t)), TRY(m.to_int(args[2])));
}

Result<Value> slice(Machine& m, const Schema&, Arguments& args) {
  const TensorRef t = TRY(tensor_of(m, args[0]));
  return slice_tensor(m, t, TRY(own_axis(m, args[1], t)), args[2], args[3],
                      TRY(m.to_constant_int(args[4], "the step of a slice")));
}

Result<Value> narrow(Machine& m, const Schema&, Arguments& args) {
  const TensorRef t = TRY(tensor_of(m, args[0]));
  const size_t axis = TRY(own_axis(m, args[1], t));
  const Dim start = wrap_index(m, TRY(m.to_int(args[2])), t->sizes[axis]);
  return slice_tensor(m, t, axis, start, start + TRY(m.to_int(args[3])), 1);
}

constexpr int64_t kMostPieces = 1 << 16;

std::unexpected<Error> too_many_pieces(const Machine& m, int64_t count) {
  return m.fail(ErrorKind::unsupported, "a tensor is taken apart into too many pieces",
                fmt::format("{} where {} are the limit", count, kMostPieces),
                "compute on the whole tensor");
}

Result<Value> pieces(Machine& m, const TensorRef& t, size_t axis, const std::vector<Dim>& sizes) {
  std::vector<Value> out;
  Dim at = 0;
  for (const Dim& size : sizes) {
    out.push_back(TRY(slice_tensor(m, t, axis, at, at + size, 1)));
    at = at + size;
  }
  return m.list(std::move(out));
}

Result<Value> equal_pieces(Machine& m, const TensorRef& t, size_t axis, const Dim& piece,
                           const char* what) {
  const Dim count = ir::ceildiv(t->sizes[axis], piece);
  if (!count.is_constant()) {
    return m.fail(ErrorKind::unsupported, fmt::format("cannot {} along a dynamic dimension", what),
                  fmt::format("the number of pieces, {}, depends on the input", count.str()),
                  "fix the dimension with --shapes");
  }
  if (*count.constant() > kMostPieces) return too_many_pieces(m, *count.constant());
  std::vector<Dim> sizes;
  for (int64_t i = 0; i < *count.constant(); ++i) {
    const bool last = i + 1 == *count.constant();
    sizes.push_back(last ? t->sizes[axis] - piece * Dim(i) : piece);
  }
  return pieces(m, t, axis, sizes);
}

Result<Value> split(Machine& m, const Schema&, Arguments& args) {
  const TensorRef t = TRY(tensor_of(m, args[0]));
  const size_t axis = TRY(own_axis(m, args[2], t));
  if (m.items(args[1])) return pieces(m, t, axis, TRY(m.to_shape(args[1])));
  const Dim size = TRY(m.to_int(args[1]));
  if (size.is_constant() && *size.constant() <= 0)
    return m.fail(ErrorKind::bad_file, "split needs a positive size", size.str());
  return equal_pieces(m, t, axis, size, "split");
}

Result<Value> chunk(Machine& m, const Schema&, Arguments& args) {
  const TensorRef t = TRY(tensor_of(m, args[0]));
  const size_t axis = TRY(own_axis(m, args[2], t));
  const int64_t chunks = TRY(m.to_constant_int(args[1], "the number of chunks"));
  if (chunks <= 0)
    return m.fail(ErrorKind::bad_file, "chunk needs a positive number", std::to_string(chunks));
  if (chunks > kMostPieces) return too_many_pieces(m, chunks);
  const Dim whole = ir::floordiv(t->sizes[axis], Dim(chunks));
  if (whole * Dim(chunks) == t->sizes[axis])
    return pieces(m, t, axis, std::vector<Dim>(static_cast<size_t>(chunks), whole));
  return equal_pieces(m, t, axis, ir::ceildiv(t->sizes[axis], Dim(chunks)), "chunk");
}

Result<Value> tensor_split(Machine& m, const Schema&, Arguments& args) {
  const TensorRef t = TRY(tensor_of(m, args[0]));
  const size_t axis = TRY(own_axis(m, args[2], t));
  if (m.items(args[1])) {
    // Slices between the places, which may come in any order and lie anywhere.
    std::vector<Value> parts;
    Dim start = 0;
    for (const Dim& stop : TRY(m.to_shape(args[1]))) {
      parts.push_back(TRY(slice_tensor(m, t, axis, start, stop, 1)));
      start = stop;
    }
    parts.push_back(TRY(slice_tensor(m, t, axis, start, {}, 1)));
    return m.list(std::move(parts));
  }
  std::vector<Dim> sizes;
  const int64_t n = TRY(m.to_constant_int(args[1], "the number of sections"));
  const int64_t size = TRY(m.to_constant_int(t->sizes[axis], "the size of the dimension to split"));
  if (n <= 0)
    return m.fail(ErrorKind::bad_file, "tensor_split needs a positive number", std::to_string(n));
  if (n > kMostPieces) return too_many_pieces(m, n);
  for (int64_t i = 0; i < n; ++i) sizes.emplace_back(size / n + (i < size % n ? 1 : 0));
  return pieces(m, t, axis, sizes);
}

// Where the splits are, or how many parts there are, as a tensor.
Result<Value> tensor_split_by_tensor(Machine& m, const Schema& schema, Arguments& args) {
  const TensorRef at = TRY(tensor_of(m, args[1]));
  Arguments full = args;
  if (at->sizes.empty()) {
    full[1] = TRY(m.to_int(args[1]));
    return tensor_split(m, schema, full);
  }
  const int64_t count =
      TRY(m.to_constant_int(at->sizes[0], "the number of places to split a tensor at"));
  if (count > kMostPieces) return too_many_pieces(m, count);
  std::vector<Value> places;
  for (int64_t i = 0; i < count; ++i)
    places.push_back(TRY(m.to_int(TRY(select_tensor(m, at, 0, i)))));
  full[1] = m.list(std::move(places));
  return tensor_split(m, schema, full);
}

// hsplit, vsplit, dsplit: along the second, first, third dimension (a vector's only one).
template <size_t which>
Result<Value> split_axis(Machine& m, const Schema& schema, Arguments& args) {
  const size_t rank = TRY(tensor_of(m, args[0]))->sizes.size();
  const size_t axis = which == 1 && rank == 1 ? 0 : which;
  if (axis >= rank)
    return m.fail(ErrorKind::bad_file, "a tensor has too few dimensions for " + schema.name,
                  fmt::format("it has {}", rank));
  Arguments full{args[0], args[1], Value::integer(static_cast<int64_t>(axis))};
  return tensor_split(m, schema, full);
}

Result<Value> unbind(Machine& m, const Schema&, Arguments& args) {
  const TensorRef t = TRY(tensor_of(m, args[0]));
  const size_t axis = TRY(own_axis(m, args[1], t));
  const int64_t count =
      TRY(m.to_constant_int(t->sizes[axis], "the size of the dimension to unbind"));
  if (count > kMostPieces) return too_many_pieces(m, count);
  std::vector<Value> out;
  for (int64_t i = 0; i < count; ++i) out.push_back(TRY(select_tensor(m, t, axis, i)));
  return m.list(std::move(out));
}

// squeeze_, unsqueeze_, transpose_, t_ and their like change the shape of the very tensor, under
// all its names.
Result<Value> reshape_in_place(Machine& m, const Schema& schema, Arguments&) {
  return m.unsupported("unsupported operator " + schema.full_name(),
                       "it changes the shape of a tensor that other names may hold",
                       "use the form without the underscore");
}

}  // namespace

std::span<const Builtin> view_builtins() {
  static constexpr Builtin kAll[] = {
      {"aten::view.*", view},
      {"aten::view", view},
      {"aten::view.dtype", view},
      {"aten::reshape", reshape},
      {"aten::_reshape_alias", reshape},
      {"aten::_unsafe_view", reshape},
      {"aten::view_as", view_as},
      {"aten::reshape_as", reshape_as},
      {"aten::flatten.using_ints", flatten},
      {"aten::ravel", ravel},
      {"aten::unflatten.int", unflatten},
      {"aten::permute", permute},
      {"aten::transpose.int", transpose},
      {"aten::swapaxes", transpose},
      {"aten::swapdims", transpose},
      {"aten::t", reverse_axes},
      {"aten::numpy_T", reverse_axes},
      {"aten::mT.*", matrix_transpose},
      {"aten::movedim.int", movedim},
      {"aten::movedim.intlist", movedim},
      {"aten::moveaxis.int", movedim},
      {"aten::moveaxis.intlist", movedim},
      {"aten::unsqueeze", unsqueeze},
      {"aten::squeeze", squeeze},
      {"aten::squeeze.dim", squeeze},
      {"aten::squeeze.dims", squeeze},
      {"aten::expand", expand},
      {"aten::expand_as", expand_as},
      {"aten::broadcast_to", expand},
      {"aten::select.int", select},
      {"aten::slice.Tensor", slice},
      {"aten::narrow.*", narrow},
      {"aten::split.Tensor", split},
      {"aten::split.sizes", split},
      {"aten::split", split},
      {"aten::split_with_sizes", split},
      {"aten::unsafe_split.Tensor", split},
      {"aten::unsafe_split_with_sizes", split},
      {"aten::chunk", chunk},
      {"aten::unsafe_chunk", chunk},
      {"aten::tensor_split.sections", tensor_split},
      {"aten::tensor_split.indices", tensor_split},
      {"aten::tensor_split.tensor_indices_or_sections", tensor_split_by_tensor},
      {"aten::hsplit.*", split_axis<1>},
      {"aten::vsplit.*", split_axis<0>},
      {"aten::dsplit.*", split_axis<2>},
      {"aten::unbind.int", unbind},
      {"aten::squeeze_.*", reshape_in_place},
      {"aten::unsqueeze_.*", reshape_in_place},
      {"aten::transpose_.*", reshape_in_place},
      {"aten::t_.*", reshape_in_place},
      {"aten::swapaxes_.*", reshape_in_place},
      {"aten::swapdims_.*", reshape_in_place},
      {"aten::as_strided_.*", reshape_in_place},
  };
  return kAll;
}

}  // namespace tenon::torch
