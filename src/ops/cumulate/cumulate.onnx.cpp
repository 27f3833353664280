// ONNX accumulates sums only. By doubling: after step k each element is combined with the 2^k
// before it, which takes log2(n) steps of a shift and a combination.
#include "ops/cumulate/cumulate.h"

#include <cmath>

#include "onnx/mapping.h"

namespace tenon::ops {
namespace {

using V = ir::Value;

class Doubling {
 public:
  Doubling(onnx::ExportContext& c, const Cumulate& op, int64_t axis, int64_t n)
      : b_(c.b), op_(op), axis_(axis), n_(n) {}

  std::pair<V*, V*> run(V* x, bool with_places) {
    V* places = with_places ? first_places(x) : nullptr;
    for (int64_t step = 1; step < n_; step *= 2) {
      if (op_.function == "product") {
        x = b_.emit_named("Mul", {x, shifted(x, step, filled(x, step, 1))});
      } else if (op_.function == "logsumexp") {
        x = log_of_sum(shifted(x, step, filled(x, step, -HUGE_VAL)), x);
      } else {
        // An element is combined with itself where there is none before it.
        V* before = shifted(x, step, part(x, 0, step));
        V* taken = takes_over(before, x);
        if (with_places)
          places =
              b_.emit_named("Where", {taken, places, shifted(places, step, part(places, 0, step))});
        x = b_.emit_named("Where", {taken, x, before});
      }
    }
    return {x, places};
  }

 private:
  V* scalar(V* like, double value) { return b_.scalar(value, like->dtype()); }
  V* shape_of(V* x) { return b_.emit_with("Shape", {{"start", int64_t{0}}}, {x}); }

  V* first_places(V* x) {
    std::vector<int64_t> shape(x->rank().value_or(1), 1);
    shape[static_cast<size_t>(axis_)] = n_;
    std::vector<int64_t> counted;
    for (int64_t i = 0; i < n_; ++i) counted.push_back(i);
    V* line = b_.constant(Tensor::of<int64_t>(DType::i64, shape, counted));
    return b_.emit_named("Expand", {line, shape_of(x)});
  }

  V* part(V* x, int64_t from, int64_t to) {
    return b_.emit_named("Slice",
                         {x, b_.ints({from}), b_.ints({to}), b_.ints({axis_}), b_.ints({1})});
  }
  V* filled(V* x, int64_t step, double value) {
    return b_.emit_named("Expand", {scalar(x, value), shape_of(part(x, 0, step))});
  }
  // The elements `step` places on, behind `front`.
  V* shifted(V* x, int64_t step, V* front) {
    return b_.emit_with("Concat", {{"axis", axis_}}, {front, part(x, 0, n_ - step)});
  }

  V* takes_over(V* before, V* now) {
    V* further =
        b_.emit_named(op_.function == "max" ? "GreaterOrEqual" : "LessOrEqual", {now, before});
    if (!is_floating(now->dtype())) return further;
    V* free = b_.emit_named("Not", {b_.emit_named("IsNaN", {before})});
    return b_.emit_named("Or",
                         {b_.emit_named("IsNaN", {now}), b_.emit_named("And", {free, further})});
  }

  V* log_of_sum(V* a, V* b) {
    V* apart = b_.emit_named("Neg", {b_.emit_named("Abs", {b_.emit_named("Sub", {a, b})})});
    V* more =
        b_.emit_named("Log", {b_.emit_named("Add", {scalar(a, 1), b_.emit_named("Exp", {apart})})});
    V* sum = b_.emit_named("Add", {b_.emit_named("Max", {a, b}), more});
    V* same = b_.emit_named("Equal", {a, b});
    V* infinite = b_.emit_named("Equal", {b_.emit_named("Abs", {a}), scalar(a, HUGE_VAL)});
    return b_.emit_named("Where", {b_.emit_named("And", {same, infinite}), a, sum});
  }

  ir::Builder& b_;
  const Cumulate& op_;
  int64_t axis_, n_;
};

Status write_cumulate(onnx::ExportContext& c) {
  const auto op = c.as<Cumulate>();
  V* x = c.input(0);
  const auto& shape = x->shape();
  const auto rank = static_cast<int64_t>(shape ? shape->size() : 0);
  const int64_t axis = op.axis < 0 ? op.axis + rank : op.axis;
  const auto n = shape && axis < rank ? (*shape)[static_cast<size_t>(axis)].constant()
                                      : std::optional<int64_t>();
  if (!n) return {};  // how many steps there are is not known
  const bool with_places = c.node->outputs().size() > 1 && !c.node->output(1)->uses.empty();
  const auto [values, places] = Doubling(c, op, axis, *n).run(x, with_places);
  return c.replace({values, places});
}

}  // namespace

std::span<const onnx::Mapping> cumulate_onnx() {
  static constexpr onnx::Mapping rows[] = {[] {
    onnx::Mapping row = onnx::composed<Cumulate>(write_cumulate);
    row.lacks =
        "ONNX accumulates sums only, and to compose this the size of the dimension that it runs "
        "along must be known";
    return row;
  }()};
  return rows;
}

}  // namespace tenon::ops
