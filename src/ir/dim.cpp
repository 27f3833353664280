#include "ir/dim.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace tenon::ir {

struct Dim::Poly {
  std::vector<Term> terms;
};

namespace {

using Atom = Dim::Atom;
using Term = Dim::Term;

// Arithmetic that sticks to the ends of int64 instead of wrapping.
int64_t saturating_add(int64_t a, int64_t b) {
  int64_t out = 0;
  if (!__builtin_add_overflow(a, b, &out)) return out;
  return a > 0 ? Interval::kMax : Interval::kMin;
}

int64_t saturating_mul(int64_t a, int64_t b) {
  int64_t out = 0;
  if (!__builtin_mul_overflow(a, b, &out)) return out;
  return (a > 0) == (b > 0) ? Interval::kMax : Interval::kMin;
}

int64_t floor_div(int64_t a, int64_t b) {
  if (b == -1) return a == Interval::kMin ? Interval::kMax : -a;
  const int64_t q = a / b;
  return (a % b != 0 && (a < 0) != (b < 0)) ? q - 1 : q;
}

int64_t floor_mod(int64_t a, int64_t b) {
  if (b == -1) return 0;
  const int64_t r = a % b;
  return (r != 0 && (r < 0) != (b < 0)) ? r + b : r;
}

int64_t floor_scale(int64_t a, double factor) {
  const double v = std::floor(static_cast<double>(a) * factor);
  if (!(v < 9.2e18)) return Interval::kMax;
  if (!(v > -9.2e18)) return Interval::kMin;
  return static_cast<int64_t>(v);
}

int compare(const Dim& a, const Dim& b);

int compare(const Atom& a, const Atom& b) {
  if (&a == &b) return 0;
  if (a.op != b.op) return a.op < b.op ? -1 : 1;
  if (int c = a.name.compare(b.name); c != 0) return c;
  if (a.factor != b.factor) return a.factor < b.factor ? -1 : 1;
  if (a.args.size() != b.args.size()) return a.args.size() < b.args.size() ? -1 : 1;
  for (size_t i = 0; i < a.args.size(); ++i) {
    if (int c = compare(a.args[i], b.args[i]); c != 0) return c;
  }
  return 0;
}

int compare_factors(const Term& a, const Term& b) {
  if (a.factors.size() != b.factors.size()) return a.factors.size() < b.factors.size() ? -1 : 1;
  for (size_t i = 0; i < a.factors.size(); ++i) {
    if (int c = compare(*a.factors[i], *b.factors[i]); c != 0) return c;
  }
  return 0;
}

int compare(const Dim& a, const Dim& b) {
  if (a.offset() != b.offset()) return a.offset() < b.offset() ? -1 : 1;
  const auto x = a.terms(), y = b.terms();
  if (x.size() != y.size()) return x.size() < y.size() ? -1 : 1;
  for (size_t i = 0; i < x.size(); ++i) {
    if (x[i].coefficient != y[i].coefficient) return x[i].coefficient < y[i].coefficient ? -1 : 1;
    if (int c = compare_factors(x[i], y[i]); c != 0) return c;
  }
  return 0;
}

Term multiply(const Term& a, const Term& b) {
  Term out{saturating_mul(a.coefficient, b.coefficient), {}};
  std::merge(a.factors.begin(), a.factors.end(), b.factors.begin(), b.factors.end(),
             std::back_inserter(out.factors),
             [](const auto& x, const auto& y) { return compare(*x, *y) < 0; });
  return out;
}

std::vector<Term> with_constant(const Dim& dim) {
  std::vector<Term> terms(dim.terms().begin(), dim.terms().end());
  if (dim.offset() != 0) terms.push_back({dim.offset(), {}});
  return terms;
}

}  // namespace

std::span<const Term> Dim::terms() const {
  return poly_ ? std::span<const Term>(poly_->terms) : std::span<const Term>();
}

