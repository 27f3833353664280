#include "torch/script/lexer.h"

#include <algorithm>
#include <cctype>

namespace tenon::torch::script {
namespace {

bool starts_name(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) || c == '_' || (c & 0x80);
}
bool in_name(char c) { return starts_name(c) || std::isdigit(static_cast<unsigned char>(c)); }

constexpr std::string_view kOperators[] = {
    "**=", "//=", ">>=", "<<=", "...", "->", "**", "//", "<<", ">>", "<=", ">=",
    "==",  "!=",  "+=",  "-=",  "*=",  "/=", "%=", "@=", "&=", "|=", "^=", ":=",
    "+",   "-",   "*",   "/",   "%",   "@",  "&",  "|",  "^",  "~",  "<",  ">",
    "(",   ")",   "[",   "]",   "{",   "}",  ",",  ":",  ".",  ";",  "="};

void append_utf8(std::string& out, uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0 | (code >> 6));
    out += static_cast<char>(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xe0 | (code >> 12));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3f));
    out += static_cast<char>(0x80 | (code & 0x3f));
  } else {
    out += static_cast<char>(0xf0 | ((code >> 18) & 7));
    out += static_cast<char>(0x80 | ((code >> 12) & 0x3f));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3f));
    out += static_cast<char>(0x80 | (code & 0x3f));
  }
}

