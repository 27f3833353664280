// What eigenvalues and singular values by Jacobi's rotations share, composed from ONNX's operators.
//
// A sweep rotates every pair of indices once. Pairs that have no index in common are rotated in one
// step, as in a round-robin tournament: n indices take n - 1 rounds (n where n is odd), and a round
// is a handful of operators on whole matrices. Sweeps go on until a whole one found nothing left to
// rotate, which takes 5 to 10 of them.
#pragma once

#include <limits>

#include "ops/common/onnx_matrix.h"

namespace tenon::ops::onnx_jacobi {

using namespace onnx_matrix;

inline constexpr int64_t kMostSweeps = 30;

// What is left of the precision of the type.
inline double epsilon(DType type) {
  return type == DType::f64 ? std::numeric_limits<double>::epsilon()
                            : std::numeric_limits<float>::epsilon();
}

inline V* modulo(const Emit& e, V* a, V* n) {
  return e.b.emit_with("Mod", {{"fmod", int64_t{0}}}, {a, n});
}

// The rounds of a tournament of n indices.
struct Rounds {
  V *n, *places;    // 0 .. n - 1
  V *even, *count;  // n rounded up to an even number, and that less one

  Rounds(const Emit& e, V* n) : n(n), places(e.count_to(n)) {
    even = e.op("Add", {n, modulo(e, n, e.integer(2))});
    count = e.op("Sub", {even, e.integer(1)});
  }
  // Each index's partner in round r [n]; itself where it has none. Indices meet whose sum is r
  // modulo the number of rounds; who would meet itself meets the last index.
  V* partners(const Emit& e, V* r) const {
    V* met = modulo(e, e.op("Sub", {r, places}), count);
    V* other = e.where(e.op("Equal", {met, places}), count, met);
    V* of_last = modulo(e, e.op("Mul", {r, e.op("Div", {even, e.integer(2)})}), count);
    V* all = e.where(e.op("Equal", {places, count}), of_last, other);
    return e.where(e.op("Less", {all, n}), all, places);
  }
};

// Rotations by the cosines c and sines s [.., n] of each index: column i becomes c_i times itself
// less s_i times its partner's.
struct Rotation {
  V *partners, *c, *s;

  V* columns(const Emit& e, V* x) const {
    V* other = e.b.emit(Gather{.axis = -1}, {x, partners});
    return e.op("Sub", {e.op("Mul", {x, e.as_row(c)}), e.op("Mul", {other, e.as_row(s)})});
  }
  V* rows(const Emit& e, V* x) const {
    V* other = e.b.emit(Gather{.axis = -2}, {x, partners});
    return e.op("Sub", {e.op("Mul", {x, e.as_column(c)}), e.op("Mul", {other, e.as_column(s)})});
  }
};

// The rotations by at most 45 degrees that make the symmetric matrix of an index and its partner
// diagonal: `own` on the diagonal [.., n], `off` beside it. Those of two partners are opposite.
inline Rotation rotation(const Emit& e, const Rounds& rounds, V* partners, V* own, V* off) {
  V *zero = e.number(own, 0), *one = e.number(own, 1), *minus = e.number(own, -1);
  V* other = e.b.emit(Gather{.axis = -1}, {own, partners});
  V* idle = e.op("Or", {e.op("Equal", {partners, rounds.places}), e.op("Equal", {off, zero})});
  V* twice = e.op("Mul", {e.where(idle, one, off), e.number(own, 2)});
  V* tau = e.op("Div", {e.op("Sub", {other, own}), twice});
  V* level = e.where(e.op("Less", {rounds.places, partners}), one, minus);
  V* sign =
      e.where(e.op("Greater", {tau, zero}), one, e.where(e.op("Less", {tau, zero}), minus, level));
  V* root = e.op("Sqrt", {e.op("Add", {one, e.op("Mul", {tau, tau})})});
  V* tangent = e.where(idle, zero, e.op("Div", {sign, e.op("Add", {e.op("Abs", {tau}), root})}));
  V* c = e.op("Div", {one, e.op("Sqrt", {e.op("Add", {one, e.op("Mul", {tangent, tangent})})})});
  return {partners, c, e.op("Mul", {tangent, c})};
}

// The largest element of all, as a 0-d value; of no elements, zero.
inline V* largest(const Emit& e, V* x) {
  V* flat = e.op("Reshape", {x, e.b.ints({-1})});
  V* all = e.b.emit_with("Concat", {{"axis", int64_t{0}}},
                         {flat, e.b.constant(Tensor::zeros(x->dtype(), {1}))});
  return e.reduce("ReduceMax", all, 0, false);
}

// One round: new values for the carried ones, and how far from diagonal its pairs were.
using Round = std::function<Values(const Emit&, V* partners, const Values& carried, V*& worst)>;

// Sweeps until the worst pair of a sweep is within `tolerance`.
inline Result<Values> sweeps(onnx::ExportContext& c, const Rounds& rounds, Values start, DType type,
                             double tolerance, const Round& round) {
  const Emit e{c.b};
  start.push_back(c.b.scalar(0, type));  // the worst pair of this sweep so far
  auto step = [&](const Emit& s, V* j, const Values& carried) -> Values {
    V* r = modulo(s, j, rounds.count);
    const Values own(carried.begin(), carried.end() - 1);
    V* worst = nullptr;
    Values out = round(s, rounds.partners(s, r), own, worst);
    V* before = s.where(s.op("Equal", {r, s.integer(0)}), s.b.scalar(0, type), carried.back());
    worst = s.op("Max", {before, worst});
    V* within = s.op("Less", {s.op("Add", {r, s.integer(1)}), rounds.count});
    V* turning = s.op("Greater", {worst, s.b.scalar(tolerance, type)});
    out.push_back(worst);
    out.push_back(s.op("Or", {within, turning}));
    return out;
  };
  V* most = e.op("Mul", {rounds.count, e.integer(kMostSweeps)});
  Values out = TRY(repeat_while(c, most, std::move(start), step));
  out.pop_back();
  return out;
}

// Columns of x [.., m, n] in the order that `places` [.., k] says.
inline V* ordered_columns(const Emit& e, V* x, V* places) {
  V* rows = e.as_vector(e.size(x, -2));
  V* shape = e.b.emit(ops::Shape{}, {places});
  V* batch = e.op("Slice", {shape, e.b.ints({0}), e.b.ints({-1}), e.b.ints({0}), e.b.ints({1})});
  V* last = e.op("Slice", {shape, e.b.ints({-1}), e.b.ints({ir::Interval::kMax}), e.b.ints({0}),
                           e.b.ints({1})});
  V* sizes = e.b.emit_with("Concat", {{"axis", int64_t{0}}}, {batch, rows, last});
  return e.b.emit(GatherElements{.axis = -1}, {x, e.op("Expand", {e.as_row(places), sizes})});
}

}  // namespace tenon::ops::onnx_jacobi
