#include "torch/traces.h"

#include <fmt/format.h>

#include <cstdlib>
#include <cstring>

namespace tenon::torch {

using script::Expr;
using script::Stmt;
using K = Expr::Kind;

std::optional<TracedConstant> literal_number(const Expr& e) {
  if (e.is(K::unary) && e.text == "-") {
    auto positive = literal_number(e.kids[0]);
    if (!positive) return std::nullopt;
    if (const int64_t* i = std::get_if<int64_t>(&*positive)) return TracedConstant(-*i);
    return TracedConstant(-std::get<double>(*positive));
  }
  if (e.is(K::integer)) return TracedConstant(int64_t{std::strtoll(e.text.c_str(), nullptr, 0)});
  if (e.is(K::floating) && !e.text.ends_with('j'))
    return TracedConstant(std::strtod(e.text.c_str(), nullptr));
  return std::nullopt;
}

namespace {

// Without the numbers that keep classes of the same name apart: "__torch__.___torch_mangle_3.Net".
std::string unmangled(std::string name) {
  static constexpr std::string_view kMark = "___torch_mangle_";
  for (size_t at = name.find(kMark); at != std::string::npos; at = name.find(kMark)) {
    const size_t dot = name.find('.', at);
    name.erase(at, dot == std::string::npos ? dot : dot + 1 - at);
  }
  return name;
}

bool same_tensor(const Tensor& a, const Tensor& b) {
  return a.dtype() == b.dtype() && a.shape() == b.shape() &&
         std::memcmp(a.data(), b.data(), a.nbytes()) == 0;
}

bool same_number(const TracedConstant& a, const TracedConstant& b) {
  if (a.index() != b.index()) return false;
  if (const int64_t* i = std::get_if<int64_t>(&a)) return *i == std::get<int64_t>(b);
  return std::get<double>(a) == std::get<double>(b);
}

const char* kSameModel =
    "trace the same module, with the same weights, at different sizes and save each trace";

// The tensors among the recorded example inputs, under the names that the front end gives them.
template <class F>
Status for_each_tensor(const std::string& name, const pickle::Value& tagged, F&& f) {
  const pickle::Value& value = archive::untagged(tagged);
  if (archive::is_tensor(value)) return f(name, value);
  if (value.is(pickle::Kind::list) || value.is(pickle::Kind::tuple)) {
    for (size_t i = 0; i < value.items.size(); ++i)
      TRY(for_each_tensor(fmt::format("{}_{}", name, i), *value.items[i], f));
  }
  if (value.is(pickle::Kind::dict)) {
    for (size_t i = 0; i + 1 < value.items.size(); i += 2)
      TRY(for_each_tensor(fmt::format("{}_{}", name, value.items[i]->text), *value.items[i + 1],
                          f));
  }
  return {};
}

Status bad_trace(const std::string& path, std::string why) {
  return fail({.kind = ErrorKind::usage,
               .what = "the file cannot be compared with the first trace",
               .where = {.file = path},
               .why = std::move(why),
               .hint = kSameModel});
}

}  // namespace

// Compares the first trace with one other.
class TraceComparison {
 public:
  TraceComparison(Program& first, Program& other, size_t trace, Traces& out)
      : a_(first), b_(other), trace_(trace), out_(out) {}

  Status run(const std::string& method) {
    if (!b_.traced()) return bad_trace(b_.path(), "it was not made by torch.jit.trace");
    const pickle::Pickle first = TRY(a_.archive().pickled_program("data.pkl"));
    const pickle::Pickle other = TRY(b_.archive().pickled_program("data.pkl"));
    TRY(compare_weights(first.root(), other.root(), ""));
    TRY(load_constants());
    root_ = {first.root().qualified_name(), other.root().qualified_name()};
    TRY(pair(root_.first, root_.second));
    while (!queue_.empty()) {
      const auto [x, y] = queue_.back();
      queue_.pop_back();
      TRY(compare_named(x, y));
    }
    return record_inputs(method);
  }

 private:
  // --- weights: the same names, forms and bytes

