#include "torch/schema.h"

#include <algorithm>
#include <map>
#include <mutex>

namespace tenon::torch {
namespace {

// Plain pointers: the lengths of thousands of texts would exceed what compilers evaluate in a
// constant.
struct Row {
  const char* name;
  const char* text;
};
constexpr Row kRows[] = {
#include "torch/schemas.inc"
};

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool done() { return skip(), at_ >= text_.size(); }
  size_t position() const { return at_; }
  bool take(std::string_view token) {
    skip();
    if (!text_.substr(at_).starts_with(token)) return false;
    at_ += token.size();
    return true;
  }
  char peek() { return skip(), at_ < text_.size() ? text_[at_] : '\0'; }
  std::string word() {
    skip();
    const size_t start = at_;
    auto inside = [](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == ':';
    };
    while (at_ < text_.size() && inside(text_[at_])) ++at_;
    return std::string(text_.substr(start, at_ - start));
  }
  // Up to a top-level ',' or ')'.
  std::string value() {
    skip();
    const size_t start = at_;
    int depth = 0;
    bool quoted = false;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '"') quoted = !quoted;
      if (quoted) continue;
      if (c == '[' || c == '(') ++depth;
      if ((c == ',' || c == ')') && depth == 0) break;
      if (c == ']' || c == ')') --depth;
    }
    return std::string(text_.substr(start, at_ - start));
  }

  // The alias annotation behind a type, "(a!)", "(a -> *)".
  void alias(bool& aliased, bool& written) {
    if (at_ >= text_.size() || text_[at_] != '(') return;
    const size_t close = text_.find(')', at_);
    if (close == std::string_view::npos) return;
    aliased = true;
    written = written || text_.substr(at_, close - at_).find('!') != std::string_view::npos;
    at_ = close + 1;
  }

  SchemaType type(bool& aliased, bool& written) {
    using Kind = SchemaType::Kind;
    SchemaType out;
    skip();
    const size_t start = at_;
    if (depth_ > kMaxDepth) {  // no real type is nested so deep: the rest is not read
      at_ = text_.size();
      return out;
    }
    ++depth_;
    if (take("(")) {
      out.kind = Kind::tuple;
      while (peek() != ')' && !done()) {
        const size_t before = at_;
        out.inner.push_back(type(aliased, written));
        take(",");
        if (at_ == before) break;  // nothing that could be a type
      }
      take(")");
    } else {
      const std::string name = word();
      out = named(name);
      // Dict(str, t), Future(t), and Python's own List[int], Optional[Tensor], Tuple[...].
      if (peek() == '(' &&
          (name == "Dict" || name == "Future" || name == "Await" || name == "RRef"))
        arguments('(', ')', out, aliased, written);
      else if (at_ < text_.size() && text_[at_] == '[' &&
               (out.is(Kind::list) || out.is(Kind::optional) || out.is(Kind::dict) ||
                out.is(Kind::tuple) || name == "Final" || name == "Future")) {
        arguments('[', ']', out, aliased, written);
        if (name == "Final" && !out.inner.empty()) {
          SchemaType inner = out.inner[0];
          out = std::move(inner);
        }
      }
    }
    // A bare Optional is one of anything: who finds an optional looks inside.
    if (out.is(Kind::optional) && out.inner.empty()) out.inner.emplace_back();
    suffixes(out, aliased, written);
    --depth_;
    out.name = std::string(text_.substr(start, at_ - start));
    return out;
  }

 private:
  static constexpr int kMaxDepth = 64;
  static SchemaType named(const std::string& name) {
    using Kind = SchemaType::Kind;
    static constexpr std::pair<std::string_view, Kind> kNames[] = {{"Tensor", Kind::tensor},
                                                                   {"int", Kind::integer},
                                                                   {"SymInt", Kind::integer},
                                                                   {"float", Kind::floating},
                                                                   {"SymFloat", Kind::floating},
                                                                   {"bool", Kind::boolean},
                                                                   {"SymBool", Kind::boolean},
                                                                   {"complex", Kind::complex},
                                                                   {"str", Kind::string},
                                                                   {"Scalar", Kind::number},
                                                                   {"number", Kind::number},
                                                                   {"Device", Kind::device},
                                                                   {"ScalarType", Kind::integer},
                                                                   {"Layout", Kind::integer},
                                                                   {"MemoryFormat", Kind::integer},
                                                                   {"DeviceObjType", Kind::device},
                                                                   {"Generator", Kind::generator},
                                                                   {"List", Kind::list},
                                                                   {"Optional", Kind::optional},
                                                                   {"Dict", Kind::dict},
                                                                   {"Tuple", Kind::tuple},
                                                                   {"list", Kind::list},
                                                                   {"dict", Kind::dict},
                                                                   {"tuple", Kind::tuple},
                                                                   {"Any", Kind::any},
                                                                   {"AnyListType", Kind::any},
                                                                   {"NoneType", Kind::none},
                                                                   {"Future", Kind::future},
                                                                   {"Device", Kind::device},
                                                                   {"device", Kind::device},
                                                                   {"Dimname", Kind::string},
                                                                   {"Number", Kind::number},
                                                                   {"Storage", Kind::any},
                                                                   {"Stream", Kind::any},
                                                                   {"QScheme", Kind::integer},
                                                                   {"AnyEnumType", Kind::any},
                                                                   {"AnyClassType", Kind::any},
                                                                   {"Final", Kind::any}};
    SchemaType out;
    out.kind = name.size() <= 2 ? Kind::variable : Kind::object;
    for (const auto& [text, kind] : kNames) {
      if (text == name) out.kind = kind;
    }
    out.name = name;
    return out;
  }

  void arguments(char open, char close, SchemaType& out, bool& aliased, bool& written) {
    take(std::string_view(&open, 1));
    if (take("()")) {  // Tuple[()]
      take(std::string_view(&close, 1));
      return;
    }
    while (peek() != close && !done()) {
      out.inner.push_back(type(aliased, written));
      if (!take(",")) break;
    }
    take(std::string_view(&close, 1));
  }

  void suffixes(SchemaType& out, bool& aliased, bool& written) {
    using Kind = SchemaType::Kind;
    alias(aliased, written);
    for (int wrapped_times = 0; at_ < text_.size() && wrapped_times < kMaxDepth; ++wrapped_times) {
      if (text_[at_] == '?') {
        ++at_;
        SchemaType wrapped{Kind::optional, {}, {}, 0};
        wrapped.inner.push_back(std::move(out));
        out = std::move(wrapped);
      } else if (text_[at_] == '[') {
        ++at_;
        SchemaType wrapped{Kind::list, {}, {}, 0};
        const std::string size = word();
        if (!size.empty()) wrapped.fixed_size = std::atoi(size.c_str());
        take("]");
        wrapped.inner.push_back(std::move(out));
        out = std::move(wrapped);
      } else {
        break;
      }
      alias(aliased, written);
    }
  }

  void skip() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
  }

  std::string_view text_;
  size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

