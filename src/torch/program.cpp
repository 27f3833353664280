#include "torch/program.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "archive/detect.h"
#include "torch/script/parser.h"

namespace tenon::torch {

Result<Program> Program::open(const std::string& path) {
  return open(TRY(archive::TorchArchive::open(path)));
}

Result<Program> Program::open(archive::TorchArchive archive) {
  if (!archive.is_torchscript()) {
    return fail({.kind = ErrorKind::bad_file,
                 .what = "the file holds no TorchScript program",
                 .where = {.file = archive.path()},
                 .why = "it has no code/ folder",
                 .hint = "save a traced or scripted module with torch.jit.save, or an exported "
                         "program with torch.export.save"});
  }
  return Program(std::move(archive));
}

Result<const CodeFile*> Program::file(const std::string& module) {
  if (auto it = files_.find(module); it != files_.end()) return it->second.get();
  auto& slot = files_[module];
  std::string path = "code/" + module + ".py";
  std::replace(path.begin() + 5, path.end() - 3, '.', '/');
  if (!archive_.has(path)) return nullptr;
  auto made = std::make_unique<CodeFile>();
  made->path = path;
  made->text = TRY(archive_.read(path));
  auto parsed = script::parse(made->text.text());
  if (!parsed) return fail(with_where(parsed.error(), archive_.where(path)));
  made->ast = std::move(*parsed);
  const std::string debug = path + ".debug_pkl";
  const std::string older = path.substr(0, path.size() - 3) + ".debug_pkl";
  for (const std::string& name : {debug, older}) {
    if (!archive_.has(name)) continue;
    auto bytes = archive_.read(name);
    if (!bytes) continue;
    // Source lines help; a program without them converts all the same.
    if (auto ranges = archive::SourceRanges::parse(*bytes, archive_.where(name)))
      made->ranges = std::move(*ranges);
    break;
  }
  slot = std::move(made);
  return slot.get();
}

Result<FoundClass> Program::find_class(const std::string& qualified) {
  const size_t dot = qualified.rfind('.');
  if (dot == std::string::npos) return FoundClass{};
  const CodeFile* found = TRY(file(qualified.substr(0, dot)));
  if (found == nullptr) return FoundClass{};
  for (const script::Class& c : found->ast.classes) {
    if (std::string_view(qualified).substr(dot + 1) == c.name) return FoundClass{found, &c};
  }
  return FoundClass{};
}

Result<FoundFunction> Program::find_function(const std::string& qualified) {
  const size_t dot = qualified.rfind('.');
  if (dot == std::string::npos) return FoundFunction{};
  const CodeFile* found = TRY(file(qualified.substr(0, dot)));
  if (found == nullptr) return FoundFunction{};
  for (const script::Function& f : found->ast.functions) {
    if (std::string_view(qualified).substr(dot + 1) == f.name) return FoundFunction{found, &f};
  }
  return FoundFunction{};
}

namespace {

// Turns pickled data into values: tensors become parameters under their dotted names.
class Loader {
 public:
  Loader(Machine& m, const archive::TorchArchive& archive, std::string storages)
      : m_(m), archive_(archive), storages_(std::move(storages)) {}

