#include "torch/script/parser.h"

#include <optional>

#include "torch/script/lexer.h"

namespace tenon::torch::script {
namespace {

// Deeper than any real program, and shallow enough for a small stack.
constexpr int kMaxDepth = 100;

class Parser {
 public:
  Parser(std::string_view source, std::vector<Token> tokens)
      : source_(source), tokens_(std::move(tokens)) {}

  Result<File> file() {
    File out;
    while (peek().kind != Token::Kind::end) {
      if (take_newline()) continue;
      while (is("@")) TRY(decorator());
      if (is("def")) {
        out.functions.push_back(TRY(function()));
      } else if (is("class")) {
        out.classes.push_back(TRY(class_definition()));
      } else if (is("import") || is("from")) {
        while (peek().kind != Token::Kind::newline && peek().kind != Token::Kind::end) ++at_;
      } else {
        return bad("neither a function nor a class");
      }
    }
    return out;
  }

 private:
  using K = Expr::Kind;
  using S = Stmt::Kind;

  const Token& peek(size_t ahead = 0) const {
    return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
  }
  bool is(std::string_view text) const {
    const Token& t = peek();
    return (t.kind == Token::Kind::op || t.kind == Token::Kind::name) && t.text == text;
  }
  bool take(std::string_view text) {
    if (!is(text)) return false;
    ++at_;
    return true;
  }
  bool take_newline() {
    if (peek().kind != Token::Kind::newline && !is(";")) return false;
    ++at_;
    return true;
  }
  std::unexpected<Error> bad(std::string why) const {
    const Token& t = peek();
    return fail({.kind = ErrorKind::bad_file,
                 .what = "cannot read the program's source",
                 .where = {.source = fmt::format("line {}", line_of(source_, t.offset))},
                 .why = fmt::format("{}, at '{}'", why, t.text.substr(0, 40)),
                 .hint = "the file is damaged, or uses Python that TorchScript does not have"});
  }
  Status expect(std::string_view text) {
    if (take(text)) return {};
    return bad(fmt::format("'{}' is missing", text));
  }
  Result<std::string> identifier() {
    if (peek().kind != Token::Kind::name) return bad("a name is missing");
    return std::string(tokens_[at_++].text);
  }

  struct Deeper {
    int& depth;
    explicit Deeper(int& d) : depth(d) { ++depth; }
    ~Deeper() { --depth; }
  };

  Status decorator() {
    TRY(expect("@"));
    TRY(expression());
    take_newline();
    return {};
  }

  Result<std::string> annotation() {
    const size_t start = peek().offset;
    TRY(expression());
    return std::string(source_.substr(start, tokens_[at_ - 1].end - start));
  }

  Result<Function> function() {
    Function out;
    out.offset = peek().offset;
    TRY(expect("def"));
    out.name = TRY(identifier());
    TRY(expect("("));
    bool keyword_only = false;
    while (!take(")")) {
      if (take("*")) {
        keyword_only = true;
        if (peek().kind == Token::Kind::name) return bad("*args is not supported");
      } else {
        Parameter parameter;
        parameter.keyword_only = keyword_only;
        parameter.name = TRY(identifier());
        if (take(":")) parameter.annotation = TRY(annotation());
        if (take("=")) parameter.default_value = TRY(expression());
        out.parameters.push_back(std::move(parameter));
      }
      if (!take(",") && !is(")")) return bad("',' or ')' is missing");
    }
    if (take("->")) out.returns = TRY(annotation());
    out.body = TRY(block());
    return out;
  }

  Result<Class> class_definition() {
    Class out;
    TRY(expect("class"));
    out.name = TRY(identifier());
    if (take("(")) {
      if (!is(")")) {
        const size_t start = peek().offset;
        TRY(expression());
        out.base = std::string(source_.substr(start, tokens_[at_ - 1].end - start));
        while (take(",")) TRY(expression());
      }
      TRY(expect(")"));
    }
    TRY(expect(":"));
    if (!take_newline()) return bad("a line must end here");
    if (peek().kind != Token::Kind::indent) return out;  // a class without members
    ++at_;
    while (peek().kind != Token::Kind::dedent) {
      if (peek().kind == Token::Kind::end) return bad("the class is cut short");
      if (take_newline() || take("pass")) continue;
      while (is("@")) TRY(decorator());
      if (is("def"))
        out.methods.push_back(TRY(function()));
      else
        out.attributes.push_back(TRY(class_attribute()));
    }
    ++at_;
    return out;
  }

