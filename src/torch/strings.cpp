// Operators on Python's strings. As in TorchScript, letters and digits are those of ASCII.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "torch/machine.h"

namespace tenon::torch {
namespace {

using Arguments = std::vector<Value>;
constexpr std::string_view kSpace = " \n\t\f\v\r";

// A string that the program made, bounded: doubling it in a loop would fill the memory.
Result<Value> text_value(Machine& m, std::string text) {
  constexpr size_t kLongest = 1 << 20;
  if (text.size() > kLongest)
    return m.fail(ErrorKind::unsupported, "a string is too long",
                  fmt::format("{} bytes", text.size()), "tensors do not come from strings");
  return text;
}

Result<Value> format(Machine& m, const Schema&, Arguments& args) {
  const std::string* pattern = args[0].get<std::string>();
  if (pattern == nullptr)
    return m.fail(ErrorKind::bad_file, "format needs a string", args[0].kind());
  std::string out;
  size_t next = 1;
  for (size_t i = 0; i < pattern->size(); ++i) {
    const char c = (*pattern)[i];
    if ((c == '{' || c == '}') && i + 1 < pattern->size() && (*pattern)[i + 1] == c) {
      out += c;
      ++i;
    } else if (c == '{') {
      const size_t close = pattern->find('}', i);
      if (close == std::string::npos)
        return m.fail(ErrorKind::bad_file, "a format string is damaged", *pattern);
      if (next < args.size()) out += m.to_text(args[next++]);
      i = close;
    } else {
      out += c;
    }
  }
  return text_value(m, std::move(out));
}

Result<Value> percent_format(Machine& m, const Schema&, Arguments& args) {
  std::string out = m.to_text(args[0]);
  for (size_t i = 1; i < args.size(); ++i) {
    const size_t at = out.find('%');
    if (at == std::string::npos || at + 1 >= out.size()) break;
    out = out.substr(0, at) + m.to_text(args[i]) + out.substr(at + 2);
  }
  return text_value(m, std::move(out));
}

Result<Value> to_str(Machine& m, const Schema&, Arguments& args) {
  return text_value(m, m.to_text(args[0]));
}

Result<Value> concatenate(Machine& m, const Schema&, Arguments& args) {
  return text_value(m, m.to_text(args[0]) + m.to_text(args[1]));
}

Result<Value> join(Machine& m, const Schema&, Arguments& args) {
  std::string out;
  bool later = false;
  for (const Value& item : TRY(m.iterate(args[1]))) {
    if (later) out += m.to_text(args[0]);
    out += m.to_text(item);
    later = true;
    if (out.size() > (1 << 20)) break;
  }
  return text_value(m, std::move(out));
}

// The position that a Python index, which may count from the end, stands for.
size_t clamped(int64_t index, size_t size) {
  const auto n = static_cast<int64_t>(size);
  return static_cast<size_t>(std::clamp<int64_t>(index < 0 ? index + n : index, 0, n));
}

Result<Value> starts_with(Machine& m, const Schema&, Arguments& args) {
  const std::string text = m.to_text(args[0]);
  const size_t start = clamped(
      args.size() > 2 ? TRY(m.to_constant_int(args[2], "the start of a string")) : 0, text.size());
  return Value::boolean(std::string_view(text).substr(start).starts_with(m.to_text(args[1])));
}
Result<Value> ends_with(Machine& m, const Schema&, Arguments& args) {
  return Value::boolean(m.to_text(args[0]).ends_with(m.to_text(args[1])));
}

template <int (*convert)(int)>
Result<Value> each_letter(Machine& m, const Schema&, Arguments& args) {
  std::string text = m.to_text(args[0]);
  for (char& c : text) c = static_cast<char>(convert(static_cast<unsigned char>(c)));
  return text;
}
int swap_case(int c) { return std::isupper(c) ? std::tolower(c) : std::toupper(c); }

// The first letter of the text, or of every word, in upper case and the others in lower case.
template <bool words>
Result<Value> capitals(Machine& m, const Schema&, Arguments& args) {
  std::string text = m.to_text(args[0]);
  bool begins = true;
  for (char& c : text) {
    const auto letter = static_cast<unsigned char>(c);
    c = static_cast<char>(begins ? std::toupper(letter) : std::tolower(letter));
    begins = words && std::isalpha(letter) == 0;
  }
  return text;
}

// Whether there are letters and all of them are of the class.
template <int (*is)(int)>
Result<Value> all_are(Machine& m, const Schema&, Arguments& args) {
  const std::string text = m.to_text(args[0]);
  return Value::boolean(!text.empty() &&
                        std::ranges::all_of(text, [](unsigned char c) { return is(c) != 0; }));
}
// Whether there is a letter with a case, and none of the other case.
template <int (*is)(int), int (*other)(int)>
Result<Value> cased(Machine& m, const Schema&, Arguments& args) {
  const std::string text = m.to_text(args[0]);
  const auto any = [&](int (*f)(int)) {
    return std::ranges::any_of(text, [&](unsigned char c) { return f(c) != 0; });
  };
  return Value::boolean(any(is) && !any(other));
}
Result<Value> is_identifier(Machine& m, const Schema&, Arguments& args) {
  const std::string text = m.to_text(args[0]);
  return Value::boolean(
      !text.empty() && !std::isdigit(static_cast<unsigned char>(text[0])) &&
      std::ranges::all_of(text, [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; }));
}

template <bool left, bool right>
Result<Value> strip(Machine& m, const Schema&, Arguments& args) {
  std::string text = m.to_text(args[0]);
  const std::string drop =
      args.size() > 1 && !args[1].is_none() ? m.to_text(args[1]) : std::string(kSpace);
  if (right) text.erase(text.find_last_not_of(drop) + 1);
  if (left) text.erase(0, text.find_first_not_of(drop));
  return text;
}

Result<Value> as_list(Machine& m, std::vector<std::string> parts) {
  return m.list(std::vector<Value>(parts.begin(), parts.end()));
}

// At a separator, or at runs of white space; at most `most` times, from the left or from the right.
template <bool from_right>
Result<Value> split(Machine& m, const Schema&, Arguments& args) {
  std::string text = m.to_text(args[0]);
  const bool spaces = args.size() < 2 || args[1].is_none();
  const std::string separator = spaces ? std::string() : m.to_text(args[1]);
  int64_t most = args.size() > 2 ? TRY(m.to_constant_int(args[2], "the limit of a split")) : -1;
  if (!spaces && separator.empty())
    return m.fail(ErrorKind::bad_file, "an empty separator", "a string is split at it");
  std::vector<std::string> parts;
  const auto strip_end = [&] {
    if (!spaces) return;
    if (from_right)
      text.erase(text.find_last_not_of(kSpace) + 1);
    else
      text.erase(0, text.find_first_not_of(kSpace));
  };
  strip_end();
  while (most != 0 && !(spaces && text.empty())) {
    const size_t at = spaces ? (from_right ? text.find_last_of(kSpace) : text.find_first_of(kSpace))
                      : from_right ? text.rfind(separator)
                                   : text.find(separator);
    if (at == std::string::npos) break;
    const size_t after = at + (spaces ? 1 : separator.size());
    parts.push_back(from_right ? text.substr(after) : text.substr(0, at));
    text = from_right ? text.substr(0, at) : text.substr(after);
    strip_end();
    --most;
  }
  if (!spaces || !text.empty()) parts.push_back(text);
  if (from_right) std::ranges::reverse(parts);
  return as_list(m, std::move(parts));
}

Result<Value> split_lines(Machine& m, const Schema&, Arguments& args) {
  const std::string text = m.to_text(args[0]);
  const bool keep =
      args.size() > 1 && args[1].is<Bool>() && args[1].get<Bool>()->kind == Bool::Kind::yes;
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = text.find_first_of("\n\r", begin);
    if (end == std::string::npos) {
      lines.push_back(text.substr(begin));
      break;
    }
    const size_t next = end + (text.compare(end, 2, "\r\n") == 0 ? 2 : 1);
    lines.push_back(text.substr(begin, (keep ? next : end) - begin));
    begin = next;
  }
  return as_list(m, std::move(lines));
}

// In three: what is before the first (or last) separator, itself, and what follows.
template <bool last>
Result<Value> partition(Machine& m, const Schema&, Arguments& args) {
  const std::string text = m.to_text(args[0]), separator = m.to_text(args[1]);
  const size_t at = last ? text.rfind(separator) : text.find(separator);
  if (at == std::string::npos)
    return last ? Value::tuple({std::string(), std::string(), text})
                : Value::tuple({text, std::string(), std::string()});
  return Value::tuple({text.substr(0, at), separator, text.substr(at + separator.size())});
}

// The part of a text that a search looks into: TorchScript's end of -1 is the text's end.
struct Window {
  std::string text;
  size_t start = 0;
};
Result<Window> window(Machine& m, Arguments& args) {
  std::string text = m.to_text(args[0]);
  const int64_t from =
      args.size() > 2 ? TRY(m.to_constant_int(args[2], "the start of a search")) : 0;
  const int64_t to = args.size() > 3 ? TRY(m.to_constant_int(args[3], "the end of a search")) : -1;
  const size_t start = clamped(from, text.size());
  const size_t end = to < 0 ? clamped(to + 1 + static_cast<int64_t>(text.size()), text.size())
                            : clamped(to, text.size());
  return Window{end > start ? text.substr(start, end - start) : std::string(), start};
}

template <bool last, bool must>
Result<Value> find(Machine& m, const Schema&, Arguments& args) {
  const Window in = TRY(window(m, args));
  const std::string wanted = m.to_text(args[1]);
  const size_t at = last ? in.text.rfind(wanted) : in.text.find(wanted);
  if (at != std::string::npos) return Value::integer(static_cast<int64_t>(at + in.start));
  if (must)
    return m.fail(ErrorKind::bad_file, "a string is not in another",
                  fmt::format("'{}' in '{}'", wanted, m.to_text(args[0])));
  return Value::integer(-1);
}

Result<Value> count_in(Machine& m, const Schema&, Arguments& args) {
  const Window in = TRY(window(m, args));
  const std::string wanted = m.to_text(args[1]);
  if (wanted.empty()) return Value::integer(static_cast<int64_t>(in.text.size()) + 1);
  int64_t found = 0;
  for (size_t at = in.text.find(wanted); at != std::string::npos;
       at = in.text.find(wanted, at + wanted.size()))
    ++found;
  return Value::integer(found);
}

Result<Value> replace(Machine& m, const Schema&, Arguments& args) {
  const std::string text = m.to_text(args[0]), old = m.to_text(args[1]), with = m.to_text(args[2]);
  int64_t most = args.size() > 3 ? TRY(m.to_constant_int(args[3], "the limit of replace")) : -1;
  if (old.empty())
    return m.fail(ErrorKind::unsupported, "an empty string is replaced",
                  "it stands between all letters", "write the text as it is to be");
  std::string out;
  size_t begin = 0;
  for (size_t at = text.find(old); at != std::string::npos && most != 0;
       at = text.find(old, begin), --most) {
    out += text.substr(begin, at - begin) + with;
    begin = at + old.size();
    if (out.size() > (1 << 20)) break;
  }
  return text_value(m, out + text.substr(begin));
}

enum class Side : uint8_t { left, right, centre };
template <Side side>
Result<Value> justify(Machine& m, const Schema&, Arguments& args) {
  const std::string text = m.to_text(args[0]);
  const int64_t width = TRY(m.to_constant_int(args[1], "the width of a text"));
  const std::string fill = args.size() > 2 ? m.to_text(args[2]) : " ";
  if (fill.size() != 1)
    return m.fail(ErrorKind::bad_file, "a fill of one letter is needed", "it is '" + fill + "'");
  const auto missing = static_cast<size_t>(
      std::clamp<int64_t>(width - static_cast<int64_t>(text.size()), 0, 1 << 21));
  // As Python, which gives the odd letter to the left where the width is odd.
  const size_t before = side == Side::left ? 0
                        : side == Side::right
                            ? missing
                            : missing / 2 + (missing & static_cast<size_t>(width) & 1);
  return text_value(m,
                    std::string(before, fill[0]) + text + std::string(missing - before, fill[0]));
}

Result<Value> zero_fill(Machine& m, const Schema&, Arguments& args) {
  std::string text = m.to_text(args[0]);
  const int64_t width = TRY(m.to_constant_int(args[1], "the width of a text"));
  const auto missing = static_cast<size_t>(
      std::clamp<int64_t>(width - static_cast<int64_t>(text.size()), 0, 1 << 21));
  const size_t sign = !text.empty() && (text[0] == '-' || text[0] == '+') ? 1 : 0;
  text.insert(sign, missing, '0');
  return text_value(m, std::move(text));
}

Result<Value> expand_tabs(Machine& m, const Schema&, Arguments& args) {
  const int64_t size = args.size() > 1 ? TRY(m.to_constant_int(args[1], "the size of a tab")) : 8;
  std::string out;
  int64_t column = 0;
  for (const char c : m.to_text(args[0])) {
    if (c == '\t' && size > 0) {
      const int64_t spaces = std::min<int64_t>(size - column % size, 1 << 20);
      out.append(static_cast<size_t>(spaces), ' ');
      column += spaces;
    } else if (c != '\t') {
      out += c;
      column = c == '\n' || c == '\r' ? 0 : column + 1;
    }
    if (out.size() > (1 << 20)) break;
  }
  return text_value(m, std::move(out));
}

Result<Value> ordinal(Machine& m, const Schema&, Arguments& args) {
  const std::string text = m.to_text(args[0]);
  if (text.size() != 1)
    return m.fail(ErrorKind::bad_file, "ord needs one letter", "it is given '" + text + "'");
  return Value::integer(static_cast<unsigned char>(text[0]));
}
Result<Value> letter(Machine& m, const Schema&, Arguments& args) {
  const int64_t code = TRY(m.to_constant_int(args[0], "the code of a letter"));
  if (code < 0 || code > 127)
    return m.fail(ErrorKind::unsupported, "chr is out of range", fmt::format("of {}", code));
  return std::string(1, static_cast<char>(code));
}
template <char form>
Result<Value> digits(Machine& m, const Schema&, Arguments& args) {
  const int64_t n = TRY(m.to_constant_int(args[0], "the number"));
  const uint64_t size = n < 0 ? uint64_t{0} - static_cast<uint64_t>(n) : static_cast<uint64_t>(n);
  const std::string text = form == 'x'   ? fmt::format("0x{:x}", size)
                           : form == 'o' ? fmt::format("0o{:o}", size)
                                         : fmt::format("0b{:b}", size);
  return n < 0 ? "-" + text : text;
}

}  // namespace