  Result<Value> load(const pickle::Value& tagged, const std::string& path) {
    const pickle::Value& value = archive::untagged(tagged);
    using K = pickle::Kind;
    switch (value.kind) {
      case K::none:
        return Value();
      case K::boolean:
        return Value::boolean(value.integer != 0);
      case K::integer:
        return Value::integer(value.integer);
      case K::real:
        return Value::number(value.real);
      case K::string:
        return std::string(value.text);
      case K::tuple: {
        std::vector<Value> items;
        for (size_t i = 0; i < value.items.size(); ++i)
          items.push_back(TRY(load(*value.items[i], fmt::format("{}.{}", path, i))));
        return Value::tuple(std::move(items));
      }
      default:
        break;
    }
    // Mutable things keep their identity.
    if (auto it = made_.find(&value); it != made_.end()) return it->second;
    switch (value.kind) {
      case K::list: {
        const Value list = m_.list({});
        made_[&value] = list;
        std::vector<Value> items;
        for (size_t i = 0; i < value.items.size(); ++i)
          items.push_back(TRY(load(*value.items[i], fmt::format("{}.{}", path, i))));
        m_.state.lists.edit(list.get<ListRef>()->id).items = std::move(items);
        return list;
      }
      case K::dict: {
        const DictRef dict{m_.state.dicts.add({})};
        made_[&value] = dict;
        for (size_t i = 0; i + 1 < value.items.size(); i += 2) {
          const Value key = TRY(load(*value.items[i], path));
          Value item = TRY(load(*value.items[i + 1], path + "." + m_.to_text(key)));
          m_.state.dicts.edit(dict.id).items.emplace_back(key, std::move(item));
        }
        return dict;
      }
      default:
        break;
    }
    if (archive::is_tensor(value)) return tensor(value, path);
    if (value.kind == K::object || value.kind == K::call) return object(value, path);
    return Poison{fmt::format("{} holds data of a kind that Tenon does not read: {}", path,
                              pickle::print(value, 60))};
  }

 private:
  Result<Value> tensor(const pickle::Value& value, const std::string& path) {
    const archive::StoredTensor stored = TRY(archive_.tensor(value, storages_));
    if (!stored.quantizer.empty()) return quantised(stored, path);
    std::string key = stored.storage_key + "/" + std::to_string(stored.offset);
    for (int64_t d : stored.sizes) key += "," + std::to_string(d);
    key += ";";
    for (int64_t d : stored.strides) key += "," + std::to_string(d);
    if (auto it = tensors_.find(key); it != tensors_.end()) return it->second;
    Tensor data = TRY(archive::materialize(stored, archive_.where("data.pkl")));
    const Value made = m_.parameter(
        std::move(data), stored.contiguous() ? Shape{} : ir::to_shape(stored.strides), path);
    tensors_[key] = made;
    made_[&value] = made;
    return made;
  }

  Result<Value> quantised(const archive::StoredTensor& stored, const std::string& path) {
    const archive::Quantizer& q = stored.quantizer[0];
    const bool fits = !q.scales.empty() && q.scales.size() == q.zero_points.size() &&
                      (q.axis < 0 ? q.scales.size() == 1
                                  : static_cast<size_t>(q.axis) < stored.sizes.size() &&
                                        static_cast<int64_t>(q.scales.size()) ==
                                            stored.sizes[static_cast<size_t>(q.axis)]);
    if (!fits)
      return m_.fail(ErrorKind::bad_file, "cannot read a quantised tensor",
                     path + " has not one scale and zero point for each place along its axis",
                     "the file is damaged: save it again");
    Tensor data = TRY(archive::materialize(stored, archive_.where("data.pkl")));
    const Value made = m_.parameter(
        std::move(data), stored.contiguous() ? Shape{} : ir::to_shape(stored.strides), path);
    return with_quantiser(*made.get<TensorRef>(), std::make_shared<const Quantiser>(
                                                      Quantiser{q.scales, q.zero_points, q.axis}));
  }

  Result<Value> object(const pickle::Value& value, const std::string& path) {
    const std::string type = value.qualified_name();
    if (type == "torch.device" || type == "torch._C.device") return Device{"cpu"};
    if (value.kind == pickle::Kind::call && type.starts_with("__torch__.") &&
        value.args->items.size() == 1)
      return enum_member(type, TRY(load(*value.args->items[0], path)));
    const ObjectRef object{m_.state.objects.add({.type = type, .module = path, .attributes = {}})};
    made_[&value] = object;
    const pickle::Value* state = value.state ? &archive::untagged(*value.state) : nullptr;
    if (state && state->is(pickle::Kind::dict)) {
      for (size_t i = 0; i + 1 < state->items.size(); i += 2) {
        const std::string name(state->items[i]->text);
        Value item = TRY(load(*state->items[i + 1], path.empty() ? name : path + "." + name));
        m_.state.objects.edit(object.id).attributes[name] = std::move(item);
      }
    } else if (state) {
      // A class with __setstate__: its argument is kept, and the method runs when everything is
      // loaded.
      Value item = TRY(load(*state, path));
      m_.state.objects.edit(object.id).attributes["__state__"] = std::move(item);
    }
    return object;
  }

