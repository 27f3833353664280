#include "torch/exported/sympy.h"

#include <array>
#include <charconv>
#include <optional>

namespace tenon::torch::exported {
namespace {

using Kind = SymExpr::Kind;

constexpr int kMaxDepth = 100;

std::unexpected<Error> bad_expression(std::string_view text, std::string why) {
  return fail({.kind = ErrorKind::bad_file,
               .what = "cannot read a symbolic size",
               .where = {.node = std::string(text.substr(0, 200))},
               .why = std::move(why),
               .hint = "export the model again, or with fixed sizes"});
}

bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<SymExpr> parse() {
    if (text_.size() > 10000) return failed("it is longer than any size");
    SymExpr out = TRY(expression(0));
    if (at_ != text_.size()) return failed("it goes on after its end");
    return out;
  }

 private:
  std::unexpected<Error> failed(std::string_view why) const {
    return bad_expression(text_, fmt::format("{}, at position {}", why, at_));
  }
  char peek() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool eat(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  std::string_view word() {
    peek();
    const size_t start = at_;
    while (at_ < text_.size() && is_name(text_[at_])) ++at_;
    return text_.substr(start, at_ - start);
  }
  template <class T>
  bool number(T& out) {
    peek();
    const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), out);
    if (error != std::errc()) return false;
    at_ = static_cast<size_t>(end - text_.data());
    return true;
  }
  std::optional<std::string> quoted() {
    const char quote = peek();
    if (quote != '\'' && quote != '"') return std::nullopt;
    const size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) return std::nullopt;
    std::string out(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return out;
  }

  Result<SymExpr> expression(int depth);
  Result<SymExpr> product(int depth);
  Result<SymExpr> factor(int depth);
  Result<SymExpr> primary(int depth);
  Result<SymExpr> literal();
  Result<SymExpr> call(std::string_view name, int depth);

  std::string_view text_;
  size_t at_ = 0;
};

// Joins two operands; sums and products stay flat.
SymExpr join(std::string_view function, SymExpr a, SymExpr b) {
  if (a.kind == Kind::call && a.name == function && (function == "Add" || function == "Mul")) {
    a.args.push_back(std::move(b));
    return a;
  }
  SymExpr out{.kind = Kind::call, .name = std::string(function)};
  out.args.push_back(std::move(a));
  out.args.push_back(std::move(b));
  return out;
}

SymExpr negative(SymExpr a) {
  if (a.kind == Kind::infinity) {
    a.integer = -a.integer;
    return a;
  }
  return join("Mul", SymExpr{.integer = -1}, std::move(a));
}

Result<SymExpr> Parser::expression(int depth) {
  SymExpr out = TRY(product(depth));
  while (true) {
    const bool minus = peek() == '-';
    if (!eat('+') && !eat('-')) return out;
    SymExpr next = TRY(product(depth));
    out = join("Add", std::move(out), minus ? negative(std::move(next)) : std::move(next));
  }
}

Result<SymExpr> Parser::product(int depth) {
  SymExpr out = TRY(factor(depth));
  for (int chain = 0;; ++chain) {
    if (chain > kMaxDepth) return failed("it has too many factors");
    const char op = peek();
    if (op != '*' && op != '/' && op != '%') return out;
    ++at_;
    std::string_view function = op == '*' ? "Mul" : op == '%' ? "PythonMod" : "IntTrueDiv";
    if (op == '/' && at_ < text_.size() && text_[at_] == '/') {
      ++at_;
      function = "FloorDiv";
    }
    out = join(function, std::move(out), TRY(factor(depth)));
  }
}

Result<SymExpr> Parser::factor(int depth) {
  if (depth > kMaxDepth) return failed("it nests too deep");
  if (eat('-')) return negative(TRY(factor(depth + 1)));
  SymExpr out = TRY(primary(depth));
  peek();
  if (!text_.substr(at_).starts_with("**")) return out;
  at_ += 2;
  return join("Pow", std::move(out), TRY(factor(depth + 1)));
}