SchemaType parse_type(std::string_view text) {
  bool aliased = false, written = false;
  return Reader(text).type(aliased, written);
}

Result<Schema> parse_schema(std::string_view text) {
  auto bad = [&] {
    return fail({.kind = ErrorKind::internal,
                 .what = "cannot read an operator schema",
                 .why = std::string(text)});
  };
  Reader reader(text);
  Schema out;
  const std::string full = reader.word();
  const size_t dot = full.find('.', full.find("::") == std::string::npos ? 0 : full.find("::"));
  out.name = full.substr(0, dot);
  if (dot != std::string::npos) out.overload = full.substr(dot + 1);
  if (!reader.take("(")) return bad();
  bool keyword_only = false;
  while (!reader.take(")")) {
    const size_t before = reader.position();
    if (reader.done()) return bad();
    if (reader.take("...")) {
      out.variadic = true;
    } else if (reader.take("*")) {
      keyword_only = true;
    } else {
      SchemaArgument argument;
      argument.type = reader.type(argument.aliased, argument.written);
      argument.name = reader.word();
      argument.keyword_only = keyword_only;
      if (reader.take("=")) argument.default_text = reader.value();
      out.arguments.push_back(std::move(argument));
    }
    reader.take(",");
    if (reader.position() == before) return bad();
  }
  if (!reader.take("->")) return bad();
  if (reader.take("...")) return out;
  if (reader.take("(")) {
    while (!reader.take(")")) {
      const size_t before = reader.position();
      if (reader.done()) return bad();
      if (reader.take("...")) continue;
      SchemaArgument result;
      result.type = reader.type(result.aliased, result.written);
      if (reader.peek() != ',' && reader.peek() != ')') result.name = reader.word();
      out.returns.push_back(std::move(result));
      reader.take(",");
      if (reader.position() == before) return bad();
    }
  } else {
    SchemaArgument result;
    result.type = reader.type(result.aliased, result.written);
    out.returns.push_back(std::move(result));
  }
  return out;
}

std::span<const Schema> find_schemas(std::string_view name) {
  static std::mutex mutex;
  static std::map<std::string, std::vector<Schema>, std::less<>> cache;
  const std::scoped_lock lock(mutex);
  if (auto it = cache.find(name); it != cache.end()) return it->second;
  struct ByName {
    bool operator()(const Row& row, std::string_view wanted) const { return row.name < wanted; }
    bool operator()(std::string_view wanted, const Row& row) const { return wanted < row.name; }
  };
  const auto range = std::equal_range(std::begin(kRows), std::end(kRows), name, ByName{});
  std::vector<Schema> schemas;
  for (auto it = range.first; it != range.second; ++it) {
    if (auto schema = parse_schema(it->text)) schemas.push_back(std::move(*schema));
  }
  return cache.emplace(std::string(name), std::move(schemas)).first->second;
}

const Schema* find_overload(std::string_view name, std::string_view overload) {
  for (const Schema& schema : find_schemas(name)) {
    if (schema.overload == overload || (overload == "default" && schema.overload.empty()))
      return &schema;
  }
  return nullptr;
}

}  // namespace tenon::torch