  // `name : type`, `name : type = value`, `name = value`, `__annotations__["0"] = type`.
  Result<ClassAttribute> class_attribute() {
    ClassAttribute out;
    const Expr target = TRY(expression());
    if (target.is(K::name))
      out.name = target.text;
    else if (target.is(K::subscript) && target.kids.size() == 2 && target.kids[1].is(K::string))
      out.name = target.kids[1].text;
    if (take(":")) out.annotation = TRY(annotation());
    if (take("=")) {
      const size_t start = peek().offset;
      out.value = TRY(expression_list());
      if (target.is(K::subscript))
        out.annotation = std::string(source_.substr(start, tokens_[at_ - 1].end - start));
    }
    if (!take_newline()) return bad("a line must end here");
    return out;
  }

  Result<std::vector<Stmt>> block() {
    std::vector<Stmt> out;
    const Deeper deeper(depth_);
    if (depth_ > kMaxDepth) return bad("blocks are nested too deep");
    TRY(expect(":"));
    if (!take_newline()) {  // on the same line
      out.push_back(TRY(statement()));
      return out;
    }
    while (take_newline()) {
    }
    if (peek().kind != Token::Kind::indent) return bad("an indented block is missing");
    ++at_;
    while (peek().kind != Token::Kind::dedent) {
      if (peek().kind == Token::Kind::end) return bad("the block is cut short");
      if (take_newline()) continue;
      out.push_back(TRY(statement()));
    }
    ++at_;
    return out;
  }

  Result<Stmt> statement() {
    Stmt out;
    out.offset = peek().offset;
    if (take("if")) return branch(std::move(out));
    if (take("while")) {
      out.kind = S::loop_while;
      out.exprs.push_back(TRY(expression()));
      out.body = TRY(block());
      return out;
    }
    if (take("for")) {
      out.kind = S::loop_for;
      out.exprs.push_back(TRY(target_list()));
      TRY(expect("in"));
      out.exprs.push_back(TRY(expression_list()));
      out.body = TRY(block());
      return out;
    }
    if (take("with")) {
      out.kind = S::with;
      do {
        out.exprs.push_back(TRY(expression()));
        if (take("as")) TRY(identifier());
      } while (take(","));
      out.body = TRY(block());
      return out;
    }
    out = TRY(simple(std::move(out)));
    if (!take_newline() && peek().kind != Token::Kind::end) return bad("a line must end here");
    return out;
  }

  Result<Stmt> branch(Stmt out) {
    const Deeper deeper(depth_);
    if (depth_ > kMaxDepth) return bad("branches are nested too deep");
    out.kind = S::branch;
    out.exprs.push_back(TRY(expression()));
    out.body = TRY(block());
    while (take_newline()) {
    }
    const uint32_t offset = peek().offset;
    if (take("elif")) {
      Stmt nested;
      nested.offset = offset;
      out.orelse.push_back(TRY(branch(std::move(nested))));
    } else if (take("else")) {
      out.orelse = TRY(block());
    }
    return out;
  }

  Result<Stmt> simple(Stmt out) {
    if (take("pass")) return out;
    if (take("break")) return out.kind = S::brk, out;
    if (take("continue")) return out.kind = S::cont, out;
    const bool bare = peek(1).kind == Token::Kind::newline;
    if (take("return")) {
      out.kind = S::result;
      out.exprs.push_back(bare ? Expr{} : TRY(expression_list()));
      return out;
    }
    if (take("raise")) {
      out.kind = S::raise;
      out.exprs.push_back(bare ? Expr{} : TRY(expression()));
      return out;
    }
    if (take("assert")) {
      out.kind = S::assertion;
      out.exprs.push_back(TRY(expression()));
      if (take(",")) out.exprs.push_back(TRY(expression()));
      return out;
    }
    if (take("del")) {
      out.kind = S::del;
      out.exprs.push_back(TRY(expression_list()));
      return out;
    }
    Expr first = TRY(expression_list());
    if (take(":")) {
      out.text = TRY(annotation());
      out.kind = S::assign;
      out.exprs.push_back(std::move(first));
      out.exprs.push_back(take("=") ? TRY(expression_list()) : Expr{});
      return out;
    }
    const Token& t = peek();
    if (t.kind == Token::Kind::op && t.text.size() >= 2 && t.text.back() == '=' && t.text != "==" &&
        t.text != "!=" && t.text != "<=" && t.text != ">=") {
      ++at_;
      out.kind = S::augmented;
      out.text = std::string(t.text.substr(0, t.text.size() - 1));
      out.exprs.push_back(std::move(first));
      out.exprs.push_back(TRY(expression_list()));
      return out;
    }
    out.exprs.push_back(std::move(first));
    if (!is("=")) return out.kind = S::expression, out;
    out.kind = S::assign;
    while (take("=")) out.exprs.push_back(TRY(expression_list()));
    return out;
  }