  Status compare_weights(const pickle::Value& tagged_x, const pickle::Value& tagged_y,
                         const std::string& path) {
    const pickle::Value &x = archive::untagged(tagged_x), &y = archive::untagged(tagged_y);
    if (!visited_.insert(&x).second) return {};
    if (archive::is_tensor(x) && archive::is_tensor(y)) {
      const archive::StoredTensor s = TRY(a_.archive().tensor(x)), t = TRY(b_.archive().tensor(y));
      if (s.dtype != t.dtype || s.sizes != t.sizes)
        return bad_trace(
            b_.path(), fmt::format("'{}' is {}[{}] in the first trace and {}[{}] in this one", path,
                                   name(s.dtype), fmt::join(s.sizes, ", "), name(t.dtype),
                                   fmt::join(t.sizes, ", ")));
      if (s.strides != t.strides || s.offset != t.offset || checksum(a_, s) != checksum(b_, t))
        return bad_trace(b_.path(),
                         fmt::format("'{}' holds other values than in the first trace", path));
      return {};
    }
    const auto both = [&](const pickle::Value* p, const pickle::Value* q,
                          const std::string& name) -> Status {
      if (p == nullptr || q == nullptr) return {};
      return compare_weights(*p, *q,
                             path.empty() || name.empty() ? path + name : path + "." + name);
    };
    if (x.kind != y.kind || x.items.size() != y.items.size())
      return bad_trace(b_.path(),
                       fmt::format("'{}' is of another kind than in the first trace", path));
    const bool pairs = x.is(pickle::Kind::dict) || x.item_pairs;
    for (size_t i = 0; i < x.items.size(); ++i) {
      const bool item = pairs && i % 2 == 1;
      TRY(both(x.items[i], y.items[i], item ? std::string(x.items[i - 1]->text) : std::string()));
    }
    TRY(both(x.args, y.args, ""));
    return both(x.state, y.state, "");
  }

  static std::pair<uint32_t, uint64_t> checksum(const Program& p, const archive::StoredTensor& t) {
    const archive::TorchArchive& archive = p.archive();
    const std::string entry =
        archive.folder().empty() ? t.storage_key : archive.folder() + "/" + t.storage_key;
    const archive::ZipEntry* found = archive.zip().find(entry);
    return found ? std::pair{found->crc, found->size} : std::pair{0U, uint64_t{0}};
  }

  // --- the constants tables

  using Constants = std::vector<std::variant<std::string, Tensor>>;  // a text for what is no tensor

  Status load_constants() {
    constants_a_ = TRY(load_constants(a_));
    constants_b_ = TRY(load_constants(b_));
    return {};
  }

  static Result<Constants> load_constants(const Program& program) {
    Constants out;
    const auto table = TRY(program.archive().constants());
    if (!table) return out;
    const pickle::Value& root = archive::untagged(table->root());
    for (const pickle::Value* item : root.items) {
      const pickle::Value& value = archive::untagged(*item);
      if (!archive::is_tensor(value)) {
        out.emplace_back(pickle::print(value, size_t{1} << 20));
        continue;
      }
      const archive::StoredTensor stored = TRY(program.archive().tensor(value, "constants"));
      out.emplace_back(TRY(archive::materialize(stored, program.archive().where("constants.pkl"))));
    }
    return out;
  }

  // --- code

  Status pair(const std::string& x, const std::string& y) {
    if (paired_.insert({x, y}).second) queue_.emplace_back(x, y);
    return {};
  }

  Status compare_named(const std::string& x, const std::string& y) {
    const FoundClass cx = TRY(a_.find_class(x)), cy = TRY(b_.find_class(y));
    if (cx.definition && cy.definition) return compare_classes(cx, cy, x);
    const FoundFunction fx = TRY(a_.find_function(x)), fy = TRY(b_.find_function(y));
    if (fx.definition && fy.definition)
      return compare_functions(*fx.file, *fx.definition, *fy.file, *fy.definition);
    // Neither in the code: a built-in class.
    if (!cx.definition && !cy.definition && !fx.definition && !fy.definition) return {};
    return bad_trace(b_.path(), fmt::format("{} is not in both", unmangled(x)));
  }