Result<SymExpr> Parser::primary(int depth) {
  if (eat('(')) {
    SymExpr out = TRY(expression(depth + 1));
    if (!eat(')')) return failed("')' is expected");
    return out;
  }
  const char first = peek();
  if (first >= '0' && first <= '9') return literal();
  const std::string_view name = word();
  if (name.empty()) return failed("a name is expected");
  if (name == "true" || name == "false")
    return SymExpr{.kind = Kind::boolean, .integer = name == "true"};
  if (name == "oo" || name == "int_oo") return SymExpr{.kind = Kind::infinity, .integer = 1};
  if (eat('(')) return call(name, depth);
  return SymExpr{.kind = Kind::symbol, .name = std::string(name)};
}

Result<SymExpr> Parser::literal() {
  SymExpr out;
  const size_t start = at_;
  if (!number(out.integer)) return failed("an integer of at most 64 bits is expected");
  if (at_ < text_.size() && (text_[at_] == '.' || text_[at_] == 'e')) {
    at_ = start;
    out.kind = Kind::real;
    if (!number(out.real)) return failed("a number is expected");
  }
  return out;
}

Result<SymExpr> Parser::call(std::string_view name, int depth) {
  SymExpr out;
  if (name == "Symbol" || name == "Dummy") {
    auto symbol = quoted();
    if (!symbol || symbol->empty()) return failed("a symbol's name is expected");
    out = {.kind = Kind::symbol, .name = std::move(*symbol)};
    // Assumptions: positive=True, integer=True...
    while (eat(',')) {
      if (word().empty() || !eat('=') || word().empty()) return failed("an assumption is expected");
    }
  } else if (name == "Integer") {
    if (!number(out.integer)) return failed("an integer of at most 64 bits is expected");
  } else if (name == "Rational") {
    out.kind = Kind::rational;
    if (!number(out.integer) || !eat(',') || !number(out.denominator) || out.denominator <= 0)
      return failed("a fraction is expected");
  } else if (name == "Float") {
    out.kind = Kind::real;
    const auto digits = quoted();
    const char* end = digits ? digits->data() + digits->size() : nullptr;
    if (!digits || std::from_chars(digits->data(), end, out.real).ptr != end)
      return failed("a number is expected");
    int64_t precision = 0;
    if (eat(',') && (word() != "precision" || !eat('=') || !number(precision)))
      return failed("a precision is expected");
  } else {
    out = {.kind = Kind::call, .name = std::string(name)};
    while (peek() != ')') {
      out.args.push_back(TRY(expression(depth + 1)));
      if (!eat(',') && peek() != ')') return failed("',' or ')' is expected");
    }
  }
  if (!eat(')')) return failed("')' is expected");
  return out;
}

std::unexpected<Error> no_dim(const SymExpr& expr) {
  return fail({.kind = ErrorKind::unsupported,
               .what = "a symbolic size has no equivalent",
               .where = {.node = expr.str()},
               .why = fmt::format("{} cannot be computed from sizes with integer arithmetic",
                                  expr.name.empty() ? expr.str() : expr.name),
               .hint = "export the model with this size fixed"});
}

// A product of sums has a term for each combination of theirs.
Result<ir::Dim> multiply(const ir::Dim& a, const ir::Dim& b, const SymExpr& whole) {
  if ((a.terms().size() + 1) * (b.terms().size() + 1) > 4096) return no_dim(whole);
  return a * b;
}

// floor(expr) or ceil(expr), where expr is a quotient or a scaled size.
Result<ir::Dim> rounded(const SymExpr& expr, bool up, const SymExpr& whole) {
  const auto& args = expr.args;
  if (expr.kind == Kind::call && (expr.name == "IntTrueDiv" || expr.name == "FloatTrueDiv") &&
      args.size() == 2) {
    const ir::Dim a = TRY(to_dim(args[0])), b = TRY(to_dim(args[1]));
    if (b.is(0)) return no_dim(whole);
    return up ? ir::ceildiv(a, b) : floordiv(a, b);
  }
  if (expr.kind != Kind::call || expr.name != "Mul") return no_dim(whole);
  // A product with one factor that is no integer.
  ir::Dim size = 1;
  const SymExpr* factor = nullptr;
  for (const SymExpr& arg : args) {
    const bool inexact = arg.kind == Kind::real || arg.kind == Kind::rational;
    if (inexact && factor != nullptr) return no_dim(whole);
    if (inexact)
      factor = &arg;
    else
      size = TRY(multiply(size, TRY(to_dim(arg)), whole));
  }
  if (factor == nullptr) return size;
  if (factor->kind == Kind::real) {
    return up ? -floorscale(size, -factor->real) : floorscale(size, factor->real);
  }
  const ir::Dim scaled = size * ir::Dim(factor->integer);
  return up ? ir::ceildiv(scaled, factor->denominator) : floordiv(scaled, factor->denominator);
}

