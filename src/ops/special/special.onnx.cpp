// ONNX has the error function alone. What is a formula of one number is composed from elementary
// operators, in the tensor's own precision.
#include "ops/special/special.h"

#include "onnx/mapping.h"
#include "ops/special/formulas.h"

namespace tenon::ops {
namespace special {
namespace {

// A number of formulas.h: a value of the graph that is written.
struct Node {
  ir::Builder* b = nullptr;
  ir::Value* value = nullptr;

  Node of(const char* op, std::vector<ir::Value*> inputs) const {
    return {b, b->emit_named(op, std::move(inputs))};
  }
  Node constant(double number) const { return {b, b->scalar(number, value->dtype())}; }
};
// Distinct from numbers, so that a formula cannot mistake one for the other.
struct Truth {
  Node node;
};

Node operator+(const Node& a, const Node& b) { return a.of("Add", {a.value, b.value}); }
Node operator-(const Node& a, const Node& b) { return a.of("Sub", {a.value, b.value}); }
Node operator*(const Node& a, const Node& b) { return a.of("Mul", {a.value, b.value}); }
Node operator/(const Node& a, const Node& b) { return a.of("Div", {a.value, b.value}); }
Node operator+(const Node& a, double b) { return a + a.constant(b); }
Node operator-(const Node& a, double b) { return a - a.constant(b); }
Node operator*(const Node& a, double b) { return a * a.constant(b); }
Node operator+(double a, const Node& b) { return b.constant(a) + b; }
Node operator-(double a, const Node& b) { return b.constant(a) - b; }
Node operator/(double a, const Node& b) { return b.constant(a) / b; }

Truth less(const Node& a, double b) { return {a.of("Less", {a.value, a.constant(b).value})}; }
Truth less(double a, const Node& b) { return {b.of("Less", {b.constant(a).value, b.value})}; }
Truth equal(const Node& a, const Node& b) { return {a.of("Equal", {a.value, b.value})}; }
Truth equal(const Node& a, double b) { return equal(a, a.constant(b)); }
Node choose(const Truth& condition, const Node& yes, const Node& no) {
  return yes.of("Where", {condition.node.value, yes.value, no.value});
}
Node like(const Node& x, double value) { return x.constant(value); }
double precision(const Node& x) { return x.value->dtype() == DType::f64 ? 0 : 1e-10; }

Node abs(const Node& x) { return x.of("Abs", {x.value}); }
Node cos(const Node& x) { return x.of("Cos", {x.value}); }
Node erf(const Node& x) { return x.of("Erf", {x.value}); }
Node exp(const Node& x) { return x.of("Exp", {x.value}); }
Node floor(const Node& x) { return x.of("Floor", {x.value}); }
Node log(const Node& x) { return x.of("Log", {x.value}); }
Node sin(const Node& x) { return x.of("Sin", {x.value}); }
Node sqrt(const Node& x) { return x.of("Sqrt", {x.value}); }
// log(1 + x) = x * log(u) / (u - 1) with u = 1 + x rounded (Kahan).
Node log1p(const Node& x) {
  const Node u = 1.0 + x;
  return choose(equal(u, 1.0), x, log(u) * x / (u - 1.0));
}

struct Composition {
  std::string_view name;
  Node (*compose)(const Node&);
};
constexpr Composition kCompositions[] = {
    {"lgamma", log_gamma<Node>},
    {"digamma", digamma<Node>},
    {"trigamma", trigamma<Node>},
    {"erfinv", erfinv<Node>},
    {"erfcx", erfcx<Node>},
    {"ndtr", ndtr<Node>},
    {"log_ndtr", log_ndtr<Node>},
    {"ndtri", ndtri<Node>},
    {"airy_ai", airy_ai<Node>},
    {"i0", i0<Node>},
    {"i0e", i0e<Node>},
    {"i1", i1<Node>},
    {"i1e", i1e<Node>},
    {"k0", k0<Node>},
    {"k0e", k0e<Node>},
    {"k1", k1<Node>},
    {"k1e", k1e<Node>},
    {"j0", j0<Node>},
    {"j1", j1<Node>},
    {"y0", y0<Node>},
    {"y1", y1<Node>},
    {"spherical_j0", spherical_j0<Node>},
};

// Halves are computed in single precision: the approximations' coefficients are not among them.
Status write_special(onnx::ExportContext& c) {
  const std::string function = c.as<Special>().function;
  for (const Composition& one : kCompositions) {
    if (one.name != function) continue;
    ir::Value* x = c.input(0);
    const DType type = x->dtype();
    const Node in{&c.b, type == DType::f64 ? x : c.b.cast(x, DType::f32)};
    return c.replace({c.b.cast(one.compose(in).value, type)});
  }
  return {};  // a series whose length the numbers decide
}

}  // namespace
}  // namespace special

std::span<const onnx::Mapping> special_onnx() {
  static constexpr onnx::Mapping rows[] = {[] {
    onnx::Mapping row = onnx::composed<Special>(special::write_special);
    row.lacks = "ONNX has neither the Hurwitz zeta function nor incomplete gamma functions";
    return row;
  }()};
  return rows;
}

}  // namespace tenon::ops