Dim Dim::make(std::vector<Term> terms, int64_t constant) {
  std::sort(terms.begin(), terms.end(),
            [](const Term& a, const Term& b) { return compare_factors(a, b) < 0; });
  std::vector<Term> merged;
  for (Term& term : terms) {
    if (term.factors.empty()) {
      constant = saturating_add(constant, term.coefficient);
    } else if (!merged.empty() && compare_factors(merged.back(), term) == 0) {
      merged.back().coefficient = saturating_add(merged.back().coefficient, term.coefficient);
    } else {
      merged.push_back(std::move(term));
    }
  }
  std::erase_if(merged, [](const Term& term) { return term.coefficient == 0; });
  Dim out(constant);
  if (!merged.empty()) out.poly_ = std::make_shared<const Poly>(Poly{std::move(merged)});
  return out;
}

Dim Dim::atom(Op op, std::string name, std::vector<Dim> args, double factor) {
  auto made = std::make_shared<const Atom>(Atom{op, std::move(name), std::move(args), factor});
  return make({Term{1, {std::move(made)}}}, 0);
}

Dim Dim::symbol(std::string name) { return atom(Op::symbol, std::move(name), {}); }

std::optional<int64_t> Dim::constant() const {
  if (poly_) return std::nullopt;
  return constant_;
}

std::string Dim::symbol_name() const {
  const auto t = terms();
  if (constant_ != 0 || t.size() != 1 || t[0].coefficient != 1 || t[0].factors.size() != 1)
    return {};
  return t[0].factors[0]->op == Op::symbol ? t[0].factors[0]->name : std::string();
}

void Dim::collect_symbols(std::map<std::string, int>& counts) const {
  for (const Term& term : terms()) {
    for (const auto& factor : term.factors) {
      if (factor->op == Op::symbol) ++counts[factor->name];
      for (const Dim& arg : factor->args) arg.collect_symbols(counts);
    }
  }
}

Dim operator+(const Dim& a, const Dim& b) {
  if (a.is_constant() && b.is_constant()) return saturating_add(a.constant_, b.constant_);
  std::vector<Term> terms(a.terms().begin(), a.terms().end());
  terms.insert(terms.end(), b.terms().begin(), b.terms().end());
  return Dim::make(std::move(terms), saturating_add(a.constant_, b.constant_));
}

Dim operator-(const Dim& a, const Dim& b) { return a + b * Dim(-1); }

Dim operator*(const Dim& a, const Dim& b) {
  if (a.is_constant() && b.is_constant()) return saturating_mul(a.constant_, b.constant_);
  std::vector<Term> terms;
  for (const Term& x : with_constant(a)) {
    for (const Term& y : with_constant(b)) terms.push_back(multiply(x, y));
  }
  return Dim::make(std::move(terms), 0);
}

Dim floordiv(const Dim& a, const Dim& b) {
  if (b.is(1)) return a;
  if (a == b && !a.is_constant()) return 1;
  if (auto d = b.constant(); d && *d != 0) {
    if (auto n = a.constant()) return floor_div(*n, *d);
    // floor((d*x + r) / d) = x + floor(r / d): take out every term that the divisor divides.
    std::vector<Term> whole, rest;
    for (Term term : with_constant(a)) {
      if (term.coefficient % *d == 0) {
        term.coefficient = floor_div(term.coefficient, *d);
        whole.push_back(std::move(term));
      } else {
        rest.push_back(std::move(term));
      }
    }
    if (rest.empty()) return Dim::make(std::move(whole), 0);
    Dim remainder = Dim::make(std::move(rest), 0);
    // The constant's own whole part leaves too, so that (x+7)//2 and (x+1)//2 + 3 are the same.
    if (!remainder.is_constant()) {
      const int64_t q = floor_div(remainder.constant_, *d);
      whole.push_back({q, {}});
      remainder = remainder - Dim(saturating_mul(q, *d));
      return Dim::make(std::move(whole), 0) + Dim::atom(Dim::Op::floordiv, {}, {remainder, b});
    }
    whole.push_back({floor_div(remainder.constant_, *d), {}});
    return Dim::make(std::move(whole), 0);
  }
  // Exact division of a product by one of its factors.
  if (const auto d = b.terms();
      d.size() == 1 && b.constant_ == 0 && a.constant_ == 0 && !a.terms().empty()) {
    std::vector<Term> quotient;
    bool exact = true;
    for (const Term& term : a.terms()) {
      Term q = term;
      exact = exact && term.coefficient % d[0].coefficient == 0;
      if (!exact) break;
      q.coefficient = term.coefficient / d[0].coefficient;
      for (const auto& factor : d[0].factors) {
        auto it = std::find_if(q.factors.begin(), q.factors.end(),
                               [&](const auto& f) { return compare(*f, *factor) == 0; });
        if (it == q.factors.end()) {
          exact = false;
          break;
        }
        q.factors.erase(it);
      }
      quotient.push_back(std::move(q));
    }
    if (exact) return Dim::make(std::move(quotient), 0);
  }
  if (a.is(0)) return 0;
  return Dim::atom(Dim::Op::floordiv, {}, {a, b});
}

