// Symbolic integers: the sizes of tensors and the ints that a program computes from them.
//
// A Dim is kept in normal form, a polynomial with integer coefficients over *atoms*; an atom is a
// symbol or an operation that polynomials cannot express (floor division, modulo, min, max, floor
// of a scaled value). So two Dims that are equal as polynomials compare equal. Immutable; copying
// is cheap.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"

namespace tenon::ir {

// A closed range of integers; the ends may be infinite.
struct Interval {
  static constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  static constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  int64_t min = kMin;
  int64_t max = kMax;
  bool operator==(const Interval&) const = default;
};

using Ranges = std::map<std::string, Interval, std::less<>>;
using Bindings = std::map<std::string, int64_t, std::less<>>;

class Dim {
 public:
  enum class Op : uint8_t { symbol, floordiv, mod, min, max, floorscale };
  struct Atom;
  struct Term;  // coefficient times a product of atoms

  Dim() = default;
  Dim(int64_t value) : constant_(value) {}  // NOLINT(google-explicit-constructor): ints are Dims
  static Dim symbol(std::string name);

  bool is_constant() const { return poly_ == nullptr; }
  std::optional<int64_t> constant() const;
  bool is(int64_t value) const { return is_constant() && constant_ == value; }
  // The name where this is just one symbol; empty otherwise.
  std::string symbol_name() const;
  void collect_symbols(std::map<std::string, int>& counts) const;

  friend Dim operator+(const Dim& a, const Dim& b);
  friend Dim operator-(const Dim& a, const Dim& b);
  friend Dim operator*(const Dim& a, const Dim& b);
  Dim operator-() const { return Dim(0) - *this; }
  friend Dim floordiv(const Dim& a, const Dim& b);  // rounds towards minus infinity, as Python's //
  friend Dim mod(const Dim& a, const Dim& b);       // sign of the divisor, as Python's %
  friend Dim min(const Dim& a, const Dim& b);
  friend Dim max(const Dim& a, const Dim& b);
  friend Dim floorscale(const Dim& a, double factor);  // floor(a * factor), in double
  friend bool operator==(const Dim& a, const Dim& b);
  friend bool operator<(const Dim& a, const Dim& b);  // an arbitrary total order

  Dim substitute(const std::map<std::string, Dim, std::less<>>& values) const;
  // Fails where a symbol has no value, or at a division by zero.
  Result<int64_t> evaluate(const Bindings& bindings) const;
  Interval bounds(const Ranges& ranges) const;
  std::string str() const;

  // The polynomial, for code that writes Dims out as graph nodes. Empty for constants.
  std::span<const Term> terms() const;
  int64_t offset() const {
    return constant_;
  }  // the constant term (the value itself for constants)

 private:
  struct Poly;
  static Dim make(std::vector<Term> terms, int64_t constant);
  static Dim atom(Op op, std::string name, std::vector<Dim> args, double factor = 0);
  int64_t constant_ = 0;
  std::shared_ptr<const Poly> poly_;
};

struct Dim::Atom {
  Op op = Op::symbol;
  std::string name;       // of a symbol
  std::vector<Dim> args;  // of the others
  double factor = 0;      // of floorscale
};

struct Dim::Term {
  int64_t coefficient = 1;
  std::vector<std::shared_ptr<const Atom>> factors;  // sorted; repeated for powers
};

Dim operator+(const Dim& a, const Dim& b);
Dim operator-(const Dim& a, const Dim& b);
Dim operator*(const Dim& a, const Dim& b);
Dim floordiv(const Dim& a, const Dim& b);
Dim mod(const Dim& a, const Dim& b);
Dim min(const Dim& a, const Dim& b);
Dim max(const Dim& a, const Dim& b);
Dim floorscale(const Dim& a, double factor);
Dim ceildiv(const Dim& a, const Dim& b);
Dim product(std::span<const Dim> dims);

// What interval analysis can say of a relation.
enum class Truth { no, yes, unknown };
Truth less_equal(const Dim& a, const Dim& b, const Ranges& ranges);
Truth equal(const Dim& a, const Dim& b, const Ranges& ranges);

using Shape = std::vector<Dim>;
std::string to_string(const Shape& shape);
Shape to_shape(std::span<const int64_t> dims);
std::optional<std::vector<int64_t>> constant_dims(const Shape& shape);

}  // namespace tenon::ir
