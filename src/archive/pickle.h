// Reads Python pickles, protocols 2 to 5, as data: classes and functions that a pickle names stay
// names, calls stay calls that nobody makes. Format: Lib/pickletools.py of CPython.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "archive/blob.h"

namespace tenon::pickle {

enum class Kind : uint8_t {
  none,
  boolean,  // integer is 0 or 1
  integer,
  big_integer,  // text is its little-endian two's complement, as pickled
  real,
  string,      // text, UTF-8 as pickled
  bytes,       // text; also bytearray
  tuple,       // items
  list,        // items
  dict,        // items: key, value, key, value...; an OrderedDict is one too
  set,         // items; also frozenset
  global,      // module text, name name
  call,        // the result of callable(*args); state and items as for an object
  object,      // an instance of the class `callable` made with args, then given `state`
  persistent,  // args: what the pickle's writer stored outside, usually a tuple
};

std::string_view name(Kind kind);

// One value. Values that a pickle shares are shared here, so the same address means the same
// object, and a value may contain itself (see Pickle::cyclic). Texts lie in the pickled bytes.
struct Value {
  Kind kind = Kind::none;
  bool item_pairs = false;  // of a call or object: items are keys and values, not elements
  union {
    int64_t integer = 0;
    double real;
  };
  std::string_view text;
  std::string_view name;
  std::vector<const Value*> items;
  const Value* callable = nullptr;
  const Value* args = nullptr;
  const Value* state = nullptr;

  bool is(Kind k) const { return kind == k; }
  // Whether this is the global module.name.
  bool is_global(std::string_view module, std::string_view global_name) const {
    return kind == Kind::global && text == module && name == global_name;
  }
  // Whether this is a call of module.name.
  bool is_call(std::string_view module, std::string_view function) const {
    return kind == Kind::call && callable != nullptr && callable->is_global(module, function);
  }
  // A dict's value for a string key, or nullptr. Linear in the dict's size.
  const Value* get(std::string_view key) const;
  // "module.name" of a global, or of the class of a call or object; otherwise empty.
  std::string qualified_name() const;
};

struct Limits {
  size_t bytes = size_t{1} << 30;
  size_t depth = 2000;  // of values inside values
};

// A pickle read in full. Owns its values; copying shares them.
class Pickle {
 public:
  // `where` names the pickle in errors. Bytes after the pickle's end are left alone: see `size()`.
  static Result<Pickle> parse(const archive::Blob& bytes, const Where& where,
                              const Limits& limits = {});

  const Value& root() const { return *root_; }
  // Bytes that the pickle took up.
  size_t size() const { return size_; }
  // Whether some value contains itself. Where not, recursion over values ends within Limits::depth
  // levels.
  bool cyclic() const { return cyclic_; }
  // Every class and function that it names, in the pickle's order, also those that nothing uses.
  std::vector<const Value*> globals() const;

 private:
  Pickle() = default;
  struct Store {
    archive::Blob bytes;
    std::deque<Value> values;
  };
  friend class Machine;

  std::shared_ptr<Store> store_;
  const Value* root_ = nullptr;
  size_t size_ = 0;
  bool cyclic_ = false;
};

// A value as Python would print it, near enough; at most about `limit` bytes, then "...".
std::string print(const Value& value, size_t limit = 200);

}  // namespace tenon::pickle
