// Everything that a program can change: lists, dicts, objects, and the contents of storages. A
// State is a value: copying it is a snapshot (items are shared until written), assigning it back
// forgets what happened since.
#pragma once

#include <map>

#include "torch/value.h"

namespace tenon::torch {

struct ListData {
  std::vector<Value> items;
  std::string element_type;  // as annotated, may be empty
  // Where data decides how many elements there are: a sequence of tensors in the graph, `items`
  // being empty, and a value of the elements' kind.
  ir::Value* sequence = nullptr;
  Value sample = {};
};

struct DictData {
  std::vector<std::pair<Value, Value>> items;  // in order of insertion
};

struct ObjectData {
  std::string type;    // qualified class
  std::string module;  // module path from the root, "layer1.0"; empty for the root and for objects
                       // that are no modules
  std::map<std::string, Value> attributes;
};

// An element of a tensor whose contents are known; a Float only where it is symbolic.
using Scalar = std::variant<Dim, double, bool, Float>;
Value to_value(const Scalar& scalar);
// nullopt for what is no number.
std::optional<Scalar> to_scalar(const Value& value);

struct Storage {
  DType dtype = DType::f32;
  Shape shape;                 // of the base tensor
  ir::Value* value = nullptr;  // the base tensor's contents; made on demand where they are known
  std::optional<std::vector<Scalar>> known;  // its elements, where they are few and known
  bool uninitialised = false;                // from empty(): nothing has been written yet
  uint64_t version = 0;                      // counts the writes
  std::map<uint32_t, uint64_t> writers;      // by AliasDoubt::group: when it wrote last
  ir::OriginRef origin;                      // where it was made
  std::string parameter;                     // name of the parameter or buffer that it holds
  struct CachedView {
    ViewChainRef view;
    ir::Value* value = nullptr;
  };
  std::vector<CachedView> cache;  // views of the contents as they are now
};

// A vector of items that are shared between copies until one of them is written.
template <class T>
class CowVector {
 public:
  size_t size() const { return items_.size(); }
  const T& operator[](size_t i) const { return *items_[i]; }
  bool same(size_t i, const CowVector& other) const { return items_[i] == other.items_[i]; }
  T& edit(size_t i) {
    if (items_[i].use_count() > 1) items_[i] = std::make_shared<T>(*items_[i]);
    return *items_[i];
  }
  uint32_t add(T item) {
    items_.push_back(std::make_shared<T>(std::move(item)));
    return static_cast<uint32_t>(items_.size() - 1);
  }

 private:
  std::vector<std::shared_ptr<T>> items_;
};

struct State {
  CowVector<ListData> lists;
  CowVector<DictData> dicts;
  CowVector<ObjectData> objects;
  CowVector<Storage> storages;
};

// Local variables of one call.
using Locals = std::map<std::string, Value>;

}  // namespace tenon::torch