  // --- expressions, loosest first

  Expr start(K kind) const {
    Expr out;
    out.kind = kind;
    out.offset = peek().offset;
    return out;
  }
  Expr finish(Expr e) const {
    e.end = at_ > 0 ? tokens_[at_ - 1].end : e.offset;
    return e;
  }

  Result<Expr> expression_list() {
    Expr tuple = start(K::tuple);
    Expr first = TRY(star_or_expression());
    if (!is(",")) return first;
    tuple.kids.push_back(std::move(first));
    while (take(",")) {
      if (peek().kind == Token::Kind::newline || is("=") || is(")") || is("in")) break;
      tuple.kids.push_back(TRY(star_or_expression()));
    }
    return finish(std::move(tuple));
  }

  Result<Expr> star_or_expression() {
    if (!is("*")) return expression();
    Expr out = start(K::star);
    ++at_;
    out.kids.push_back(TRY(expression()));
    return finish(std::move(out));
  }

  Result<Expr> target_list() {
    Expr tuple = start(K::tuple);
    Expr first = TRY(postfix());
    if (!is(",")) return first;
    tuple.kids.push_back(std::move(first));
    while (take(",")) {
      if (is("in")) break;
      tuple.kids.push_back(TRY(postfix()));
    }
    return finish(std::move(tuple));
  }

  Result<Expr> expression() {
    const Deeper deeper(depth_);
    if (depth_ > kMaxDepth) return bad("the expression is nested too deep");
    Expr out = start(K::conditional);
    Expr value = TRY(boolean("or"));
    if (!is("if")) return value;
    ++at_;
    out.kids.push_back(std::move(value));
    out.kids.push_back(TRY(boolean("or")));
    TRY(expect("else"));
    out.kids.push_back(TRY(expression()));
    return finish(std::move(out));
  }

  Result<Expr> boolean(std::string_view op) {
    const bool outer = op == "or";
    Expr left = outer ? TRY(boolean("and")) : TRY(negation());
    while (is(op)) {
      Expr out = start(K::boolean);
      out.offset = left.offset;
      out.text = op;
      ++at_;
      out.kids.push_back(std::move(left));
      out.kids.push_back(outer ? TRY(boolean("and")) : TRY(negation()));
      left = finish(std::move(out));
    }
    return left;
  }

  Result<Expr> negation() {
    if (!is("not")) return comparison();
    const Deeper deeper(depth_);
    if (depth_ > kMaxDepth) return bad("the expression is nested too deep");
    Expr out = start(K::unary);
    out.text = "not";
    ++at_;
    out.kids.push_back(TRY(negation()));
    return finish(std::move(out));
  }

  std::string comparison_operator() {
    for (std::string_view op : {"==", "!=", "<=", ">=", "<", ">", "in"}) {
      if (take(op)) return std::string(op);
    }
    if (is("not") && peek(1).text == "in") return at_ += 2, "not_in";
    if (take("is")) return take("not") ? "is_not" : "is";
    return {};
  }

  // Chains `a < b < c` become (a < b) and (b < c).
  Result<Expr> comparison() {
    Expr left = TRY(binary(0));
    std::optional<Expr> chain;
    for (;;) {
      Expr out = start(K::compare);
      out.offset = left.offset;
      out.text = comparison_operator();
      if (out.text.empty()) break;
      Expr right = TRY(binary(0));
      out.kids.push_back(std::move(left));
      out.kids.push_back(right);
      left = std::move(right);
      out = finish(std::move(out));
      if (!chain) {
        chain = std::move(out);
      } else {
        Expr both = start(K::boolean);
        both.offset = chain->offset;
        both.text = "and";
        both.kids.push_back(std::move(*chain));
        both.kids.push_back(std::move(out));
        chain = finish(std::move(both));
      }
    }
    if (chain) return std::move(*chain);
    return left;
  }