Dim mod(const Dim& a, const Dim& b) {
  if (b.is(1)) return 0;
  if (auto d = b.constant(); d && *d != 0) {
    if (auto n = a.constant()) return floor_mod(*n, *d);
    std::vector<Term> rest;
    for (const Term& term : with_constant(a)) {
      if (term.coefficient % *d != 0) rest.push_back(term);
    }
    Dim remainder = Dim::make(std::move(rest), 0);
    if (auto n = remainder.constant()) return floor_mod(*n, *d);
    return Dim::atom(Dim::Op::mod, {}, {remainder, b});
  }
  if (floordiv(a, b) * b == a) return 0;
  return Dim::atom(Dim::Op::mod, {}, {a, b});
}

namespace {
// Whether `whole` is the operation of `part` and something else: min(part, x).
bool has_operand(const Dim& whole, Dim::Op op, const Dim& part) {
  const auto terms = whole.terms();
  if (terms.size() != 1 || whole.offset() != 0 || terms[0].coefficient != 1 ||
      terms[0].factors.size() != 1 || terms[0].factors[0]->op != op)
    return false;
  return std::ranges::any_of(terms[0].factors[0]->args, [&](const Dim& d) { return d == part; });
}
}  // namespace

Dim min(const Dim& a, const Dim& b) {
  const Dim difference = a - b;
  if (auto d = difference.constant()) return *d <= 0 ? a : b;
  if (has_operand(b, Dim::Op::min, a)) return b;
  if (has_operand(a, Dim::Op::min, b)) return a;
  return b < a ? Dim::atom(Dim::Op::min, {}, {b, a}) : Dim::atom(Dim::Op::min, {}, {a, b});
}

Dim max(const Dim& a, const Dim& b) {
  const Dim difference = a - b;
  if (auto d = difference.constant()) return *d >= 0 ? a : b;
  if (has_operand(b, Dim::Op::max, a)) return b;
  if (has_operand(a, Dim::Op::max, b)) return a;
  return b < a ? Dim::atom(Dim::Op::max, {}, {b, a}) : Dim::atom(Dim::Op::max, {}, {a, b});
}

Dim floorscale(const Dim& a, double factor) {
  if (factor == std::floor(factor) && std::abs(factor) < 1e15)
    return a * Dim(static_cast<int64_t>(factor));
  if (auto n = a.constant()) return floor_scale(*n, factor);
  if (const double inverse = 1.0 / factor; inverse == std::floor(inverse) && inverse < 1e9 &&
                                           inverse > 0 &&
                                           std::exp2(std::round(std::log2(inverse))) == inverse) {
    return floordiv(a, Dim(static_cast<int64_t>(inverse)));
  }
  return Dim::atom(Dim::Op::floorscale, {}, {a}, factor);
}

bool operator==(const Dim& a, const Dim& b) {
  return a.poly_ == b.poly_ ? a.constant_ == b.constant_ : compare(a, b) == 0;
}
bool operator<(const Dim& a, const Dim& b) { return compare(a, b) < 0; }

