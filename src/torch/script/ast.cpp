#include "torch/script/ast.h"

namespace tenon::torch::script {

std::string dotted(const Expr& e) {
  if (e.is(Expr::Kind::name)) return e.text;
  if (!e.is(Expr::Kind::attribute)) return {};
  const std::string base = dotted(e.kids[0]);
  return base.empty() ? base : base + "." + e.text;
}

}  // namespace tenon::torch::script