  Result<Expr> binary(size_t level) {
    static constexpr std::string_view kLevels[][4] = {
        {"|"}, {"^"}, {"&"}, {"<<", ">>"}, {"+", "-"}, {"*", "/", "//", "%"}};
    if (level == std::size(kLevels)) return unary();
    Expr left = TRY(binary(level + 1));
    for (;;) {
      std::string_view found;
      for (std::string_view op : kLevels[level]) {
        if (!op.empty() && is(op)) found = op;
      }
      if (level == 5 && is("@")) found = "@";
      if (found.empty()) return left;
      Expr out = start(K::binary);
      out.offset = left.offset;
      out.text = found;
      ++at_;
      out.kids.push_back(std::move(left));
      out.kids.push_back(TRY(binary(level + 1)));
      left = finish(std::move(out));
    }
  }

  Result<Expr> unary() {
    for (std::string_view op : {"-", "+", "~"}) {
      if (!is(op)) continue;
      const Deeper deeper(depth_);
      if (depth_ > kMaxDepth) return bad("the expression is nested too deep");
      Expr out = start(K::unary);
      out.text = op;
      ++at_;
      out.kids.push_back(TRY(unary()));
      return finish(std::move(out));
    }
    Expr base = TRY(postfix());
    if (!is("**")) return base;
    Expr out = start(K::binary);
    out.offset = base.offset;
    out.text = "**";
    ++at_;
    out.kids.push_back(std::move(base));
    out.kids.push_back(TRY(unary()));
    return finish(std::move(out));
  }

  Result<Expr> postfix() {
    Expr out = TRY(primary());
    int links = 0;
    for (;;) {
      if (++links > 4000) return bad("a chain of accesses is too long");
      if (take(".")) {
        Expr access = start(K::attribute);
        access.offset = out.offset;
        access.text = TRY(identifier());
        access.kids.push_back(std::move(out));
        out = finish(std::move(access));
      } else if (is("(")) {
        out = TRY(call(std::move(out)));
      } else if (take("[")) {
        Expr access = start(K::subscript);
        access.offset = out.offset;
        access.kids.push_back(std::move(out));
        do {
          if (is("]")) break;
          access.kids.push_back(TRY(index()));
        } while (take(","));
        TRY(expect("]"));
        out = finish(std::move(access));
      } else {
        return out;
      }
    }
  }

  Result<Expr> index() {
    Expr out = start(K::slice);
    Expr first;
    if (!is(":")) first = TRY(star_or_expression());
    if (!is(":")) return first;
    out.kids.push_back(std::move(first));
    while (take(":")) {
      out.kids.push_back(is(":") || is(",") || is("]") ? Expr{} : TRY(expression()));
    }
    while (out.kids.size() < 3) out.kids.emplace_back();
    return finish(std::move(out));
  }

  Result<Expr> call(Expr callee) {
    Expr out = start(K::call);
    out.offset = callee.offset;
    out.kids.push_back(std::move(callee));
    TRY(expect("("));
    while (!take(")")) {
      std::string keyword;
      if (peek().kind == Token::Kind::name && peek(1).kind == Token::Kind::op &&
          peek(1).text == "=") {
        keyword = std::string(peek().text);
        at_ += 2;
      }
      Expr argument = TRY(star_or_expression());
      if (is("for") && keyword.empty()) {
        const uint32_t offset = argument.offset;
        argument = TRY(comprehension(std::move(argument), offset));
      }
      out.kids.push_back(std::move(argument));
      out.keywords.push_back(std::move(keyword));
      if (!take(",") && !is(")")) return bad("',' or ')' is missing");
    }
    return finish(std::move(out));
  }

  Result<Expr> comprehension(Expr element, uint32_t offset) {
    Expr out = start(K::comprehension);
    out.offset = offset;
    TRY(expect("for"));
    out.kids.push_back(std::move(element));
    out.kids.push_back(TRY(target_list()));
    TRY(expect("in"));
    out.kids.push_back(TRY(boolean("or")));
    while (take("if")) out.kids.push_back(TRY(boolean("or")));
    return finish(std::move(out));
  }

