#include "ops/common/lower_expr.h"

namespace tenon::ops::lower {

Expr Expr::call(const std::string& name, std::vector<Expr> others, Keywords keywords) const {
  std::vector<torch::Value> arguments{value_};
  for (const Expr& other : others) arguments.push_back(other.value_);
  if (c_->refused() || c_->b.failed()) return {*c_, torch::Value(torch::Poison{"a part failed"})};
  auto made = c_->machine().call("aten::" + name, std::move(arguments), std::move(keywords));
  if (made) return {*c_, *made};
  c_->b.fail(made.error());
  return {*c_, torch::Value(torch::Poison{made.error().what})};
}

Expr binary(const char* name, const Expr& a, const Expr& b) {
  if (a.c_ != nullptr) return a.call(name, {b});
  // Overloads begin with a tensor: a number before one becomes a tensor that is weak in promotion,
  // as PyTorch's dispatch makes it.
  LowerContext& c = *b.c_;
  const Expr left(c, a.value_);
  return left.call(name, {b});
}

Expr Expr::to(DType dtype) const { return {*c_, c_->b.cast(result(), dtype)}; }

DType Expr::dtype() const {
  const torch::TensorRef* t = value_.get<torch::TensorRef>();
  return t ? (*t)->dtype : DType::undefined;
}

Sizes Expr::sizes() const {
  const torch::TensorRef* t = value_.get<torch::TensorRef>();
  return t ? (*t)->sizes : Sizes{};
}

Expr Expr::ints(const std::vector<int64_t>& values) const {
  std::vector<torch::Value> items;
  for (const int64_t value : values) items.push_back(torch::Value::integer(value));
  return {*c_, c_->machine().list(std::move(items))};
}

V* Expr::result() const {
  if (c_->refused() || c_->b.failed()) return c_->b.scalar(0, DType::f32);
  if (const torch::TensorRef* t = value_.get<torch::TensorRef>()) {
    if (auto read = c_->machine().read(**t)) return *read;
  }
  const torch::Poison* poison = value_.get<torch::Poison>();
  return c_->refuse(poison ? "a part of it cannot be converted: " + poison->reason
                           : "a part of it is a " + value_.kind() + ", not a tensor");
}

}  // namespace tenon::ops::lower
