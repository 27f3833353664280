// What can be asked of a pickled value, and its printed form.
#include <array>
#include <variant>

#include "archive/pickle.h"
#include "base/error.h"

namespace tenon::pickle {

std::string_view name(Kind kind) {
  constexpr std::array<std::string_view, 15> kNames = {
      "None", "bool", "int", "big int", "float", "string", "bytes",        "tuple",
      "list", "dict", "set", "global",  "call",  "object", "persistent id"};
  return kNames[static_cast<size_t>(kind)];
}

const Value* Value::get(std::string_view key) const {
  if (kind != Kind::dict) return nullptr;
  for (size_t i = items.size(); i >= 2; i -= 2) {  // as in Python, the last of equal keys counts
    if (items[i - 2]->kind == Kind::string && items[i - 2]->text == key) return items[i - 1];
  }
  return nullptr;
}

std::string Value::qualified_name() const {
  if (kind == Kind::global) return fmt::format("{}.{}", text, name);
  if (kind != Kind::call && kind != Kind::object) return "";
  const Value* cls = callable;
  // PyTorch's older format names a module's class in a persistent id: ('module', class, file,
  // source).
  if (cls->is(Kind::persistent) && cls->args->is(Kind::tuple) && cls->args->items.size() > 1) {
    cls = cls->args->items[1];
  }
  return cls->is(Kind::global) ? cls->qualified_name() : "";
}

namespace {

std::string quoted(std::string_view text, size_t limit) {
  std::string out = "'";
  for (char c : text.substr(0, limit)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f)
      out += fmt::format("\\x{:02x}", byte);
    else if (c == '\'' || c == '\\')
      out += {'\\', c};
    else
      out += c;
  }
  return out + "'";
}

// What is still to print, last first: nesting costs memory here, not stack.
using Pending = std::vector<std::variant<const Value*, std::string>>;

void expand(const Value& value, Pending& pending, std::string& out, size_t limit) {
  std::vector<std::variant<const Value*, std::string>> parts;
  auto list = [&](const std::vector<const Value*>& items, bool pairs) {
    for (size_t i = 0; i < items.size() && i < limit; ++i) {
      if (i > 0) parts.emplace_back(pairs && i % 2 == 1 ? ": " : ", ");
      parts.emplace_back(items[i]);
    }
  };
  switch (value.kind) {
    case Kind::none:
      out += "None";
      break;
    case Kind::boolean:
      out += value.integer != 0 ? "True" : "False";
      break;
    case Kind::integer:
      out += fmt::format("{}", value.integer);
      break;
    case Kind::big_integer:
      out += fmt::format("<int of {} bytes>", value.text.size());
      break;
    case Kind::real:
      out += fmt::format("{}", value.real);
      break;
    case Kind::string:
      out += quoted(value.text, limit);
      break;
    case Kind::bytes:
      out += "b" + quoted(value.text, limit);
      break;
    case Kind::tuple:
      out += '(';
      list(value.items, false);
      parts.emplace_back(value.items.size() == 1 ? ",)" : ")");
      break;
    case Kind::list:
      out += '[';
      list(value.items, false);
      parts.emplace_back("]");
      break;
    case Kind::dict:
    case Kind::set:
      out += '{';
      list(value.items, value.kind == Kind::dict);
      parts.emplace_back("}");
      break;
    case Kind::global:
      out += fmt::format("{}.{}", value.text.substr(0, limit), value.name.substr(0, limit));
      break;
    case Kind::call:
    case Kind::object:
      parts.emplace_back(value.callable);
      parts.emplace_back(value.args);
      if (!value.items.empty()) {
        parts.emplace_back(value.item_pairs ? "{" : "[");
        list(value.items, value.item_pairs);
        parts.emplace_back(value.item_pairs ? "}" : "]");
      }
      if (value.state != nullptr) {
        parts.emplace_back(".");
        parts.emplace_back(value.state);
      }
      break;
    case Kind::persistent:
      out += "persistent ";
      parts.emplace_back(value.args);
      break;
  }
  pending.insert(pending.end(), std::make_move_iterator(parts.rbegin()),
                 std::make_move_iterator(parts.rend()));
}

}  // namespace

std::string print(const Value& value, size_t limit) {
  std::string out;
  Pending pending{&value};
  while (!pending.empty()) {
    if (out.size() > limit) return out.substr(0, limit) + "...";
    auto next = std::move(pending.back());
    pending.pop_back();
    if (const auto* text = std::get_if<std::string>(&next))
      out += *text;
    else
      expand(*std::get<const Value*>(next), pending, out, limit);
  }
  return out;
}

}  // namespace tenon::pickle
