#include "base/shape_spec.h"

#include <algorithm>
#include <charconv>

namespace tenon {
namespace {

constexpr std::string_view kForms =
    "write shapes as image:1x3x224x224,ids:1x128 or as 'image[1,3,H,W]:f32', "
    "'ids[batch=1..8,seq=1..512]:i64'";
constexpr size_t kMaxRank = 64;

class SpecParser {
 public:
  explicit SpecParser(std::string_view text) : text_(text) {}

  Result<std::vector<InputSpec>> parse() {
    std::vector<InputSpec> out;
    skip_spaces();
    while (!at_end()) {
      out.push_back(TRY(parse_input()));
      for (size_t i = 0; i + 1 < out.size(); ++i) {
        if (out[i].name == out.back().name)
          return wrong(fmt::format("'{}' is named twice", out.back().name));
      }
      skip_spaces();
      if (at_end()) break;
      if (!take(',')) return wrong(fmt::format("'{}' follows an input's shape", rest()));
      skip_spaces();
      if (at_end()) return wrong("a shape is missing after the last comma");
    }
    return out;
  }

 private:
  bool at_end() const { return at_ == text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  std::string_view rest() const { return text_.substr(at_, 40); }
  bool take(char c) {
    if (peek() != c || at_end()) return false;
    ++at_;
    return true;
  }
  void skip_spaces() {
    while (peek() == ' ' || peek() == '\t') ++at_;
  }
  std::unexpected<Error> wrong(std::string why) const {
    return fail({.kind = ErrorKind::usage,
                 .what = fmt::format("cannot read the shapes '{}'", text_),
                 .why = std::move(why),
                 .hint = std::string(kForms)});
  }

  Result<InputSpec> parse_input() {
    InputSpec spec;
    if (peek() == '\'' || peek() == '"') {
      const char quote = peek();
      const size_t end = text_.find(quote, at_ + 1);
      if (end == std::string_view::npos) return wrong("a quoted name has no end");
      spec.name = std::string(text_.substr(at_ + 1, end - at_ - 1));
      at_ = end + 1;
      if (peek() != ':' && peek() != '[')
        return wrong(fmt::format("no shape follows the name '{}'", spec.name));
    } else {
      TRY(parse_plain_name(spec));
    }
    if (spec.name.empty()) return wrong("a shape has no name");
    if (take('[')) {
      TRY(parse_brackets(spec));
    } else {
      ++at_;  // the colon
      TRY(parse_numbers(spec));
    }
    return spec;
  }

  // A name that is not quoted ends at '[', or, as in trtexec, at the last colon of the entry.
  Status parse_plain_name(InputSpec& spec) {
    const size_t end = std::min(text_.find_first_of(",[", at_), text_.size());
    size_t stop = end;
    if (end == text_.size() || text_[end] == ',') {
      stop = text_.substr(0, end).rfind(':');
      if (stop == std::string_view::npos || stop < at_)
        return wrong(
            fmt::format("'{}' has no shape: no ':' or '[' follows", text_.substr(at_, end - at_)));
    }
    spec.name = std::string(text_.substr(at_, stop - at_));
    at_ = stop;
    return {};
  }

  Status parse_numbers(InputSpec& spec) {
    if (at_end() || peek() == ',') return {};
    do {
      const std::string_view word = take_word("x,");
      const auto value = number(word);
      if (!value)
        return wrong(
            fmt::format("'{}' in the shape of '{}' is no size; sizes with names are written "
                        "in brackets",
                        word, spec.name));
      spec.dims.push_back({.symbol = {}, .size = value, .min = {}, .max = {}});
      if (spec.dims.size() > kMaxRank) return wrong("the shape has too many dimensions");
    } while (take('x'));
    return {};
  }

  Status parse_brackets(InputSpec& spec) {
    skip_spaces();
    if (!take(']')) {
      do {
        skip_spaces();
        spec.dims.push_back(TRY(parse_dim(spec.name)));
        if (spec.dims.size() > kMaxRank) return wrong("the shape has too many dimensions");
        skip_spaces();
      } while (take(','));
      if (!take(']')) return wrong(fmt::format("the shape of '{}' has no ']'", spec.name));
    }
    if (take(':')) {
      const std::string_view word = take_word(",");
      spec.dtype = dtype_from_name(word);
      if (spec.dtype == DType::undefined)
        return wrong(fmt::format("'{}' is no element type; use f32, f16, i64, bool...", word));
    }
    return {};
  }

  Result<DimSpec> parse_dim(const std::string& input) {
    const std::string_view word = trimmed(take_word(",]"));
    DimSpec dim;
    if (const auto value = number(word)) {
      dim.size = value;
      return dim;
    }
    const size_t equals = word.find('=');
    dim.symbol = std::string(trimmed(word.substr(0, equals)));
    if (!is_identifier(dim.symbol))
      return wrong(
          fmt::format("'{}' in the shape of '{}' is neither a size nor a name", word, input));
    if (equals == std::string_view::npos) return dim;
    return parse_range(trimmed(word.substr(equals + 1)), std::move(dim));
  }

  // "8", "1..8", "1..4..8"
  Result<DimSpec> parse_range(std::string_view text, DimSpec dim) {
    std::vector<int64_t> ends;
    std::string_view left = text;
    while (true) {
      const size_t dots = left.find("..");
      const auto value = number(trimmed(left.substr(0, dots)));
      if (!value || ends.size() == 3)
        return wrong(fmt::format("'{}' is no range of sizes such as 1..8 or 1..4..8", text));
      ends.push_back(*value);
      if (dots == std::string_view::npos) break;
      left.remove_prefix(dots + 2);
    }
    if (!std::ranges::is_sorted(ends))
      return wrong(fmt::format("the sizes in '{}' do not increase", text));
    if (ends.size() != 2) dim.size = ends[ends.size() / 2];
    if (ends.size() > 1) {
      dim.min = ends.front();
      dim.max = ends.back();
    }
    return dim;
  }

  std::string_view take_word(std::string_view stops) {
    const size_t end = std::min(text_.find_first_of(stops, at_), text_.size());
    const std::string_view word = text_.substr(at_, end - at_);
    at_ = end;
    return word;
  }
  static std::string_view trimmed(std::string_view word) {
    while (!word.empty() && word.front() == ' ') word.remove_prefix(1);
    while (!word.empty() && word.back() == ' ') word.remove_suffix(1);
    return word;
  }
  static std::optional<int64_t> number(std::string_view word) {
    int64_t value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc() || end != word.data() + word.size() || value < 0) return std::nullopt;
    return value;
  }
  static bool is_identifier(std::string_view word) {
    auto letter = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    };
    auto digit = [](char c) { return c >= '0' && c <= '9'; };
    return !word.empty() && letter(word.front()) &&
           std::ranges::all_of(word, [&](char c) { return letter(c) || digit(c); });
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

Result<std::vector<InputSpec>> parse_shapes(std::string_view text) {
  return SpecParser(text).parse();
}

}  // namespace tenon
