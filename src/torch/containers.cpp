// Operators on lists, dicts, tuples and strings as containers.
#include <fmt/format.h>

#include <algorithm>

#include "torch/machine.h"

namespace tenon::torch {
namespace {

using Arguments = std::vector<Value>;

Result<ListData*> list_of(Machine& m, const Value& value) {
  if (m.is_sequence(value))
    return m.fail(ErrorKind::unsupported, "a list cannot be changed in this way",
                  "data decides how long it is", "only append to lists in such loops");
  if (const ListRef* list = value.get<ListRef>()) return &m.state.lists.edit(list->id);
  return m.fail(ErrorKind::bad_file, "a list is needed", "the value is of kind " + value.kind());
}

constexpr size_t kMostItems = 1'000'000;

std::unexpected<Error> too_long(const Machine& m) {
  return m.fail(ErrorKind::unsupported, "a list is too long",
                fmt::format("over {} elements", kMostItems), "keep them in one tensor");
}

Result<int64_t> position(Machine& m, const Value& index, size_t size) {
  int64_t i = TRY(m.to_constant_int(index, "the index of a list"));
  if (i < 0) i += static_cast<int64_t>(size);
  if (i < 0 || i >= static_cast<int64_t>(size)) {
    return m.fail(ErrorKind::bad_file, "an index is out of range",
                  fmt::format("index {} of a list of {} elements", m.to_text(index), size));
  }
  return i;
}

// Keys are equal when their kinds and texts are: strings, ints, bools.
bool same_key(const Machine& m, const Value& a, const Value& b) {
  return a.v.index() == b.v.index() && m.to_text(a) == m.to_text(b);
}

Result<Value> get_item(Machine& m, const Schema&, Arguments& args) {
  if (const DictRef* dict = args[0].get<DictRef>()) {
    for (const auto& [key, value] : m.state.dicts[dict->id].items) {
      if (same_key(m, key, args[1])) return value;
    }
    return m.fail(ErrorKind::bad_file, "a key is not in a dict", m.to_text(args[1]));
  }
  if (const std::string* text = args[0].get<std::string>()) {
    return std::string(1, (*text)[static_cast<size_t>(TRY(position(m, args[1], text->size())))]);
  }
  if (m.is_sequence(args[0]))
    return m.sequence_item(ListData(m.state.lists[args[0].get<ListRef>()->id]), args[1]);
  const auto* items = m.items(args[0]);
  if (items == nullptr)
    return m.fail(ErrorKind::bad_file, "cannot index", "a value of kind " + args[0].kind());
  return (*items)[static_cast<size_t>(TRY(position(m, args[1], items->size())))];
}

Result<Value> set_item(Machine& m, const Schema&, Arguments& args) {
  TRY(m.may_hold(args[0], args[2]));
  if (const DictRef* dict = args[0].get<DictRef>()) {
    auto& items = m.state.dicts.edit(dict->id).items;
    for (auto& [key, value] : items) {
      if (same_key(m, key, args[1])) return value = args[2], Value();
    }
    items.emplace_back(args[1], args[2]);
    return Value();
  }
  ListData* list = TRY(list_of(m, args[0]));
  list->items[static_cast<size_t>(TRY(position(m, args[1], list->items.size())))] = args[2];
  return args[0];
}

Result<Value> append(Machine& m, const Schema&, Arguments& args) {
  TRY(m.may_hold(args[0], args[1]));
  if (m.is_sequence(args[0])) {
    TRY(m.append_to_sequence(args[0].get<ListRef>()->id, args[1]));
    return args[0];
  }
  TRY(list_of(m, args[0]))->items.push_back(args[1]);
  return args[0];
}

Result<Value> extend(Machine& m, const Schema&, Arguments& args) {
  const std::vector<Value> more = TRY(m.iterate(args[1]));
  TRY(m.may_hold(args[0], Value::tuple(more)));
  auto& items = TRY(list_of(m, args[0]))->items;
  if (items.size() + more.size() > kMostItems) return too_long(m);
  items.insert(items.end(), more.begin(), more.end());
  return args[0];
}

Result<Value> insert(Machine& m, const Schema&, Arguments& args) {
  TRY(m.may_hold(args[0], args[2]));
  int64_t i = TRY(m.to_constant_int(args[1], "the index of a list"));
  auto& items = TRY(list_of(m, args[0]))->items;
  const auto size = static_cast<int64_t>(items.size());
  i = std::clamp<int64_t>(i < 0 ? i + size : i, 0, size);
  items.insert(items.begin() + i, args[2]);
  return Value();
}

Result<Value> pop(Machine& m, const Schema&, Arguments& args) {
  if (const DictRef* dict = args[0].get<DictRef>()) {
    auto& items = m.state.dicts.edit(dict->id).items;
    for (size_t i = 0; i < items.size(); ++i) {
      if (!same_key(m, items[i].first, args[1])) continue;
      Value out = items[i].second;
      items.erase(items.begin() + static_cast<ptrdiff_t>(i));
      return out;
    }
    if (args.size() > 2) return args[2];
    return m.fail(ErrorKind::bad_file, "a key is not in a dict", m.to_text(args[1]));
  }
  auto& items = TRY(list_of(m, args[0]))->items;
  const int64_t i = TRY(position(m, args.size() > 1 ? args[1] : Value::integer(-1), items.size()));
  Value out = items[static_cast<size_t>(i)];
  items.erase(items.begin() + i);
  return out;
}

Result<Value> delete_item(Machine& m, const Schema& s, Arguments& args) {
  TRY(pop(m, s, args));
  return Value();
}

Result<Value> clear(Machine& m, const Schema&, Arguments& args) {
  if (const DictRef* dict = args[0].get<DictRef>())
    m.state.dicts.edit(dict->id).items.clear();
  else
    TRY(list_of(m, args[0]))->items.clear();
  return args[0];
}

Result<Value> reverse(Machine& m, const Schema&, Arguments& args) {
  auto& items = TRY(list_of(m, args[0]))->items;
  std::reverse(items.begin(), items.end());
  return Value();
}

Result<Value> copy(Machine& m, const Schema&, Arguments& args) {
  if (const DictRef* dict = args[0].get<DictRef>())
    return DictRef{m.state.dicts.add(DictData(m.state.dicts[dict->id]))};
  return m.list(TRY(m.iterate(args[0])));
}

Result<Value> length(Machine& m, const Schema&, Arguments& args) {
  if (const DictRef* dict = args[0].get<DictRef>())
    return Value::integer(static_cast<int64_t>(m.state.dicts[dict->id].items.size()));
  if (const TensorRef* t = args[0].get<TensorRef>()) {
    if ((*t)->sizes.empty())
      return m.fail(ErrorKind::bad_file, "len() of a 0-d tensor", "it has no dimensions");
    return (*t)->sizes[0];
  }
  if (const std::string* text = args[0].get<std::string>())
    return Value::integer(static_cast<int64_t>(text->size()));
  if (m.is_sequence(args[0]))
    return m.sequence_length(ListData(m.state.lists[args[0].get<ListRef>()->id]));
  return Value::integer(static_cast<int64_t>(TRY(m.iterate(args[0])).size()));
}

Result<Value> contains(Machine& m, const Schema&, Arguments& args) {
  if (const std::string* text = args[0].get<std::string>())
    return Value::boolean(text->find(m.to_text(args[1])) != std::string::npos);
  for (const Value& item : TRY(m.iterate(args[0]))) {
    if (const Dim *a = item.get<Dim>(), *b = args[1].get<Dim>();
        a && b && !(*a == *b) && !(*a - *b).is_constant()) {
      return m.fail(ErrorKind::unsupported, "cannot decide whether a list holds a number",
                    "it depends on dynamic sizes");
    }
    if (same_key(m, item, args[1])) return Value::boolean(true);
  }
  return Value::boolean(false);
}

Result<Value> slice_list(Machine& m, const Schema&, Arguments& args) {
  const std::string* text = args[0].get<std::string>();
  const std::vector<Value> items = TRY(m.iterate(args[0]));
  const auto size = static_cast<int64_t>(items.size());
  const int64_t step = TRY(m.to_constant_int(args[3], "the step of a slice"));
  if (step == 0) return m.fail(ErrorKind::bad_file, "a slice has step 0", "");
  auto bound = [&](const Value& v, int64_t fallback) -> Result<int64_t> {
    if (v.is_none()) return fallback;
    int64_t i = TRY(m.to_constant_int(v, "the bound of a slice"));
    if (i < 0) i += size;
    return std::clamp<int64_t>(i, step > 0 ? 0 : -1, step > 0 ? size : size - 1);
  };
  const int64_t start = TRY(bound(args[1], step > 0 ? 0 : size - 1)),
                stop = TRY(bound(args[2], step > 0 ? size : -1));
  std::vector<Value> out;
  std::string cut;
  for (int64_t i = start; step > 0 ? i < stop : i > stop;) {
    if (text)
      cut += (*text)[static_cast<size_t>(i)];
    else
      out.push_back(items[static_cast<size_t>(i)]);
    if (__builtin_add_overflow(i, step, &i)) break;
  }
  if (text) return cut;
  return m.list(std::move(out));
}

Result<Value> add_lists(Machine& m, const Schema&, Arguments& args) {
  std::vector<Value> out = TRY(m.iterate(args[0]));
  for (const Value& item : TRY(m.iterate(args[1]))) out.push_back(item);
  if (out.size() > kMostItems) return too_long(m);
  return m.list(std::move(out));
}

Result<Value> repeat_list(Machine& m, const Schema&, Arguments& args) {
  const bool list_first = m.items(args[0]) != nullptr;
  const std::vector<Value> items = TRY(m.iterate(args[list_first ? 0 : 1]));
  const int64_t times = TRY(m.to_constant_int(args[list_first ? 1 : 0], "the length of a list"));
  if (times > 0 && !items.empty() && static_cast<size_t>(times) > kMostItems / items.size())
    return too_long(m);
  std::vector<Value> out;
  for (int64_t i = 0; i < times && !items.empty(); ++i)
    out.insert(out.end(), items.begin(), items.end());
  return m.list(std::move(out));
}

Result<Value> to_list(Machine& m, const Schema&, Arguments& args) {
  return m.list(TRY(m.iterate(args[0])));
}

template <bool want_max>
Result<Value> extreme(Machine& m, const Schema&, Arguments& args) {
  const std::vector<Value> items = TRY(m.iterate(args[0]));
  if (items.empty()) return m.fail(ErrorKind::bad_file, "min() or max() of an empty list", "");
  Value best = items[0];
  for (const Value& item : items)
    best = TRY(m.call(want_max ? "prim::max" : "prim::min", {best, item}));
  return best;
}

Result<Value> sum(Machine& m, const Schema&, Arguments& args) {
  Value total = Value::integer(0);
  for (const Value& item : TRY(m.iterate(args[0]))) total = TRY(m.call("aten::add", {total, item}));
  return total;
}

template <bool want_all>
Result<Value> all_or_any(Machine& m, const Schema&, Arguments& args) {
  Value out = Value::boolean(want_all);
  for (const Value& item : TRY(m.iterate(args[0]))) {
    out = TRY(
        m.call(want_all ? "aten::__and__" : "aten::__or__", {out, Value(TRY(m.to_bool(item)))}));
  }
  return out;
}

Result<Value> sort(Machine& m, const Schema&, Arguments& args) {
  ListData* list = TRY(list_of(m, args[0]));
  std::vector<std::pair<std::variant<double, std::string>, Value>> keyed;
  for (const Value& item : std::vector<Value>(list->items)) {
    if (const std::string* text = item.get<std::string>()) {
      keyed.emplace_back(*text, item);
      continue;
    }
    const Float f = TRY(m.to_float(item));
    if (!f.is_known())
      return m.fail(ErrorKind::unsupported, "cannot sort a list", "its elements depend on data");
    keyed.emplace_back(f.known, item);
  }
  const bool descending =
      args.size() > 1 && args[1].is<Bool>() && args[1].get<Bool>()->kind == Bool::Kind::yes;
  std::stable_sort(keyed.begin(), keyed.end(), [&](const auto& a, const auto& b) {
    return descending ? a.first > b.first : a.first < b.first;
  });
  auto& items = TRY(list_of(m, args[0]))->items;
  for (size_t i = 0; i < keyed.size(); ++i) items[i] = keyed[i].second;
  return Value();
}

enum class Part : uint8_t { keys, values, pairs };
template <Part part>
Result<Value> dict_parts(Machine& m, const Schema&, Arguments& args) {
  const DictRef* dict = args[0].get<DictRef>();
  if (dict == nullptr) return m.fail(ErrorKind::bad_file, "a dict is needed", args[0].kind());
  std::vector<Value> out;
  for (const auto& [key, value] : m.state.dicts[dict->id].items) {
    out.push_back(part == Part::keys     ? key
                  : part == Part::values ? value
                                         : Value::tuple({key, value}));
  }
  return m.list(std::move(out));
}

Result<Value> get(Machine& m, const Schema&, Arguments& args) {
  const DictRef* dict = args[0].get<DictRef>();
  if (dict == nullptr) return m.fail(ErrorKind::bad_file, "a dict is needed", args[0].kind());
  for (const auto& [key, value] : m.state.dicts[dict->id].items) {
    if (same_key(m, key, args[1])) return value;
  }
  return args.size() > 2 ? args[2] : Value();
}

Result<Value> update(Machine& m, const Schema& s, Arguments& args) {
  const DictRef* from = args[1].get<DictRef>();
  if (from == nullptr) return m.fail(ErrorKind::bad_file, "a dict is needed", args[1].kind());
  const auto items = m.state.dicts[from->id].items;
  for (const auto& [key, value] : items) {
    Arguments one{args[0], key, value};
    TRY(set_item(m, s, one));
  }
  return Value();
}

Result<Value> make_dict(Machine& m, const Schema& s, Arguments& args) {
  Value dict = DictRef{m.state.dicts.add({})};
  if (args.empty()) return dict;
  for (const Value& pair : TRY(m.iterate(args[0]))) {
    const auto* both = m.items(pair);
    if (both == nullptr || both->size() != 2)
      return m.fail(ErrorKind::bad_file, "dict() needs pairs", pair.kind());
    Arguments one{dict, (*both)[0], (*both)[1]};
    TRY(set_item(m, s, one));
  }
  return dict;
}

Result<Value> index_of(Machine& m, const Schema&, Arguments& args) {
  const auto items = TRY(m.iterate(args[0]));
  for (size_t i = 0; i < items.size(); ++i) {
    if (same_key(m, items[i], args[1])) return Value::integer(static_cast<int64_t>(i));
  }
  return m.fail(ErrorKind::bad_file, "a value is not in a list", m.to_text(args[1]));
}

Result<Value> set_default(Machine& m, const Schema& s, Arguments& args) {
  Value found = TRY(get(m, s, args));
  if (!found.is_none()) {
    const DictRef* dict = args[0].get<DictRef>();
    for (const auto& [key, value] : m.state.dicts[dict->id].items) {
      if (same_key(m, key, args[1])) return found;
    }
  }
  TRY(set_item(m, s, args));
  return args[2];
}

Result<Value> pop_item(Machine& m, const Schema&, Arguments& args) {
  const DictRef* dict = args[0].get<DictRef>();
  if (dict == nullptr || m.state.dicts[dict->id].items.empty())
    return m.fail(ErrorKind::bad_file, "popitem of an empty dict", args[0].kind());
  auto& items = m.state.dicts.edit(dict->id).items;
  auto [key, value] = std::move(items.back());
  items.pop_back();
  return Value::tuple({std::move(key), std::move(value)});
}

Result<Value> remove(Machine& m, const Schema& s, Arguments& args) {
  const Value index = TRY(index_of(m, s, args));
  auto& items = TRY(list_of(m, args[0]))->items;
  items.erase(items.begin() + *index.get<Dim>()->constant());
  return Value();
}

Result<Value> count(Machine& m, const Schema&, Arguments& args) {
  int64_t found = 0;
  for (const Value& item : TRY(m.iterate(args[0]))) found += same_key(m, item, args[1]);
  return Value::integer(found);
}

Result<Value> sorted(Machine& m, const Schema& s, Arguments& args) {
  Arguments copied{m.list(TRY(m.iterate(args[0])))};
  TRY(sort(m, s, copied));
  return copied[0];
}

}  // namespace

std::span<const Builtin> list_builtins() {
  static constexpr Builtin kAll[] = {
      {"aten::__getitem__.*", get_item},
      {"aten::_set_item.*", set_item},
      {"aten::append.*", append},
      {"aten::extend.*", extend},
      {"aten::insert.*", insert},
      {"aten::pop.*", pop},
      {"aten::Delete.*", delete_item},
      {"aten::clear.*", clear},
      {"aten::reverse.*", reverse},
      {"aten::copy.*", copy},
      {"aten::copy.t", copy},
      {"aten::copy.Dict_str", copy},
      {"aten::len.*", length},
      {"aten::__contains__.*", contains},
      {"aten::slice.t", slice_list},
      {"aten::slice.str", slice_list},
      {"aten::add.t", add_lists},
      {"aten::add_.t", extend},
      {"aten::mul.left_t", repeat_list},
      {"aten::mul.right_", repeat_list},
      {"aten::list.*", to_list},
      {"prim::min.self_int", extreme<false>},
      {"prim::max.self_int", extreme<true>},
      {"prim::min.self_float", extreme<false>},
      {"prim::max.self_float", extreme<true>},
      {"aten::sum.int", sum},
      {"aten::sum.float", sum},
      {"aten::sum.bool", sum},
      {"aten::all.int", all_or_any<true>},
      {"aten::all.float", all_or_any<true>},
      {"aten::all.bool", all_or_any<true>},
      {"aten::any.int", all_or_any<false>},
      {"aten::any.float", all_or_any<false>},
      {"aten::any.bool", all_or_any<false>},
      {"aten::any.str", all_or_any<false>},
      {"aten::sort.int", sort},
      {"aten::sort.float", sort},
      {"aten::keys.*", dict_parts<Part::keys>},
      {"aten::values.str", dict_parts<Part::values>},
      {"aten::values.int", dict_parts<Part::values>},
      {"aten::values.bool", dict_parts<Part::values>},
      {"aten::values.float", dict_parts<Part::values>},
      {"aten::items.*", dict_parts<Part::pairs>},
      {"aten::get.*", get},
      {"aten::update.*", update},
      {"aten::dict.*", make_dict},
      {"aten::index.list_int", index_of},
      {"aten::index.list_str", index_of},
      {"aten::index.list_float", index_of},
      {"aten::index.list_bool", index_of},
      {"aten::setdefault.*", set_default},
      {"aten::popitem.*", pop_item},
      {"aten::remove.*", remove},
      {"aten::count.int", count},
      {"aten::count.float", count},
      {"aten::count.bool", count},
      {"aten::count.str", count},
      {"aten::sorted.int", sorted},
      {"aten::sorted.float", sorted},
      {"aten::sorted.bool", sorted},
      {"aten::sorted.str", sorted},
      {"aten::sort.bool", sort},
      {"aten::sort.str", sort},
  };
  return kAll;
}

}  // namespace tenon::torch