  Machine& m_;
  const archive::TorchArchive& archive_;
  std::string storages_;
  std::map<const pickle::Value*, Value> made_;
  std::map<std::string, Value> tensors_;
};

}  // namespace

Result<Value> Program::load_root(Machine& m) const {
  const pickle::Pickle data = TRY(archive_.pickled_program("data.pkl"));
  if (data.root().kind != pickle::Kind::object && data.root().kind != pickle::Kind::call) {
    return fail({.kind = ErrorKind::bad_file,
                 .what = "the file holds no module",
                 .where = archive_.where("data.pkl"),
                 .why = "its root is " + pickle::print(data.root(), 60),
                 .hint = "save the module itself with torch.jit.save"});
  }
  return Loader(m, archive_, "data").load(data.root(), "");
}

Result<std::vector<Value>> Program::load_constants(Machine& m) const {
  std::vector<Value> out;
  const auto constants = TRY(archive_.constants());
  if (!constants) return out;
  Loader loader(m, archive_, "constants");
  const pickle::Value& root = archive::untagged(constants->root());
  for (size_t i = 0; i < root.items.size(); ++i) {
    out.push_back(TRY(loader.load(*root.items[i], fmt::format("CONSTANTS.c{}", i))));
    // TorchScript takes a constant without dimensions for a Python number: weak in type promotion.
    if (const TensorRef* t = out.back().get<TensorRef>(); t && (*t)->sizes.empty()) {
      AbstractTensor number = **t;
      number.wrapped = true;
      out.back() = std::make_shared<const AbstractTensor>(std::move(number));
    }
  }
  return out;
}

namespace {

struct Scan {
  const CodeFile& file;
  std::map<std::string, Program::UsedOperator>& used;

  void visit(const script::Expr& e) {
    if (e.is(script::Expr::Kind::call)) {
      const std::string name = script::dotted(e.kids[0]);
      std::string op;
      if (name.starts_with("torch.") && name.find('.', 6) == std::string::npos)
        op = "aten::" + name.substr(6);
      if (name.starts_with("ops.")) {
        const size_t dot = name.find('.', 4);
        if (dot != std::string::npos) op = name.substr(4, dot - 4) + "::" + name.substr(dot + 1);
      }
      if (!op.empty()) {
        auto& entry = used[op];
        ++entry.count;
        const auto& frames = file.ranges.frames(e.offset);
        if (entry.source.empty() && !frames.empty())
          entry.source = ir::Frame{frames[0].file, frames[0].line, {}}.str();
      }
    }
    for (const script::Expr& kid : e.kids) visit(kid);
  }
  void visit(const std::vector<script::Stmt>& body) {
    for (const script::Stmt& s : body) {
      for (const script::Expr& e : s.exprs) visit(e);
      visit(s.body);
      visit(s.orelse);
    }
  }
};

}  // namespace

Result<std::map<std::string, Program::UsedOperator>> Program::used_operators() {
  std::map<std::string, UsedOperator> used;
  for (const std::string& path : archive_.list("code/", ".py")) {
    std::string module = path.substr(5, path.size() - 8);
    std::replace(module.begin(), module.end(), '/', '.');
    const CodeFile* code = TRY(file(module));
    if (code == nullptr) continue;
    Scan scan{*code, used};
    for (const script::Function& f : code->ast.functions) scan.visit(f.body);
    for (const script::Class& c : code->ast.classes) {
      for (const script::Function& f : c.methods) scan.visit(f.body);
    }
  }
  return used;
}

}  // namespace tenon::torch