std::span<const Builtin> string_builtins() {
  static constexpr Builtin kAll[] = {
      {"aten::format.*", format},
      {"aten::percentFormat.*", percent_format},
      {"aten::str.*", to_str},
      {"aten::add.str", concatenate},
      {"aten::join.*", join},
      {"aten::startswith", starts_with},
      {"aten::endswith", ends_with},
      {"aten::lower", each_letter<std::tolower>},
      {"aten::upper", each_letter<std::toupper>},
      {"aten::swapcase", each_letter<swap_case>},
      {"aten::capitalize", capitals<false>},
      {"aten::title", capitals<true>},
      {"aten::isalnum", all_are<std::isalnum>},
      {"aten::isalpha", all_are<std::isalpha>},
      {"aten::isdecimal", all_are<std::isdigit>},
      {"aten::isdigit", all_are<std::isdigit>},
      {"aten::isnumeric", all_are<std::isdigit>},
      {"aten::isspace", all_are<std::isspace>},
      {"aten::isprintable", all_are<std::isprint>},
      {"aten::islower", cased<std::islower, std::isupper>},
      {"aten::isupper", cased<std::isupper, std::islower>},
      {"aten::isidentifier", is_identifier},
      {"aten::strip", strip<true, true>},
      {"aten::lstrip", strip<true, false>},
      {"aten::rstrip", strip<false, true>},
      {"aten::split.str", split<false>},
      {"aten::rsplit", split<true>},
      {"aten::splitlines", split_lines},
      {"aten::partition", partition<false>},
      {"aten::rpartition", partition<true>},
      {"aten::find", find<false, false>},
      {"aten::rfind", find<true, false>},
      {"aten::index.str", find<false, true>},
      {"aten::rindex", find<true, true>},
      {"aten::count", count_in},
      {"aten::replace", replace},
      {"aten::ljust", justify<Side::left>},
      {"aten::rjust", justify<Side::right>},
      {"aten::center", justify<Side::centre>},
      {"aten::zfill", zero_fill},
      {"aten::expandtabs", expand_tabs},
      {"aten::ord", ordinal},
      {"aten::chr", letter},
      {"aten::hex", digits<'x'>},
      {"aten::oct", digits<'o'>},
      {"aten::bin", digits<'b'>},
  };
  return kAll;
}

}  // namespace tenon::torch