std::string unescape(std::string_view text) {
  std::string out;
  auto digits = [&](size_t& i, size_t count, int base) {
    uint32_t code = 0;
    size_t n = 0;
    for (; n < count && i + 1 < text.size(); ++n) {
      const char c = static_cast<char>(std::tolower(static_cast<unsigned char>(text[i + 1])));
      const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
      if (digit >= base) break;
      code = code * static_cast<uint32_t>(base) + static_cast<uint32_t>(digit);
      ++i;
    }
    return code;
  };
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 >= text.size()) {
      out += text[i];
      continue;
    }
    const char c = text[++i];
    switch (c) {
      case 'n':
        out += '\n';
        break;
      case 't':
        out += '\t';
        break;
      case 'r':
        out += '\r';
        break;
      case 'a':
        out += '\a';
        break;
      case 'b':
        out += '\b';
        break;
      case 'f':
        out += '\f';
        break;
      case 'v':
        out += '\v';
        break;
      case '\n':
        break;
      case 'x':
        out += static_cast<char>(digits(i, 2, 16));
        break;
      case 'u':
        append_utf8(out, digits(i, 4, 16));
        break;
      case 'U':
        append_utf8(out, digits(i, 8, 16));
        break;
      default:
        if (c >= '0' && c <= '7') {
          --i;
          out += static_cast<char>(digits(i, 3, 8));
        } else if (c == '\\' || c == '\'' || c == '"') {
          out += c;
        } else {
          out += '\\';
          out += c;
        }
    }
  }
  return out;
}

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(source) {}

  Result<std::vector<Token>> run() {
    while (at_ < source_.size()) {
      if (line_start_) {
        TRY(indentation());
        continue;
      }
      const char c = source_[at_];
      if (c == '#') {
        while (at_ < source_.size() && source_[at_] != '\n') ++at_;
      } else if (c == '\n') {
        ++at_;
        if (depth_ == 0) {
          push(Token::Kind::newline, at_ - 1);
          line_start_ = true;
        }
      } else if (c == ' ' || c == '\t' || c == '\r') {
        ++at_;
      } else if (c == '\\' && at_ + 1 < source_.size() && source_[at_ + 1] == '\n') {
        at_ += 2;
      } else {
        TRY(token());
      }
    }
    if (!tokens_.empty() && tokens_.back().kind != Token::Kind::newline)
      push(Token::Kind::newline, at_);
    while (indents_.size() > 1) {
      indents_.pop_back();
      push(Token::Kind::dedent, at_);
    }
    push(Token::Kind::end, at_);
    return std::move(tokens_);
  }

 private:
  std::unexpected<Error> bad(std::string why) const {
    return fail({.kind = ErrorKind::bad_file,
                 .what = "cannot read the program's source",
                 .where = {.source = fmt::format("line {}", line_of(source_, at_))},
                 .why = std::move(why),
                 .hint = "the file is damaged, or written by a newer PyTorch: save it again"});
  }

  void push(Token::Kind kind, size_t start, std::string value = {}) {
    tokens_.push_back({kind, static_cast<uint32_t>(start), static_cast<uint32_t>(at_),
                       source_.substr(start, at_ - start), std::move(value)});
  }

  Status indentation() {
    size_t width = 0;
    while (at_ < source_.size() && (source_[at_] == ' ' || source_[at_] == '\t')) {
      width += source_[at_] == '\t' ? 8 - width % 8 : 1;
      ++at_;
    }
    if (at_ < source_.size() &&
        (source_[at_] == '\n' || source_[at_] == '#' || source_[at_] == '\r')) {
      while (at_ < source_.size() && source_[at_] != '\n') ++at_;
      if (at_ < source_.size()) ++at_;
      return {};
    }
    line_start_ = false;
    if (at_ >= source_.size()) return {};
    if (width > indents_.back()) {
      if (indents_.size() > 200) return bad("blocks are nested more than 200 deep");
      indents_.push_back(width);
      push(Token::Kind::indent, at_);
    }
    while (width < indents_.back()) {
      indents_.pop_back();
      push(Token::Kind::dedent, at_);
    }
    if (width != indents_.back()) return bad("the indentation fits no block");
    return {};
  }

  Status token() {
    const size_t start = at_;
    const char c = source_[at_];
    const char next = at_ + 1 < source_.size() ? source_[at_ + 1] : '\0';
    if (c == '"' || c == '\'') return string(start, false);
    if ((c == 'f' || c == 'r' || c == 'b') && (next == '"' || next == '\'')) {
      ++at_;
      return string(start, c == 'f');
    }
    if (starts_name(c)) {
      while (at_ < source_.size() && in_name(source_[at_])) ++at_;
      push(Token::Kind::name, start);
      return {};
    }
    if (std::isdigit(static_cast<unsigned char>(c)) ||
        (c == '.' && std::isdigit(static_cast<unsigned char>(next))))
      return number(start);
    for (std::string_view op : kOperators) {
      if (!source_.substr(at_).starts_with(op)) continue;
      at_ += op.size();
      if (op == "(" || op == "[" || op == "{") ++depth_;
      if ((op == ")" || op == "]" || op == "}") && depth_ > 0) --depth_;
      push(Token::Kind::op, start);
      return {};
    }
    return bad(fmt::format("a byte {:#04x} that starts no token", static_cast<unsigned char>(c)));
  }

  Status number(size_t start) {
    bool floating = false;
    auto digit = [&] {
      return at_ < source_.size() &&
             (std::isdigit(static_cast<unsigned char>(source_[at_])) || source_[at_] == '_');
    };
    if (source_[at_] == '0' && at_ + 1 < source_.size() &&
        (source_[at_ + 1] == 'x' || source_[at_ + 1] == 'X')) {
      at_ += 2;
      while (at_ < source_.size() && std::isxdigit(static_cast<unsigned char>(source_[at_]))) ++at_;
      push(Token::Kind::integer, start);
      return {};
    }
    while (digit()) ++at_;
    if (at_ < source_.size() && source_[at_] == '.') {
      floating = true;
      ++at_;
      while (digit()) ++at_;
    }
    if (at_ < source_.size() && (source_[at_] == 'e' || source_[at_] == 'E')) {
      floating = true;
      ++at_;
      if (at_ < source_.size() && (source_[at_] == '+' || source_[at_] == '-')) ++at_;
      while (digit()) ++at_;
    }
    if (at_ < source_.size() && source_[at_] == 'j') {
      floating = true;
      ++at_;
    }
    push(floating ? Token::Kind::floating : Token::Kind::integer, start);
    return {};
  }

  Status string(size_t start, bool formatted) {
    const char quote = source_[at_];
    const std::string triple(3, quote);
    const bool is_triple = source_.substr(at_).starts_with(triple);
    const size_t width = is_triple ? 3 : 1;
    at_ += width;
    const size_t begin = at_;
    while (at_ < source_.size()) {
      if (source_[at_] == '\\') {
        at_ += 2;
        continue;
      }
      if (source_.substr(at_).starts_with(is_triple ? std::string_view(triple)
                                                    : std::string_view(&quote, 1)))
        break;
      ++at_;
    }
    if (at_ >= source_.size()) return bad("a string that is not closed");
    const std::string_view body = source_.substr(begin, at_ - begin);
    at_ += width;
    push(formatted ? Token::Kind::fstring : Token::Kind::string, start,
         formatted ? std::string(body) : unescape(body));
    return {};
  }

  std::string_view source_;
  size_t at_ = 0;
  int depth_ = 0;
  bool line_start_ = true;
  std::vector<size_t> indents_ = {0};
  std::vector<Token> tokens_;
};

}  // namespace

Result<std::vector<Token>> tokenize(std::string_view source) {
  if (source.size() > (size_t{1} << 30)) {
    return fail({.kind = ErrorKind::bad_file,
                 .what = "cannot read the program's source",
                 .why = "it is larger than 1 GiB"});
  }
  return Lexer(source).run();
}

int line_of(std::string_view source, size_t offset) {
  const auto end = source.begin() + static_cast<ptrdiff_t>(std::min(offset, source.size()));
  return static_cast<int>(std::count(source.begin(), end, '\n')) + 1;
}

}  // namespace tenon::torch::script
