#include "onnx/dim_text.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>

namespace tenon::onnx {
namespace {

bool starts_name(char c) { return std::isalpha(static_cast<unsigned char>(c)) || c == '_'; }
bool in_name(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.'; }

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<ir::Dim> whole() {
    if (text_.size() > 4096) return bad("it is too long");
    ir::Dim out = TRY(sum(0));
    if (at_ != text_.size()) return bad("something follows it");
    return out;
  }

 private:
  std::unexpected<Error> bad(std::string why) const {
    return fail({.kind = ErrorKind::bad_file,
                 .what = fmt::format("'{}' is no size", text_),
                 .why = std::move(why),
                 .hint = "write sizes as in 2*H + floordiv(W, 2)"});
  }
  void spaces() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  bool eat(char c) {
    spaces();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  Result<ir::Dim> sum(int depth) {
    if (depth > 32) return bad("it is nested too deeply");
    const bool negative = eat('-');
    ir::Dim out = TRY(product(depth));
    if (negative) out = -out;
    while (true) {
      if (eat('+'))
        out = out + TRY(product(depth));
      else if (eat('-'))
        out = out - TRY(product(depth));
      else
        return out;
    }
  }

  Result<ir::Dim> product(int depth) {
    ir::Dim out = TRY(factor(depth));
    while (eat('*')) {
      ir::Dim next = TRY(factor(depth));
      if (++factors_ > 64) return bad("it has too many factors");
      out = out * next;
    }
    return out;
  }

  Result<ir::Dim> factor(int depth) {
    spaces();
    const size_t begin = at_;
    if (at_ < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at_]))) {
      int64_t value = 0;
      const auto [end, error] =
          std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
      if (error != std::errc()) return bad("a number is too large");
      at_ = static_cast<size_t>(end - text_.data());
      return ir::Dim(value);
    }
    if (at_ >= text_.size() || !starts_name(text_[at_]))
      return bad("a number or a name is missing");
    while (at_ < text_.size() && in_name(text_[at_])) ++at_;
    const std::string name(text_.substr(begin, at_ - begin));
    if (at_ >= text_.size() || text_[at_] != '(') return ir::Dim::symbol(name);
    ++at_;
    if (name == "floor") return scaled(depth);
    ir::Dim a = TRY(sum(depth + 1));
    if (!eat(',')) return bad("a function needs two arguments");
    ir::Dim b = TRY(sum(depth + 1));
    if (!eat(')')) return bad("a bracket is open");
    if (name == "min") return min(a, b);
    if (name == "max") return max(a, b);
    if (name != "floordiv" && name != "mod") return bad("there is no function " + name);
    if (b.is(0)) return bad("it divides by zero");
    return name == "mod" ? mod(a, b) : floordiv(a, b);
  }

  // floor(SUM * NUMBER), behind the bracket.
  Result<ir::Dim> scaled(int depth) {
    size_t close = at_;
    for (int open = 1; close < text_.size(); ++close) {
      open += text_[close] == '(' ? 1 : text_[close] == ')' ? -1 : 0;
      if (open == 0) break;
    }
    const std::string_view inside = text_.substr(at_, close - at_);
    const size_t star = inside.rfind(" * ");
    if (close >= text_.size() || star == std::string_view::npos || depth > 30)
      return bad("floor takes a product");
    double scale = 0;
    const auto [end, error] =
        std::from_chars(inside.data() + star + 3, inside.data() + inside.size(), scale);
    if (error != std::errc() || end != inside.data() + inside.size() || !std::isfinite(scale))
      return bad("floor needs a number");
    Parser inner(inside.substr(0, star));
    ir::Dim value = TRY(inner.sum(depth + 1));
    if (inner.at_ != star) return bad("floor takes a product");
    at_ = close + 1;
    return floorscale(value, scale);
  }

  std::string_view text_;
  size_t at_ = 0;
  int factors_ = 0;
};

}  // namespace

Result<ir::Dim> parse_dim(std::string_view text) { return Parser(text).whole(); }

std::string symbol_name(std::string_view text) {
  std::string out(text);
  std::replace_if(out.begin(), out.end(), [](char c) { return !in_name(c); }, '_');
  if (out.empty() || !starts_name(out[0])) out.insert(out.begin(), '_');
  return out;
}

}  // namespace tenon::onnx