  Status compare_classes(const FoundClass& x, const FoundClass& y, const std::string& name) {
    for (const script::ClassAttribute& p : x.definition->attributes) {
      for (const script::ClassAttribute& q : y.definition->attributes) {
        if (p.name == q.name && p.annotation.starts_with("__torch__.") &&
            q.annotation.starts_with("__torch__."))
          TRY(pair(p.annotation, q.annotation));
      }
    }
    for (const script::Function& p : x.definition->methods) {
      const script::Function* found = nullptr;
      for (const script::Function& q : y.definition->methods) {
        if (p.name == q.name) found = &q;
      }
      if (found == nullptr)
        return bad_trace(b_.path(),
                         fmt::format("{} has no method '{}' in it", unmangled(name), p.name));
      TRY(compare_functions(*x.file, p, *y.file, *found));
    }
    return {};
  }

  Status compare_functions(const CodeFile& file_x, const script::Function& x,
                           const CodeFile& file_y, const script::Function& y) {
    file_x_ = &file_x;
    file_y_ = &file_y;
    return compare(x.body, y.body, x.offset, y.offset);
  }

  std::unexpected<Error> differs(uint32_t x, uint32_t y) const {
    const auto line = [](const CodeFile& file, uint32_t at) -> std::pair<std::string, std::string> {
      ir::Origin origin;
      // What has no line of its own is after something that has.
      uint32_t near = at;
      while (near > 0 && at - near < 1000 && file.ranges.frames(near).empty()) --near;
      for (const archive::SourceFrame& frame : file.ranges.frames(near))
        origin.frames.push_back({frame.file, frame.line, frame.function});
      const std::string_view text = file.text.text();
      const size_t begin = text.rfind('\n', at) + 1;
      std::string code(text.substr(begin, text.find('\n', at) - begin));
      code.erase(0, code.find_first_not_of(' '));
      if (code.size() > 100) code.replace(97, std::string::npos, "...");
      return {ir::where(std::make_shared<const ir::Origin>(std::move(origin))).source, code};
    };
    const auto [source, code] = line(*file_x_, x);
    const auto [other_source, other_code] = line(*file_y_, y);
    std::string why = fmt::format("the first has `{}` where this one has `{}`", code, other_code);
    if (!other_source.empty() && other_source != source)
      why += fmt::format(", which is {}", other_source);
    why += ": a loop or a branch of Python depends on a size";
    return fail({.kind = ErrorKind::unsupported,
                 .what = "the traces differ in more than constants",
                 .where = {.file = b_.path(), .node = {}, .module = {}, .source = source},
                 .why = std::move(why),
                 .hint = "export the model with torch.export, or script it with torch.jit.script: "
                         "both keep what depends on sizes"});
  }

  Status compare(const std::vector<Stmt>& x, const std::vector<Stmt>& y, uint32_t at_x,
                 uint32_t at_y) {
    for (size_t i = 0; i < x.size() && i < y.size(); ++i) TRY(compare(x[i], y[i]));
    if (x.size() > y.size()) return differs(x[y.size()].offset, y.empty() ? at_y : y.back().offset);
    if (x.size() < y.size()) return differs(x.empty() ? at_x : x.back().offset, y[x.size()].offset);
    return {};
  }

  Status compare(const Stmt& x, const Stmt& y) {
    if (x.kind != y.kind || x.exprs.size() != y.exprs.size()) return differs(x.offset, y.offset);
    // The value first: where it differs, its line says more than the target's.
    for (size_t i = x.exprs.size(); i-- > 0;) TRY(compare(x.exprs[i], y.exprs[i]));
    TRY(compare(x.body, y.body, x.offset, y.offset));
    return compare(x.orelse, y.orelse, x.offset, y.offset);
  }

  void note(const Expr& e, TracedConstant first, TracedConstant other) {
    auto [entry, fresh] = out_.differing_.try_emplace(&e);
    if (fresh) entry->second.assign(out_.count(), std::move(first));
    entry->second[trace_] = std::move(other);
  }

