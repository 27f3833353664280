// PyTorch's composite operators, written as PyTorch's own code writes them:
//
//   Expr loss(const Expr& x, const Expr& y) { return ((x - y) * y).call("abs"); }
//
// Every operation is a call of the overload that its arguments fit, so type promotion, broadcasting
// and whatever else that overload does are the called operator's.
#pragma once

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "ops/common/lower.h"

namespace tenon::ops::lower {

class Expr {
 public:
  using Keywords = std::vector<std::pair<std::string, torch::Value>>;

  Expr() = default;                                              // None
  Expr(double number) : value_(torch::Value::number(number)) {}  // NOLINT: a literal
  Expr(int number) : value_(torch::Value::integer(number)) {}    // NOLINT: a literal
  Expr(LowerContext& c, torch::Value value) : c_(&c), value_(std::move(value)) {}
  Expr(LowerContext& c, V* value) : c_(&c), value_(c.machine().tensor(value)) {}
  // An argument by the schema's name.
  static Expr argument(LowerContext& c, std::string_view name) { return {c, c.value(name)}; }

  // The operator aten::NAME with this as its first argument.
  Expr call(const std::string& name, std::vector<Expr> others = {}, Keywords keywords = {}) const;
  Expr sum() const { return call("sum"); }
  Expr sum(int64_t axis) const { return call("sum", {ints({axis})}); }
  Expr mean() const { return call("mean"); }
  Expr to(DType dtype) const;
  Expr where(const Expr& yes, const Expr& no) const { return call("where", {yes, no}); }

  bool is_none() const { return value_.is_none(); }
  const torch::Value& value() const { return value_; }
  DType dtype() const;
  Sizes sizes() const;
  // A list of integers as an argument, in the context of this.
  Expr ints(const std::vector<int64_t>& values) const;
  // What the lowering returns; null after a refusal.
  V* result() const;

 private:
  friend Expr binary(const char* name, const Expr& a, const Expr& b);
  LowerContext* c_ = nullptr;  // null for literals
  torch::Value value_;
};

Expr binary(const char* name, const Expr& a, const Expr& b);
inline Expr operator+(const Expr& a, const Expr& b) { return binary("add", a, b); }
inline Expr operator-(const Expr& a, const Expr& b) { return binary("sub", a, b); }
inline Expr operator*(const Expr& a, const Expr& b) { return binary("mul", a, b); }
inline Expr operator/(const Expr& a, const Expr& b) { return binary("div", a, b); }
inline Expr operator-(const Expr& a) { return a.call("neg"); }
inline Expr operator<(const Expr& a, const Expr& b) { return binary("lt", a, b); }
inline Expr operator<=(const Expr& a, const Expr& b) { return binary("le", a, b); }
inline Expr operator>(const Expr& a, const Expr& b) { return binary("gt", a, b); }
inline Expr operator>=(const Expr& a, const Expr& b) { return binary("ge", a, b); }
// Comparisons for equality have names: == of Exprs would read as a comparison of the handles.
inline Expr equal(const Expr& a, const Expr& b) { return binary("eq", a, b); }
inline Expr unequal(const Expr& a, const Expr& b) { return binary("ne", a, b); }

}  // namespace tenon::ops::lower
