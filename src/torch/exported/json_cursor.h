// A place in a JSON document that knows its path, so that errors can name it.
#pragma once

#include <simdjson.h>

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace tenon::torch::exported {

// A parsed document and the file it came from; must outlive the cursors into it.
class JsonDocument {
 public:
  static Result<JsonDocument> parse(std::string_view text, const Where& where);

  simdjson::dom::element root() const { return root_; }
  const Where& where() const { return where_; }

 private:
  JsonDocument() = default;
  std::unique_ptr<simdjson::dom::parser> parser_;  // owns the elements
  simdjson::dom::element root_;
  Where where_;
};

// Cursors point to their parents, so a parent must outlive its children: the calls that make
// children are refused on temporaries.
class Cursor {
 public:
  explicit Cursor(const JsonDocument& document) : document_(&document), element_(document.root()) {}

  // The value under `key`, which must be there; find() gives nothing where it is missing or null.
  Result<Cursor> get(std::string_view key) const&;
  Result<Cursor> get(std::string_view key) && = delete;
  std::optional<Cursor> find(std::string_view key) const&;
  std::optional<Cursor> find(std::string_view key) && = delete;
  Cursor at(size_t index, simdjson::dom::element element) const& {
    return {this, {}, index, element};
  }
  Cursor at(std::string_view key, simdjson::dom::element element) const& {
    return {this, key, 0, element};
  }

  Result<simdjson::dom::array> array() const;
  Result<simdjson::dom::object> object() const;
  Result<std::string_view> text() const;  // lies in the document
  Result<int64_t> integer() const;
  Result<double> real() const;  // also "Infinity", "-Infinity", "NaN"
  Result<bool> boolean() const;
  bool is_null() const { return element_.is_null(); }

  // A union as the schema writes it: an object with one key that names what the value is.
  struct Variant;
  Result<Variant> variant() const&;
  Result<Variant> variant() && = delete;

  // Calls f(Cursor) for each element of an array, or f(std::string_view, Cursor) of an object.
  template <class F>
  Status each(F&& f) const {
    size_t index = 0;
    for (simdjson::dom::element element : TRY(array())) TRY(f(at(index++, element)));
    return {};
  }
  template <class F>
  Status each_field(F&& f) const {
    for (const auto field : TRY(object())) TRY(f(field.key, at(field.key, field.value)));
    return {};
  }

  std::string path() const;  // "$.graph_module.graph.nodes[3].target"
  std::unexpected<Error> error(std::string why) const;

 private:
  Cursor(const Cursor* up, std::string_view key, size_t index, simdjson::dom::element element)
      : document_(up->document_), up_(up), key_(key), index_(index), element_(element) {}

  const JsonDocument* document_;
  const Cursor* up_ = nullptr;
  std::string_view key_;  // empty: an array's element
  size_t index_ = 0;
  simdjson::dom::element element_;
};

struct Cursor::Variant {
  std::string_view kind;
  Cursor value;
};

}  // namespace tenon::torch::exported