Result<ir::Dim> fold(const SymExpr& expr, ir::Dim (*combine)(const ir::Dim&, const ir::Dim&)) {
  if (expr.args.empty()) return no_dim(expr);
  ir::Dim out = TRY(to_dim(expr.args[0]));
  for (size_t i = 1; i < expr.args.size(); ++i) out = combine(out, TRY(to_dim(expr.args[i])));
  return out;
}

}  // namespace

Result<SymExpr> parse_sympy(std::string_view text) { return Parser(text).parse(); }

Result<ir::Dim> to_dim(const SymExpr& expr) {
  if (expr.kind == Kind::integer) return ir::Dim(expr.integer);
  if (expr.kind == Kind::symbol) return ir::Dim::symbol(expr.name);
  if (expr.kind != Kind::call) return no_dim(expr);
  const std::string_view name = expr.name;
  if (name == "Add") return fold(expr, [](const ir::Dim& a, const ir::Dim& b) { return a + b; });
  if (name == "Mul") {
    ir::Dim out = 1;
    for (const SymExpr& arg : expr.args) out = TRY(multiply(out, TRY(to_dim(arg)), expr));
    return out;
  }
  if (name == "Max")
    return fold(expr, [](const ir::Dim& a, const ir::Dim& b) { return max(a, b); });
  if (name == "Min")
    return fold(expr, [](const ir::Dim& a, const ir::Dim& b) { return min(a, b); });
  if (expr.args.size() == 1) {
    const SymExpr& arg = expr.args[0];
    if (name == "ToFloat" || name == "Identity" || name == "TruncToFloat") return to_dim(arg);
    // Sizes are not negative, so truncation rounds down.
    if (name == "FloorToInt" || name == "TruncToInt" || name == "floor")
      return rounded(arg, false, expr);
    if (name == "CeilToInt" || name == "ceiling") return rounded(arg, true, expr);
  }
  if (expr.args.size() == 2) {
    const ir::Dim a = TRY(to_dim(expr.args[0])), b = TRY(to_dim(expr.args[1]));
    const bool divides = name != "Pow" && name != "PowByNatural";
    if (divides && b.is(0)) return no_dim(expr);
    if (name == "FloorDiv" || name == "CleanDiv") return floordiv(a, b);
    if (name == "CeilDiv") return ir::ceildiv(a, b);
    if (name == "Mod" || name == "PythonMod") return mod(a, b);
    if ((name == "Pow" || name == "PowByNatural") && b.constant() && *b.constant() >= 0 &&
        *b.constant() <= 8) {
      ir::Dim out = 1;
      for (int64_t i = 0; i < *b.constant(); ++i) out = TRY(multiply(out, a, expr));
      return out;
    }
  }
  return no_dim(expr);
}

std::string SymExpr::str() const {
  switch (kind) {
    case Kind::integer:
      return std::to_string(integer);
    case Kind::rational:
      return fmt::format("{}/{}", integer, denominator);
    case Kind::real:
      return fmt::format("{}", real);
    case Kind::boolean:
      return integer != 0 ? "True" : "False";
    case Kind::infinity:
      return integer < 0 ? "-oo" : "oo";
    case Kind::symbol:
      return name;
    case Kind::call:
      break;
  }
  constexpr std::array<std::pair<std::string_view, std::string_view>, 10> kInfix = {
      {{"Add", " + "},
       {"Mul", " * "},
       {"FloorDiv", " // "},
       {"Mod", " % "},
       {"GreaterThan", " >= "},
       {"StrictGreaterThan", " > "},
       {"LessThan", " <= "},
       {"StrictLessThan", " < "},
       {"Equality", " == "},
       {"Unequality", " != "}}};
  std::string_view separator = ", ";
  for (const auto& [function, infix] : kInfix) {
    if (function == name) separator = infix;
  }
  std::string out = separator == ", " ? name + "(" : "(";
  for (size_t i = 0; i < args.size(); ++i)
    out += (i > 0 ? std::string(separator) : "") + args[i].str();
  return out + ")";
}

}  // namespace tenon::torch::exported