  Status compare(const Expr& x, const Expr& y) {
    const auto number = literal_number(x), other = literal_number(y);
    if (number && other) {
      if (!same_number(*number, *other)) note(x, *number, *other);
      return {};
    }
    const std::string name = dotted(x), other_name = dotted(y);
    if (name.starts_with("__torch__.") && other_name.starts_with("__torch__.")) {
      if (unmangled(name) != unmangled(other_name)) return differs(x.offset, y.offset);
      return pair(name, other_name);
    }
    if (name.starts_with("CONSTANTS.c") && other_name.starts_with("CONSTANTS.c")) {
      const size_t i = std::strtoull(name.c_str() + 11, nullptr, 10);
      const size_t j = std::strtoull(other_name.c_str() + 11, nullptr, 10);
      if (i >= constants_a_.size() || j >= constants_b_.size()) return differs(x.offset, y.offset);
      const Tensor *s = std::get_if<Tensor>(&constants_a_[i]),
                   *t = std::get_if<Tensor>(&constants_b_[j]);
      if (s && t) {
        if (!same_tensor(*s, *t)) note(x, *s, *t);
        return {};
      }
      if (s || t ||
          std::get<std::string>(constants_a_[i]) != std::get<std::string>(constants_b_[j]))
        return differs(x.offset, y.offset);
      return {};
    }
    // A number in one and a computed value in the other is Python's doing too.
    if (x.kind != y.kind || x.text != y.text || x.kids.size() != y.kids.size() ||
        x.keywords != y.keywords)
      return differs(x.offset, y.offset);
    for (size_t i = 0; i < x.kids.size(); ++i) TRY(compare(x.kids[i], y.kids[i]));
    return {};
  }

  // --- recorded inputs

  Status record_inputs(const std::string& method) {
    const FoundClass root = TRY(a_.find_class(root_.first));
    const script::Function* function = nullptr;
    if (root.definition) {
      for (const script::Function& f : root.definition->methods) {
        if (f.name == method) function = &f;
      }
    }
    if (function == nullptr) return {};  // said where the method is called
    for (const bool other : {false, true}) {
      if (!other && trace_ != 1) continue;
      const Program& program = other ? b_ : a_;
      const pickle::Pickle inputs = TRY(program.archive().pickled_program("traced_inputs.pkl"));
      const pickle::Value& methods = archive::untagged(inputs.root());
      const pickle::Value* recorded =
          methods.is(pickle::Kind::dict) ? methods.get(method) : nullptr;
      if (recorded == nullptr) continue;
      const pickle::Value& arguments = archive::untagged(*recorded);
      for (size_t i = 0; i < arguments.items.size() && i + 1 < function->parameters.size(); ++i) {
        TRY(for_each_tensor(
            function->parameters[i + 1].name, *arguments.items[i],
            [&](const std::string& name, const pickle::Value& value) -> Status {
              const Dims sizes = TRY(program.archive().tensor(value, "traced_inputs")).sizes;
              std::vector<Dims>& all = out_.inputs_[name];
              if (!other) all.assign(out_.count(), sizes);
              if (all.empty() || all[0].size() != sizes.size())
                return bad_trace(
                    program.path(),
                    fmt::format("its input '{}' has another number of dimensions", name));
              all[other ? trace_ : 0] = sizes;
              return {};
            }));
      }
    }
    return {};
  }

  Program &a_, &b_;
  size_t trace_;
  Traces& out_;
  std::pair<std::string, std::string> root_;
  std::set<const pickle::Value*> visited_;
  Constants constants_a_, constants_b_;
  std::set<std::pair<std::string, std::string>> paired_;
  std::vector<std::pair<std::string, std::string>> queue_;
  const CodeFile *file_x_ = nullptr, *file_y_ = nullptr;
};

Result<Traces> Traces::compare(Program& first, const std::vector<std::string>& others,
                               const std::string& method) {
  Traces out;
  out.paths_.push_back(first.path());
  out.paths_.insert(out.paths_.end(), others.begin(), others.end());
  if (!first.traced()) {
    return fail({.kind = ErrorKind::usage,
                 .what = "there is nothing to compare traces with",
                 .where = {.file = first.path()},
                 .why = "the file was not made by torch.jit.trace; scripted and exported programs "
                        "keep what depends on sizes",
                 .hint = "leave out --also-traced-at"});
  }
  for (size_t i = 0; i < others.size(); ++i) {
    Program other = TRY(Program::open(others[i]));
    TRY(TraceComparison(first, other, i + 1, out).run(method));
  }
  return out;
}

}  // namespace tenon::torch