Dim Dim::substitute(const std::map<std::string, Dim, std::less<>>& values) const {
  if (!poly_) return *this;
  Dim sum(constant_);
  for (const Term& term : terms()) {
    Dim part(term.coefficient);
    for (const auto& factor : term.factors) {
      std::vector<Dim> args;
      for (const Dim& arg : factor->args) args.push_back(arg.substitute(values));
      switch (factor->op) {
        case Op::symbol: {
          auto it = values.find(factor->name);
          part = part * (it == values.end() ? symbol(factor->name) : it->second);
          break;
        }
        case Op::floordiv:
          part = part * floordiv(args[0], args[1]);
          break;
        case Op::mod:
          part = part * mod(args[0], args[1]);
          break;
        case Op::min:
          part = part * tenon::ir::min(args[0], args[1]);
          break;
        case Op::max:
          part = part * tenon::ir::max(args[0], args[1]);
          break;
        case Op::floorscale:
          part = part * floorscale(args[0], factor->factor);
          break;
      }
    }
    sum = sum + part;
  }
  return sum;
}

Result<int64_t> Dim::evaluate(const Bindings& bindings) const {
  int64_t sum = constant_;
  for (const Term& term : terms()) {
    int64_t part = term.coefficient;
    for (const auto& factor : term.factors) {
      std::vector<int64_t> args;
      for (const Dim& arg : factor->args) args.push_back(TRY(arg.evaluate(bindings)));
      int64_t value = 0;
      switch (factor->op) {
        case Op::symbol: {
          auto it = bindings.find(factor->name);
          if (it == bindings.end()) {
            return fail({.kind = ErrorKind::internal,
                         .what = "a size is not known",
                         .why = "the symbolic dimension '" + factor->name + "' has no value"});
          }
          value = it->second;
          break;
        }
        case Op::floordiv:
        case Op::mod:
          if (args[1] == 0) {
            return fail({.kind = ErrorKind::usage,
                         .what = "a size divides by zero",
                         .why = "in " + str(),
                         .hint = "give other input shapes"});
          }
          value = factor->op == Op::floordiv ? floor_div(args[0], args[1])
                                             : floor_mod(args[0], args[1]);
          break;
        case Op::min:
          value = std::min(args[0], args[1]);
          break;
        case Op::max:
          value = std::max(args[0], args[1]);
          break;
        case Op::floorscale:
          value = floor_scale(args[0], factor->factor);
          break;
      }
      part = saturating_mul(part, value);
    }
    sum = saturating_add(sum, part);
  }
  return sum;
}

namespace {

int64_t end_add(int64_t a, int64_t b) {  // an infinite end stays infinite
  if (a == Interval::kMin || b == Interval::kMin) return Interval::kMin;
  if (a == Interval::kMax || b == Interval::kMax) return Interval::kMax;
  return saturating_add(a, b);
}

int64_t end_mul(int64_t a, int64_t b) { return (a == 0 || b == 0) ? 0 : saturating_mul(a, b); }

Interval multiply(Interval a, Interval b) {
  const int64_t c[] = {end_mul(a.min, b.min), end_mul(a.min, b.max), end_mul(a.max, b.min),
                       end_mul(a.max, b.max)};
  return {*std::min_element(c, c + 4), *std::max_element(c, c + 4)};
}

int64_t end_div(int64_t a, int64_t b) {
  if (a == Interval::kMin || a == Interval::kMax) return a;
  if (b == Interval::kMax) return a < 0 ? -1 : 0;
  return floor_div(a, b);
}

Interval atom_bounds(const Atom& atom, const Ranges& ranges) {
  std::vector<Interval> args;
  for (const Dim& arg : atom.args) args.push_back(arg.bounds(ranges));
  switch (atom.op) {
    case Dim::Op::symbol: {
      auto it = ranges.find(atom.name);
      return it == ranges.end() ? Interval{} : it->second;
    }
    case Dim::Op::floordiv:
      if (args[1].min <= 0) return {};
      return {std::min(end_div(args[0].min, args[1].min), end_div(args[0].min, args[1].max)),
              std::max(end_div(args[0].max, args[1].min), end_div(args[0].max, args[1].max))};
    case Dim::Op::mod:
      if (args[1].min <= 0) return {};
      return {0, args[1].max == Interval::kMax ? Interval::kMax : args[1].max - 1};
    case Dim::Op::min:
      return {std::min(args[0].min, args[1].min), std::min(args[0].max, args[1].max)};
    case Dim::Op::max:
      return {std::max(args[0].min, args[1].min), std::max(args[0].max, args[1].max)};
    case Dim::Op::floorscale: {
      auto scaled = [&](int64_t end) {
        return end == Interval::kMin || end == Interval::kMax ? end : floor_scale(end, atom.factor);
      };
      if (atom.factor < 0) return {};
      return {scaled(args[0].min), scaled(args[0].max)};
    }
  }
  return {};
}

}  // namespace