  Result<Expr> primary() {
    const Token& t = peek();
    Expr out = start(K::name);
    switch (t.kind) {
      case Token::Kind::name: {
        static constexpr std::string_view kReserved[] = {
            "if", "else", "for",    "in",    "def",    "class", "return", "and",
            "or", "is",   "lambda", "while", "import", "elif",  "with",   "raise"};
        for (std::string_view word : kReserved) {
          if (t.text == word) return bad("an expression is missing");
        }
        if (t.text == "None" || t.text == "True" || t.text == "False") out.kind = K::constant;
        out.text = std::string(t.text);
        ++at_;
        return finish(std::move(out));
      }
      case Token::Kind::integer:
      case Token::Kind::floating:
        out.kind = t.kind == Token::Kind::integer ? K::integer : K::floating;
        out.text = std::string(t.text);
        ++at_;
        return finish(std::move(out));
      case Token::Kind::string:
      case Token::Kind::fstring:
        return string();
      case Token::Kind::op:
        break;
      default:
        return bad("an expression is missing");
    }
    if (take("...")) {
      out.kind = K::constant;
      out.text = "Ellipsis";
      return finish(std::move(out));
    }
    if (take("(")) return parenthesised(std::move(out));
    if (take("[")) return bracketed(std::move(out));
    if (take("{")) return braced(std::move(out));
    return bad("an expression is missing");
  }

  Result<Expr> string() {
    Expr out = start(K::string);
    if (peek().kind == Token::Kind::fstring) return formatted();
    while (peek().kind == Token::Kind::string) out.text += tokens_[at_++].value;
    return finish(std::move(out));
  }

  Result<Expr> formatted() {
    Expr out = start(K::fstring);
    const std::string raw = tokens_[at_++].value;
    std::string text;
    auto flush = [&] {
      if (text.empty()) return;
      Expr part;
      part.kind = K::string;
      part.text = std::move(text);
      out.kids.push_back(std::move(part));
      text.clear();
    };
    for (size_t i = 0; i < raw.size(); ++i) {
      if ((raw[i] == '{' || raw[i] == '}') && i + 1 < raw.size() && raw[i + 1] == raw[i]) {
        text += raw[i++];
      } else if (raw[i] == '{') {
        const size_t close = raw.find('}', i);
        if (close == std::string::npos) return bad("an f-string's '{' is not closed");
        flush();
        std::string inner = raw.substr(i + 1, close - i - 1);
        inner = inner.substr(0, inner.find(':'));
        Parser nested(inner, TRY(tokenize(inner)));
        nested.depth_ = depth_ + 1;
        out.kids.push_back(TRY(nested.expression()));
        i = close;
      } else {
        text += raw[i];
      }
    }
    flush();
    return finish(std::move(out));
  }

  Result<Expr> parenthesised(Expr out) {
    out.kind = K::tuple;
    if (take(")")) return finish(std::move(out));
    Expr first = TRY(star_or_expression());
    if (is("for")) {
      first = TRY(comprehension(std::move(first), out.offset));
      TRY(expect(")"));
      return first;
    }
    if (take(")")) return first;
    out.kids.push_back(std::move(first));
    while (take(",")) {
      if (is(")")) break;
      out.kids.push_back(TRY(star_or_expression()));
    }
    TRY(expect(")"));
    return finish(std::move(out));
  }

  Result<Expr> bracketed(Expr out) {
    out.kind = K::list;
    if (take("]")) return finish(std::move(out));
    Expr first = TRY(star_or_expression());
    if (is("for")) {
      first = TRY(comprehension(std::move(first), out.offset));
      TRY(expect("]"));
      return first;
    }
    out.kids.push_back(std::move(first));
    while (take(",")) {
      if (is("]")) break;
      out.kids.push_back(TRY(star_or_expression()));
    }
    TRY(expect("]"));
    return finish(std::move(out));
  }

  Result<Expr> braced(Expr out) {
    out.kind = K::dict;
    while (!take("}")) {
      out.kids.push_back(TRY(expression()));
      TRY(expect(":"));
      out.kids.push_back(TRY(expression()));
      if (!take(",") && !is("}")) return bad("',' or '}' is missing");
    }
    return finish(std::move(out));
  }

  std::string_view source_;
  std::vector<Token> tokens_;
  size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

Result<File> parse(std::string_view source) { return Parser(source, TRY(tokenize(source))).file(); }

}  // namespace tenon::torch::script
