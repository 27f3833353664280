// Operators on Python's numbers, bools and strings.
#include <fmt/format.h>

#include <cmath>
#include <numeric>

#include "torch/lowering.h"

namespace tenon::torch {
namespace {

using Relation = ir::Guard::Relation;
using Arguments = std::vector<Value>;

enum class Arithmetic : uint8_t { add, sub, mul, truediv, floordiv, mod, power, min, max };
enum class Comparison : uint8_t { eq, ne, lt, le, gt, ge };

bool integral(const Value& v) { return v.is<Dim>() || v.is<Bool>(); }

double apply(Arithmetic op, double a, double b) {
  switch (op) {
    case Arithmetic::add:
      return a + b;
    case Arithmetic::sub:
      return a - b;
    case Arithmetic::mul:
      return a * b;
    case Arithmetic::truediv:
      return a / b;
    case Arithmetic::floordiv:
      return std::floor(a / b);
    case Arithmetic::mod:
      return a - b * std::floor(a / b);
    case Arithmetic::power:
      return std::pow(a, b);
    case Arithmetic::min:
      return std::min(a, b);
    case Arithmetic::max:
      return std::max(a, b);
  }
  return 0;
}

Result<Value> on_ints(Machine& m, Arithmetic op, const Dim& a, const Dim& b) {
  switch (op) {
    case Arithmetic::add:
      return a + b;
    case Arithmetic::sub:
      return a - b;
    case Arithmetic::mul:
      return a * b;
    case Arithmetic::min:
      return ir::min(a, b);
    case Arithmetic::max:
      return ir::max(a, b);
    case Arithmetic::floordiv:
    case Arithmetic::mod:
      if (b.is(0))
        return m.fail(ErrorKind::bad_file, "the program divides by zero", a.str() + " by 0");
      return op == Arithmetic::mod ? ir::mod(a, b) : ir::floordiv(a, b);
    case Arithmetic::power:
      if (auto e = b.constant(); e && *e >= 0 && *e <= 64) {
        Dim out = 1;
        for (int64_t i = 0; i < *e; ++i) out = out * a;
        return Value(out);
      }
      return m.fail(ErrorKind::unsupported, "cannot compute a power of integers",
                    a.str() + " ** " + b.str());
    case Arithmetic::truediv:
      break;
  }
  if (auto d = b.constant(); d && *d != 0) {
    if (auto n = a.constant())
      return Value::number(static_cast<double>(*n) / static_cast<double>(*d));
    return Float{0, a, 1.0 / static_cast<double>(*d), 0, nullptr};
  }
  if (a == b) return Value::number(1);
  return m.fail(ErrorKind::internal, "a symbolic division reached the integers",
                a.str() + " / " + b.str());
}

Result<Value> in_graph(Machine& m, Arithmetic op, const Value& a, const Value& b) {
  static constexpr const char* kNames[] = {"Add", "Sub", "Mul", "Div", "Div",
                                           "Mod", "Pow", "Min", "Max"};
  ir::Value* x = TRY(m.scalar_value(a, DType::f64));
  ir::Value* y = TRY(m.scalar_value(b, DType::f64));
  ir::Value* out = nullptr;
  if (op == Arithmetic::mod) {
    ir::Value* quotient = m.builder.emit_named("Floor", {m.builder.emit_named("Div", {x, y})});
    out = m.builder.emit_named("Sub", {x, m.builder.emit_named("Mul", {y, quotient})});
  } else {
    out = m.builder.emit_named(kNames[static_cast<size_t>(op)], {x, y});
    if (op == Arithmetic::floordiv) out = m.builder.emit_named("Floor", {out});
  }
  TRY(m.builder.status());
  return Float{0, {}, 1, 0, out};
}

template <Arithmetic op>
Result<Value> arithmetic(Machine& m, const Schema&, Arguments& args) {
  const Value &a = args[0], &b = args[1];
  if (integral(a) && integral(b)) {
    const Dim x = TRY(m.to_int(a)), y = TRY(m.to_int(b));
    if (op != Arithmetic::truediv || x == y || (y.is_constant() && !y.is(0)))
      return on_ints(m, op, x, y);
    if (x.is_constant() && y.is(0))
      return m.fail(ErrorKind::bad_file, "the program divides by zero", x.str() + " by 0");
    return in_graph(m, op, a, b);
  }
  const Float x = TRY(m.to_float(a)), y = TRY(m.to_float(b));
  if (x.is_known() && y.is_known()) return Value::number(apply(op, x.known, y.known));
  if (x.of && y.is_known()) {
    if constexpr (op == Arithmetic::mul)
      return Float{0, x.of, x.factor * y.known, x.offset * y.known, nullptr};
    if constexpr (op == Arithmetic::truediv)
      return Float{0, x.of, x.factor / y.known, x.offset / y.known, nullptr};
    if constexpr (op == Arithmetic::add)
      return Float{0, x.of, x.factor, x.offset + y.known, nullptr};
    if constexpr (op == Arithmetic::sub)
      return Float{0, x.of, x.factor, x.offset - y.known, nullptr};
  }
  if (y.of && x.is_known()) {
    if constexpr (op == Arithmetic::mul)
      return Float{0, y.of, y.factor * x.known, y.offset * x.known, nullptr};
    if constexpr (op == Arithmetic::add)
      return Float{0, y.of, y.factor, y.offset + x.known, nullptr};
  }
  return in_graph(m, op, a, b);
}

bool holds(Comparison op, double a, double b) {
  switch (op) {
    case Comparison::eq:
      return a == b;
    case Comparison::ne:
      return a != b;
    case Comparison::lt:
      return a < b;
    case Comparison::le:
      return a <= b;
    case Comparison::gt:
      return a > b;
    case Comparison::ge:
      return a >= b;
  }
  return false;
}

Bool relate(Comparison op, const Dim& a, const Dim& b) {
  if (a.is_constant() && b.is_constant()) {
    const int64_t x = *a.constant(), y = *b.constant();
    switch (op) {
      case Comparison::eq:
        return Bool::of(x == y);
      case Comparison::ne:
        return Bool::of(x != y);
      case Comparison::lt:
        return Bool::of(x < y);
      case Comparison::le:
        return Bool::of(x <= y);
      case Comparison::gt:
        return Bool::of(x > y);
      case Comparison::ge:
        return Bool::of(x >= y);
    }
  }
  auto relation = [](Relation r, const Dim& x, const Dim& y) {
    return Bool{Bool::Kind::relation, r, x, y, nullptr};
  };
  switch (op) {
    case Comparison::eq:
      return a == b ? Bool::of(true) : relation(Relation::eq, a, b);
    case Comparison::ne:
      return a == b ? Bool::of(false) : relation(Relation::ne, a, b);
    case Comparison::lt:
      return relation(Relation::le, a + Dim(1), b);
    case Comparison::le:
      return relation(Relation::le, a, b);
    case Comparison::gt:
      return relation(Relation::le, b + Dim(1), a);
    case Comparison::ge:
      return relation(Relation::le, b, a);
  }
  return {};
}

// A relation that the declared ranges decide becomes known at once.
Value settled(const Machine& m, const Bool& b) {
  if (auto known = m.decide(b)) return Value::boolean(*known);
  return b;
}

Result<std::optional<bool>> equal_values(Machine& m, const Value& a, const Value& b);

Result<std::optional<bool>> equal_lists(Machine& m, const std::vector<Value>& a,
                                        const std::vector<Value>& b) {
  if (a.size() != b.size()) return std::optional(false);
  for (size_t i = 0; i < a.size(); ++i) {
    const auto same = TRY(equal_values(m, a[i], b[i]));
    if (!same || !*same) return same;
  }
  return std::optional(true);
}

Result<std::optional<bool>> equal_values(Machine& m, const Value& a, const Value& b) {
  if (const auto *x = m.items(a), *y = m.items(b); x && y)
    return equal_lists(m, std::vector<Value>(*x), std::vector<Value>(*y));
  if (a.is<std::string>() && b.is<std::string>())
    return std::optional(*a.get<std::string>() == *b.get<std::string>());
  if (a.is<Device>() && b.is<Device>()) return std::optional(*a.get<Device>() == *b.get<Device>());
  if (a.is_none() || b.is_none()) return std::optional(a.is_none() && b.is_none());
  if (integral(a) && integral(b))
    return m.decide(relate(Comparison::eq, TRY(m.to_int(a)), TRY(m.to_int(b))));
  if ((integral(a) || a.is<Float>()) && (integral(b) || b.is<Float>())) {
    const Float x = TRY(m.to_float(a)), y = TRY(m.to_float(b));
    if (x.is_known() && y.is_known()) return std::optional(x.known == y.known);
    return std::optional<bool>();
  }
  return std::optional(false);
}

template <Comparison op>
Result<Value> compare(Machine& m, const Schema&, Arguments& args) {
  const Value &a = args[0], &b = args[1];
  if (a.is<Bool>() && b.is<Bool>() && (op == Comparison::eq || op == Comparison::ne)) {
    const Bool x = *a.get<Bool>(), y = *b.get<Bool>();
    if (x.is_known() && y.is_known())
      return Value::boolean((x.kind == y.kind) == (op == Comparison::eq));
  }
  if (integral(a) && integral(b)) return settled(m, relate(op, TRY(m.to_int(a)), TRY(m.to_int(b))));
  if ((integral(a) || a.is<Float>()) && (integral(b) || b.is<Float>())) {
    const Float x = TRY(m.to_float(a)), y = TRY(m.to_float(b));
    if (x.is_known() && y.is_known()) return Value::boolean(holds(op, x.known, y.known));
    static constexpr const char* kNames[] = {"Equal",       "Equal",   "Less",
                                             "LessOrEqual", "Greater", "GreaterOrEqual"};
    ir::Value* out = m.builder.emit_named(
        kNames[static_cast<size_t>(op)],
        {TRY(m.scalar_value(a, DType::f64)), TRY(m.scalar_value(b, DType::f64))});
    if (op == Comparison::ne) out = m.builder.emit_named("Not", {out});
    TRY(m.builder.status());
    return Bool{Bool::Kind::computed, {}, {}, {}, out};
  }
  if (const std::string *x = a.get<std::string>(), *y = b.get<std::string>(); x && y)
    return Value::boolean(holds(op, x->compare(*y), 0));
  if constexpr (op == Comparison::eq || op == Comparison::ne) {
    const auto same = TRY(equal_values(m, a, b));
    if (same) return Value::boolean(*same == (op == Comparison::eq));
    return m.fail(ErrorKind::unsupported, "cannot decide whether two lists are equal",
                  "their elements depend on data");
  }
  return m.fail(ErrorKind::unsupported, "cannot compare these values",
                a.kind() + " with " + b.kind());
}

Result<Value> negate_number(Machine& m, const Schema& s, Arguments& args) {
  Arguments both{Value::integer(0), args[0]};
  if (args[0].is<Float>()) both = {Value::number(-1), args[0]};
  return args[0].is<Float>() ? arithmetic<Arithmetic::mul>(m, s, both)
                             : arithmetic<Arithmetic::sub>(m, s, both);
}

// Rounding and elementary functions of numbers; `integer` where Python's result is an int.
struct Function {
  double (*known)(double);
  const char* op;  // the same in the graph
  bool integer = false;
};
constexpr Function kFloor{[](double x) { return std::floor(x); }, "Floor", true};
constexpr Function kCeil{[](double x) { return std::ceil(x); }, "Ceil", true};
constexpr Function kRound{[](double x) { return std::nearbyint(x); }, "Round"};
constexpr Function kSqrt{[](double x) { return std::sqrt(x); }, "Sqrt"};
constexpr Function kExp{[](double x) { return std::exp(x); }, "Exp"};
constexpr Function kLog{[](double x) { return std::log(x); }, "Log"};
constexpr Function kSin{[](double x) { return std::sin(x); }, "Sin"};
constexpr Function kCos{[](double x) { return std::cos(x); }, "Cos"};
constexpr Function kTan{[](double x) { return std::tan(x); }, "Tan"};
constexpr Function kTanh{[](double x) { return std::tanh(x); }, "Tanh"};
constexpr Function kAbs{[](double x) { return std::abs(x); }, "Abs"};

Result<Value> apply(Machine& m, const Function& f, const Value& argument) {
  if (f.integer && integral(argument)) return argument;
  const Float x = TRY(m.to_float(argument));
  if (x.is_known()) {
    const double y = f.known(x.known);
    if (!f.integer) return Value::number(y);
    if (!(std::abs(y) < 9.2e18))
      return m.fail(ErrorKind::bad_file, "a number is too large for an integer",
                    fmt::format("{} of {}", f.op, x.known));
    return Value::integer(static_cast<int64_t>(y));
  }
  if (x.of && x.offset == 0) {
    if (&f == &kFloor) return ir::floorscale(*x.of, x.factor);
    if (&f == &kCeil) return -ir::floorscale(-*x.of, x.factor);
  }
  ir::Value* out = m.builder.emit_named(f.op, {TRY(m.scalar_value(x, DType::f64))});
  TRY(m.builder.status());
  const Value number = Float{0, {}, 1, 0, out};
  if (f.integer) return TRY(m.to_int(number));
  return number;
}

// Of numbers that are known; a symbolic one is refused with the operator's name.
template <double (*f)(double)>
Result<Value> known_function(Machine& m, const Schema& schema, Arguments& args) {
  const Float x = TRY(m.to_float(args[0]));
  if (!x.is_known())
    return m.fail(ErrorKind::unsupported, schema.name + " of a number that data decides",
                  "sizes and data have no such function", "write it with torch operators");
  return Value::number(f(x.known));
}
double to_degrees(double x) { return x * 180 / M_PI; }
double to_radians(double x) { return x * M_PI / 180; }
double factorial(double x) { return std::round(std::tgamma(x + 1)); }

Result<Value> int_factorial(Machine& m, const Schema& schema, Arguments& args) {
  const int64_t n = TRY(m.to_constant_int(args[0], "the argument of factorial"));
  if (n < 0 || n > 20)
    return m.fail(ErrorKind::bad_file, "factorial is out of range", fmt::format("of {}", n));
  return Value::integer(static_cast<int64_t>(factorial(static_cast<double>(n))));
}

Result<Value> greatest_common_divisor(Machine& m, const Schema&, Arguments& args) {
  const int64_t a = TRY(m.to_constant_int(args[0], "an argument of gcd"));
  const int64_t b = TRY(m.to_constant_int(args[1], "an argument of gcd"));
  return Value::integer(std::gcd(a, b));
}

Result<Value> copy_sign(Machine& m, const Schema&, Arguments& args) {
  const Float a = TRY(m.to_float(args[0])), b = TRY(m.to_float(args[1]));
  if (!a.is_known() || !b.is_known())
    return m.fail(ErrorKind::unsupported, "copysign of numbers that data decides",
                  "sizes have no sign of their own", "use torch.copysign");
  return Value::number(std::copysign(a.known, b.known));
}

// x * 2^n, and x // 2^n rounded down.
template <bool left>
Result<Value> shift(Machine& m, const Schema&, Arguments& args) {
  const int64_t places = TRY(m.to_constant_int(args[1], "the places of a shift"));
  if (places < 0 || places > 62)
    return m.fail(ErrorKind::bad_file, "a shift is out of range", fmt::format("by {}", places));
  const Dim factor(int64_t{1} << places), x = TRY(m.to_int(args[0]));
  return left ? x * factor : ir::floordiv(x, factor);
}

Result<Value> divide_with_remainder(Machine& m, const Schema& s, Arguments& args) {
  return Value::tuple({TRY(arithmetic<Arithmetic::floordiv>(m, s, args)),
                       TRY(arithmetic<Arithmetic::mod>(m, s, args))});
}

Result<Value> promoted_type(Machine& m, const Schema&, Arguments& args) {
  const int64_t a = TRY(m.to_constant_int(args[0], "a dtype"));
  const int64_t b = TRY(m.to_constant_int(args[1], "a dtype"));
  return Value::integer(
      scalar_type_of_dtype(promote(dtype_of_scalar_type(a), dtype_of_scalar_type(b))));
}

template <const Function& f>
Result<Value> unary(Machine& m, const Schema&, Arguments& args) {
  return apply(m, f, args[0]);
}

Result<Value> absolute(Machine& m, const Schema&, Arguments& args) {
  if (integral(args[0])) {
    const Dim d = TRY(m.to_int(args[0]));
    return ir::max(d, -d);
  }
  return apply(m, kAbs, args[0]);
}

Result<Value> to_int(Machine& m, const Schema&, Arguments& args) {
  if (const std::string* s = args[0].get<std::string>())
    return Value::integer(std::strtoll(s->c_str(), nullptr, 10));
  return TRY(m.to_int(args[0]));
}
Result<Value> to_float(Machine& m, const Schema&, Arguments& args) {
  if (const std::string* s = args[0].get<std::string>())
    return Value::number(std::strtod(s->c_str(), nullptr));
  return TRY(m.to_float(args[0]));
}
Result<Value> to_bool(Machine& m, const Schema&, Arguments& args) {
  return settled(m, TRY(m.to_bool(args[0])));
}

// A number of whatever kind the tensor has.
Result<Value> to_scalar(Machine& m, const Schema&, Arguments& args) {
  const TensorRef* t = args[0].get<TensorRef>();
  if (t == nullptr) return args[0];
  if ((*t)->dtype == DType::boolean) return TRY(m.to_bool(args[0]));
  if (is_floating((*t)->dtype)) return TRY(m.to_float(args[0]));
  return TRY(m.to_int(args[0]));
}

Result<Value> logical_not(Machine& m, const Schema&, Arguments& args) {
  const Bool b = TRY(m.to_bool(args[0]));
  return settled(m, m.negate(b));
}

template <bool conjunction>
Result<Value> logical(Machine& m, const Schema&, Arguments& args) {
  if (args[0].is<Dim>() && args[1].is<Dim>()) {
    const int64_t a = TRY(m.to_constant_int(args[0], "an operand of a bit operation")),
                  b = TRY(m.to_constant_int(args[1], "an operand of a bit operation"));
    return Value::integer(conjunction ? (a & b) : (a | b));
  }
  const Bool a = TRY(m.to_bool(args[0])), b = TRY(m.to_bool(args[1]));
  for (const Bool* one : {&a, &b}) {
    if (auto known = m.decide(*one)) {
      if (*known != conjunction) return Value::boolean(!conjunction);
      return settled(m, one == &a ? b : a);
    }
  }
  ir::Value* out = m.builder.emit_named(conjunction ? "And" : "Or",
                                        {TRY(m.bool_value(a)), TRY(m.bool_value(b))});
  TRY(m.builder.status());
  return Bool{Bool::Kind::computed, {}, {}, {}, out};
}

Result<Value> exclusive_or(Machine& m, const Schema&, Arguments& args) {
  if (args[0].is<Dim>()) {
    return Value::integer(TRY(m.to_constant_int(args[0], "an operand of ^")) ^
                          TRY(m.to_constant_int(args[1], "an operand of ^")));
  }
  const Bool a = TRY(m.to_bool(args[0])), b = TRY(m.to_bool(args[1]));
  if (a.is_known()) return a.kind == Bool::Kind::yes ? Value(m.negate(b)) : Value(b);
  if (b.is_known()) return b.kind == Bool::Kind::yes ? Value(m.negate(a)) : Value(a);
  return Bool{Bool::Kind::computed,
              {},
              {},
              {},
              m.builder.emit_named("Xor", {TRY(m.bool_value(a)), TRY(m.bool_value(b))})};
}

bool identical(const Value& a, const Value& b) {
  if (a.v.index() != b.v.index()) return false;
  if (a.is_none()) return true;
  if (const TensorRef* t = a.get<TensorRef>()) return *t == *b.get<TensorRef>();
  if (const ListRef* l = a.get<ListRef>()) return *l == *b.get<ListRef>();
  if (const ObjectRef* o = a.get<ObjectRef>()) return *o == *b.get<ObjectRef>();
  if (const DictRef* d = a.get<DictRef>()) return *d == *b.get<DictRef>();
  if (const Dim* d = a.get<Dim>()) return *d == *b.get<Dim>();
  if (const Bool* x = a.get<Bool>()) return x->is_known() && x->kind == b.get<Bool>()->kind;
  if (const std::string* s = a.get<std::string>()) return *s == *b.get<std::string>();
  return false;
}

Result<Value> is_same(Machine& m, const Schema&, Arguments& args) {
  for (const size_t i : {0, 1}) {
    if (const Maybe* maybe = args[i].get<Maybe>(); maybe && args[1 - i].is_none())
      return settled(m, m.negate(maybe->present));
  }
  return Value::boolean(identical(args[0], args[1]));
}
Result<Value> is_not_same(Machine& m, const Schema& schema, Arguments& args) {
  const Value same = TRY(is_same(m, schema, args));
  return settled(m, m.negate(*same.get<Bool>()));
}
// The value of an Optional that the program says is there.
Result<Value> unwrap(Machine&, const Schema&, Arguments& args) {
  const Maybe* maybe = args[0].get<Maybe>();
  return maybe ? *maybe->value : args[0];
}

Result<Value> warn(Machine& m, const Schema&, Arguments& args) {
  m.notices.push_back({"the program warns: " + m.to_text(args[0]), ir::where(m.builder.origin())});
  return Value();
}

// How TorchScript spells range(lo, hi, step): how often its body runs, and the number in the pass.
Result<Value> range_length(Machine& m, const Schema&, Arguments& args) {
  const Dim lo = TRY(m.to_int(args[0])), hi = TRY(m.to_int(args[1]));
  const int64_t step = TRY(m.to_constant_int(args[2], "the step of a range"));
  if (step == 0)
    return m.fail(ErrorKind::bad_file, "the program counts in steps of zero", "range's step is 0");
  const Dim length = step > 0 ? ir::ceildiv(hi - lo, Dim(step)) : ir::ceildiv(lo - hi, Dim(-step));
  return length.bounds(m.ranges()).min >= 0 ? length : ir::max(length, 0);
}

Result<Value> derive_index(Machine& m, const Schema&, Arguments& args) {
  return TRY(m.to_int(args[1])) + TRY(m.to_int(args[0])) * TRY(m.to_int(args[2]));
}

Result<Value> nothing(Machine&, const Schema&, Arguments&) { return Value(); }
Result<Value> no(Machine&, const Schema&, Arguments&) { return Value::boolean(false); }
Result<Value> first(Machine&, const Schema&, Arguments& args) { return args[0]; }
Result<Value> raise(Machine& m, const Schema&, Arguments& args) {
  return m.fail(ErrorKind::bad_file, "the program raises an exception", m.to_text(args[0]),
                "give inputs that the program takes");
}

}  // namespace

std::span<const Builtin> python_builtins() {
  using A = Arithmetic;
  using C = Comparison;
  static constexpr Builtin kAll[] = {
      {"aten::add.#", arithmetic<A::add>},
      {"aten::sub.#", arithmetic<A::sub>},
      {"aten::mul.#", arithmetic<A::mul>},
      {"aten::div.#", arithmetic<A::truediv>},
      {"aten::floordiv.#", arithmetic<A::floordiv>},
      {"aten::remainder.#", arithmetic<A::mod>},
      {"aten::fmod.#", arithmetic<A::mod>},
      {"aten::pow.#", arithmetic<A::power>},
      {"aten::pow.int_to_int", arithmetic<A::power>},
      {"prim::min.#", arithmetic<A::min>},
      {"prim::max.#", arithmetic<A::max>},
      {"aten::neg.#", negate_number},
      {"aten::eq.#", compare<C::eq>},
      {"aten::ne.#", compare<C::ne>},
      {"aten::lt.#", compare<C::lt>},
      {"aten::le.#", compare<C::le>},
      {"aten::gt.#", compare<C::gt>},
      {"aten::ge.#", compare<C::ge>},
      {"aten::eq.str", compare<C::eq>},
      {"aten::ne.str", compare<C::ne>},
      {"aten::lt.str", compare<C::lt>},
      {"aten::gt.str", compare<C::gt>},
      {"aten::eq.device", compare<C::eq>},
      {"aten::ne.device", compare<C::ne>},
      {"prim::eq.device", compare<C::eq>},
      {"aten::eq.int_list", compare<C::eq>},
      {"aten::eq.float_list", compare<C::eq>},
      {"aten::eq.bool_list", compare<C::eq>},
      {"aten::eq.str_list", compare<C::eq>},
      {"aten::ne.int_list", compare<C::ne>},
      {"aten::ne.float_list", compare<C::ne>},
      {"aten::ne.bool_list", compare<C::ne>},
      {"aten::ne.str_list", compare<C::ne>},
      {"aten::eq.enum", compare<C::eq>},
      {"aten::ne.enum", compare<C::ne>},
      {"aten::floor.#", unary<kFloor>},
      {"aten::ceil.#", unary<kCeil>},
      {"aten::round.#", unary<kRound>},
      {"aten::sqrt.#", unary<kSqrt>},
      {"aten::exp.#", unary<kExp>},
      {"aten::log.#", unary<kLog>},
      {"aten::sin.#", unary<kSin>},
      {"aten::cos.#", unary<kCos>},
      {"aten::tan.#", unary<kTan>},
      {"aten::tanh.#", unary<kTanh>},
      {"prim::abs.#", absolute},
      {"aten::abs.#", absolute},
      {"aten::Int.*", to_int},
      {"aten::Float.*", to_float},
      {"aten::Bool.*", to_bool},
      {"aten::IntImplicit.*", to_int},
      {"aten::FloatImplicit.*", to_float},
      {"aten::ScalarImplicit.*", to_scalar},
      {"aten::item", to_scalar},
      {"aten::_local_scalar_dense", to_scalar},
      {"aten::__range_length", range_length},
      {"aten::__derive_index", derive_index},
      {"aten::__lshift__.int", shift<true>},
      {"aten::__rshift__.int", shift<false>},
      {"aten::divmod.#", divide_with_remainder},
      {"aten::mathremainder.#", arithmetic<A::mod>},
      {"aten::gcd.int", greatest_common_divisor},
      {"aten::factorial.int", int_factorial},
      {"aten::copysign.#", copy_sign},
      {"aten::degrees.#", known_function<to_degrees>},
      {"aten::radians.#", known_function<to_radians>},
      {"aten::gamma.#", known_function<std::tgamma>},
      {"aten::fabs.#", absolute},
      {"aten::promote_types", promoted_type},
      {"aten::__not__.*", logical_not},
      {"aten::__and__.#", logical<true>},
      {"aten::__or__.#", logical<false>},
      {"aten::__xor__.#", exclusive_or},
      {"aten::__is__.*", is_same},
      {"aten::__isnot__.*", is_not_same},
      {"aten::warn.*", warn},
      {"prim::Print.*", nothing},
      {"prim::RaiseException.*", raise},
      {"aten::is_grad_enabled", no},
      {"aten::is_scripting", no},
      {"aten::is_autocast_enabled", no},
      {"aten::is_autocast_cpu_enabled", no},
      {"prim::is_nested", no},
      {"aten::_assert_async.*", nothing},
      {"aten::set_grad_enabled", nothing},
      {"prim::unchecked_cast.*", unwrap},
      {"prim::unchecked_unwrap_optional.*", unwrap},
      {"aten::_unwrap_optional.*", unwrap},
      {"aten::sym_constrain_range_for_size", nothing},
      {"aten::sym_constrain_range", nothing},
      {"aten::_assert_scalar.*", nothing},
      {"aten::_assert_tensor_metadata.*", nothing},
      {"prim::profile.*", first},
      {"aten::manual_seed.*", nothing},
  };
  return kAll;
}

}  // namespace tenon::torch