Interval Dim::bounds(const Ranges& ranges) const {
  Interval sum{constant_, constant_};
  for (const Term& term : terms()) {
    Interval part{term.coefficient, term.coefficient};
    for (const auto& factor : term.factors) part = multiply(part, atom_bounds(*factor, ranges));
    sum = {end_add(sum.min, part.min), end_add(sum.max, part.max)};
  }
  return sum;
}

std::string Dim::str() const {
  if (!poly_) return std::to_string(constant_);
  std::string out;
  auto append = [&](int64_t coefficient, const std::string& product) {
    const bool negative = coefficient < 0;
    if (!out.empty())
      out += negative ? " - " : " + ";
    else if (negative)
      out += "-";
    const uint64_t magnitude =
        negative ? 0 - static_cast<uint64_t>(coefficient) : static_cast<uint64_t>(coefficient);
    if (product.empty())
      out += std::to_string(magnitude);
    else
      out += magnitude == 1 ? product : std::to_string(magnitude) + "*" + product;
  };
  for (const Term& term : terms()) {
    std::string product;
    for (const auto& factor : term.factors) {
      if (!product.empty()) product += "*";
      auto args = [&](const char* name) {
        return fmt::format("{}({}, {})", name, factor->args[0].str(), factor->args[1].str());
      };
      switch (factor->op) {
        case Op::symbol:
          product += factor->name;
          break;
        case Op::floordiv:
          product += args("floordiv");
          break;
        case Op::mod:
          product += args("mod");
          break;
        case Op::min:
          product += args("min");
          break;
        case Op::max:
          product += args("max");
          break;
        case Op::floorscale:
          product += fmt::format("floor({} * {})", factor->args[0].str(), factor->factor);
          break;
      }
    }
    append(term.coefficient, product);
  }
  if (constant_ != 0) append(constant_, {});
  return out;
}

Dim ceildiv(const Dim& a, const Dim& b) {
  // The form in which sizes usually stand, so that equal ones are found equal.
  if (const auto d = b.constant(); d && *d > 0) return floordiv(a + Dim(*d - 1), b);
  return -floordiv(-a, b);
}

Dim product(std::span<const Dim> dims) {
  Dim out(1);
  for (const Dim& dim : dims) out = out * dim;
  return out;
}

Truth less_equal(const Dim& a, const Dim& b, const Ranges& ranges) {
  const Interval d = (b - a).bounds(ranges);
  if (d.min >= 0 && d.min != Interval::kMin) return Truth::yes;
  if (d.max < 0) return Truth::no;
  return Truth::unknown;
}

Truth equal(const Dim& a, const Dim& b, const Ranges& ranges) {
  if (a == b) return Truth::yes;
  const Interval d = (b - a).bounds(ranges);
  if (d.min > 0 || d.max < 0) return Truth::no;
  if (d.min == 0 && d.max == 0) return Truth::yes;
  return Truth::unknown;
}

std::string to_string(const Shape& shape) {
  std::string out = "[";
  for (size_t i = 0; i < shape.size(); ++i) out += (i ? ", " : "") + shape[i].str();
  return out + "]";
}

Shape to_shape(std::span<const int64_t> dims) { return Shape(dims.begin(), dims.end()); }

std::optional<std::vector<int64_t>> constant_dims(const Shape& shape) {
  std::vector<int64_t> out;
  for (const Dim& dim : shape) {
    if (!dim.is_constant()) return std::nullopt;
    out.push_back(*dim.constant());
  }
  return out;
}

}  // namespace tenon::ir
