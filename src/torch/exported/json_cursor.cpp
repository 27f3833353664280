#include "torch/exported/json_cursor.h"

#include <cmath>
#include <limits>
#include <vector>

namespace tenon::torch::exported {
namespace {

std::unexpected<Error> bad_json(const Where& where, std::string why) {
  return fail({.kind = ErrorKind::bad_file,
               .what = "cannot read the exported program",
               .where = where,
               .why = std::move(why),
               .hint =
                   "export and save the model again with torch.export.save; if that does not help, "
                   "the file was made by a version of PyTorch that is not known yet"});
}

// Python writes infinities and NaN as bare words, which JSON does not have; puts quotes around
// them.
std::string quote_bare_numbers(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 64);
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (in_string) {
      if (text[i] == '\\' && i + 1 < text.size())
        out += text[i++];
      else if (text[i] == '"')
        in_string = false;
    } else if (text[i] == '"') {
      in_string = true;
    } else {
      bool found = false;
      for (const std::string_view word : {"-Infinity", "Infinity", "NaN"}) {
        if (found || !text.substr(i).starts_with(word)) continue;
        out.append("\"").append(word).append("\"");
        i += word.size() - 1;
        found = true;
      }
      if (found) continue;
    }
    out += text[i];
  }
  return out;
}

}  // namespace

Result<JsonDocument> JsonDocument::parse(std::string_view text, const Where& where) {
  JsonDocument out;
  out.where_ = where;
  out.parser_ = std::make_unique<simdjson::dom::parser>();
  auto error = out.parser_->parse(text.data(), text.size()).get(out.root_);
  if (error != simdjson::SUCCESS) {
    const std::string quoted = quote_bare_numbers(text);
    if (quoted.size() != text.size()) error = out.parser_->parse(quoted).get(out.root_);
  }
  if (error == simdjson::MEMALLOC) {
    return fail({.kind = ErrorKind::resource,
                 .what = "not enough memory",
                 .where = where,
                 .why = fmt::format("the program has {} bytes of JSON", text.size()),
                 .hint = "use a machine with more memory"});
  }
  if (error != simdjson::SUCCESS)
    return bad_json(where, fmt::format("it is no valid JSON: {}", simdjson::error_message(error)));
  return out;
}

std::string Cursor::path() const {
  std::vector<const Cursor*> chain;
  for (const Cursor* c = this; c->up_ != nullptr; c = c->up_) chain.push_back(c);
  std::string out = "$";
  for (auto it = chain.rbegin(); it != chain.rend(); ++it) {
    out +=
        (*it)->key_.empty() ? fmt::format("[{}]", (*it)->index_) : fmt::format(".{}", (*it)->key_);
  }
  return out;
}

std::unexpected<Error> Cursor::error(std::string why) const {
  return bad_json(document_->where(), fmt::format("{}: {}", path(), why));
}

Result<Cursor> Cursor::get(std::string_view key) const& {
  simdjson::dom::element value;
  if (element_[key].get(value) != simdjson::SUCCESS)
    return error(fmt::format("\"{}\" is missing", key));
  return at(key, value);
}

std::optional<Cursor> Cursor::find(std::string_view key) const& {
  simdjson::dom::element value;
  if (element_[key].get(value) != simdjson::SUCCESS || value.is_null()) return std::nullopt;
  return at(key, value);
}

Result<simdjson::dom::array> Cursor::array() const {
  simdjson::dom::array out;
  if (element_.get(out) != simdjson::SUCCESS) return error("a list is expected");
  return out;
}

Result<simdjson::dom::object> Cursor::object() const {
  simdjson::dom::object out;
  if (element_.get(out) != simdjson::SUCCESS) return error("an object is expected");
  return out;
}

Result<std::string_view> Cursor::text() const {
  std::string_view out;
  if (element_.get(out) != simdjson::SUCCESS) return error("a string is expected");
  return out;
}

Result<int64_t> Cursor::integer() const {
  int64_t out = 0;
  if (element_.get(out) != simdjson::SUCCESS) return error("an integer is expected");
  return out;
}

Result<double> Cursor::real() const {
  double out = 0;
  if (element_.get(out) == simdjson::SUCCESS) return out;
  std::string_view word;
  if (element_.get(word) == simdjson::SUCCESS) {
    if (word == "Infinity") return std::numeric_limits<double>::infinity();
    if (word == "-Infinity") return -std::numeric_limits<double>::infinity();
    if (word == "NaN") return std::nan("");
  }
  return error("a number is expected");
}

Result<bool> Cursor::boolean() const {
  bool out = false;
  if (element_.get(out) != simdjson::SUCCESS) return error("true or false is expected");
  return out;
}

Result<Cursor::Variant> Cursor::variant() const& {
  const simdjson::dom::object fields = TRY(object());
  // Some versions of PyTorch write the other members of the union too, as null.
  std::optional<Variant> found;
  for (const auto field : fields) {
    if (field.value.is_null()) continue;
    if (found) return error("one kind of value is expected");
    found = Variant{field.key, at(field.key, field.value)};
  }
  if (!found) return error("some kind of value is expected");
  return *found;
}

}  // namespace tenon::torch::exported
