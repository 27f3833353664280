#include "torch/interpreter.h"

#include <fmt/format.h>

#include <cstdlib>

namespace tenon::torch {

using script::Expr;
using script::Stmt;

namespace {
constexpr int kMaxDepth = 300;
constexpr int64_t kMaxUnrolled = 100'000;
}  // namespace

Status Interpreter::load() {
  root_ = TRY(program_.load_root(m_));
  constants_ = TRY(program_.load_constants(m_));
  // What an object keeps is read back by its own code, the innermost object's first.
  for (uint32_t i = static_cast<uint32_t>(m_.state.objects.size()); i-- > 0;) {
    const auto& attributes = m_.state.objects[i].attributes;
    const auto state = attributes.find("__state__");
    if (state == attributes.end()) continue;
    const Value object = ObjectRef{i}, kept = state->second;
    const FoundFunction found = TRY(find_method(object, "__setstate__"));
    if (found.definition == nullptr) continue;
    m_.state.objects.edit(i).attributes.erase("__state__");
    TRY(call_method(object, "__setstate__", {kept}));
  }
  return {};
}

Result<FoundFunction> Interpreter::find_method(const Value& object, const std::string& method) {
  const ObjectRef* ref = object.get<ObjectRef>();
  if (ref == nullptr) return FoundFunction{};
  const FoundClass found = TRY(program_.find_class(m_.state.objects[ref->id].type));
  if (found.definition == nullptr) return FoundFunction{};
  for (const script::Function& f : found.definition->methods) {
    if (f.name == method) return FoundFunction{found.file, &f};
  }
  return FoundFunction{};
}

Status Interpreter::check_stack() const {
  constexpr ptrdiff_t kMost = ptrdiff_t{4} << 20;  // threads have 8 MiB
  const auto* here = static_cast<const char*>(__builtin_frame_address(0));
  if (std::abs(stack_ - here) < kMost) return {};
  return m_.fail(ErrorKind::bad_file, "the program nests too deep",
                 "calls and expressions within each other fill the stack",
                 "a function that calls itself may not end");
}

Result<Value> Interpreter::call_method(const Value& object, const std::string& method,
                                       std::vector<Value> arguments,
                                       std::vector<std::pair<std::string, Value>> keywords) {
  const FoundFunction found = TRY(find_method(object, method));
  if (found.definition == nullptr) {
    const ObjectRef* ref = object.get<ObjectRef>();
    return m_.fail(
        ErrorKind::bad_file, fmt::format("the module has no method '{}'", method),
        ref ? "its class is " + m_.state.objects[ref->id].type : "it is of kind " + object.kind(),
        "choose one with --method");
  }
  arguments.insert(arguments.begin(), object);
  const ObjectRef* ref = object.get<ObjectRef>();
  return call_function(found, std::move(arguments), std::move(keywords), nullptr, 0,
                       ref ? m_.state.objects[ref->id].module : "");
}

void Interpreter::locate(const Call& call, uint32_t offset) {
  auto origin = std::make_shared<ir::Origin>();
  origin->module = call.module;
  auto append = [&](const CodeFile& file, uint32_t at) {
    for (const archive::SourceFrame& frame : file.ranges.frames(at))
      origin->frames.push_back({frame.file, frame.line, frame.function});
  };
  append(call.file, offset);
  // A traced program's lines carry their whole call stack; a scripted function's only its own.
  if (!program_.traced()) {
    const Call* inner = &call;
    for (const Call* outer = call.caller; outer != nullptr && origin->frames.size() < 16;
         outer = outer->caller) {
      append(outer->file, inner->call_offset);
      inner = outer;
    }
  }
  m_.builder.set_origin(std::move(origin));
}

std::string Interpreter::source_line(const Call& call, uint32_t offset) const {
  const auto& frames = call.file.ranges.frames(offset);
  if (!frames.empty()) return ir::Frame{frames[0].file, frames[0].line, {}}.str();
  const std::string_view text = call.file.text.text();
  const auto line =
      std::count(text.begin(),
                 text.begin() + static_cast<ptrdiff_t>(std::min<size_t>(offset, text.size())),
                 '\n') +
      1;
  return fmt::format("{}:{}", call.file.path, line);
}

Result<Value> Interpreter::call_function(const FoundFunction& f, std::vector<Value> arguments,
                                         std::vector<std::pair<std::string, Value>> keywords,
                                         const Call* caller, uint32_t offset,
                                         const std::string& module) {
  const script::Function& function = *f.definition;
  Call call{*f.file, function, {}, module, caller, offset, caller ? caller->depth + 1 : 0};
  if (call.depth > kMaxDepth)
    return m_.fail(ErrorKind::bad_file, "calls are nested too deep", "in " + function.name);
  if (arguments.size() > function.parameters.size()) {
    return m_.fail(ErrorKind::bad_file,
                   fmt::format("{}() takes {} arguments, not {}", function.name,
                               function.parameters.size(), arguments.size()),
                   "the call and the function do not agree");
  }
  for (size_t i = 0; i < function.parameters.size(); ++i) {
    const script::Parameter& parameter = function.parameters[i];
    if (i < arguments.size()) {
      call.locals[parameter.name] = std::move(arguments[i]);
      continue;
    }
    bool given = false;
    for (auto& [name, value] : keywords) {
      if (name == parameter.name) call.locals[name] = value, given = true;
    }
    if (given) continue;
    if (parameter.default_value.is(Expr::Kind::none)) {
      return m_.fail(ErrorKind::usage,
                     fmt::format("{}() needs the argument '{}'", function.name, parameter.name),
                     "it was not given and has no default");
    }
    call.locals[parameter.name] = TRY(eval(parameter.default_value, call));
  }
  const Flow flow = TRY(run(function.body, call));
  return flow.value;
}

Status Interpreter::count_step() {
  if (++steps_ > max_steps_)
    return m_.fail(ErrorKind::unsupported, "the program runs too long",
                   fmt::format("over {} statements were evaluated; a loop may not end", max_steps_),
                   "give inputs for which it ends sooner");
  return m_.builder.status();
}

Result<Interpreter::Flow> Interpreter::run(const std::vector<Stmt>& body, Call& call) {
  for (const Stmt& stmt : body) {
    Flow flow = TRY(run(stmt, call));
    if (flow.kind != Flow::Kind::normal) return flow;
  }
  return Flow{};
}

Result<Interpreter::Flow> Interpreter::run(const Stmt& stmt, Call& call) {
  using K = Stmt::Kind;
  TRY(count_step());
  switch (stmt.kind) {
    case K::pass:
      return Flow{};
    case K::brk:
      return Flow{Flow::Kind::broke, {}};
    case K::cont:
      return Flow{Flow::Kind::continued, {}};
    case K::expression:
      TRY(eval(stmt.exprs[0], call));
      return Flow{};
    case K::result:
      return Flow{Flow::Kind::returned,
                  stmt.exprs[0].is(Expr::Kind::none) ? Value() : TRY(eval(stmt.exprs[0], call))};
    case K::assign: {
      if (stmt.exprs.back().is(Expr::Kind::none)) return Flow{};  // a declaration
      const Value value = TRY(eval(stmt.exprs.back(), call));
      for (size_t i = 0; i + 1 < stmt.exprs.size(); ++i) TRY(assign(stmt.exprs[i], value, call));
      return Flow{};
    }
    case K::augmented: {
      Expr infix;
      infix.kind = Expr::Kind::binary;
      infix.offset = stmt.offset;
      infix.text = stmt.text;
      infix.kids = {stmt.exprs[0], stmt.exprs[1]};
      TRY(assign(stmt.exprs[0], TRY(eval(infix, call)), call));
      return Flow{};
    }
    case K::branch:
      return run_branch(stmt, call);
    case K::loop_while:
      return run_while(stmt, call);
    case K::loop_for:
      return run_for(stmt, call);
    case K::raise: {
      raised_ = true;
      locate(call, stmt.offset);
      return m_.fail(ErrorKind::bad_file, "the program raises an exception",
                     "at " + source_line(call, stmt.offset), "give inputs that the program takes");
    }
    case K::assertion: {
      const Bool holds = TRY(m_.to_bool(TRY(eval(stmt.exprs[0], call))));
      const auto decided = m_.decide(holds);
      if (!decided) m_.assume(holds, true, "an assertion at " + source_line(call, stmt.offset));
      if (decided == false)
        return m_.fail(ErrorKind::bad_file, "an assertion of the program fails",
                       "at " + source_line(call, stmt.offset),
                       "give inputs that the program takes");
      return Flow{};
    }
    case K::with: {
      for (const Expr& e : stmt.exprs) TRY(eval(e, call));
      return run(stmt.body, call);
    }
    case K::del:
      return Flow{};
  }
  return Flow{};
}

Status Interpreter::assign(const Expr& target, const Value& value, Call& call) {
  switch (target.kind) {
    case Expr::Kind::name:
      call.locals[target.text] = value;
      return {};
    case Expr::Kind::tuple:
    case Expr::Kind::list: {
      const std::vector<Value> items = TRY(m_.iterate(value));
      if (items.size() != target.kids.size()) {
        locate(call, target.offset);
        return m_.fail(ErrorKind::bad_file, "cannot unpack a value",
                       fmt::format("{} names for {} elements", target.kids.size(), items.size()),
                       "the program was made for inputs of another rank");
      }
      for (size_t i = 0; i < items.size(); ++i) TRY(assign(target.kids[i], items[i], call));
      return {};
    }
    case Expr::Kind::attribute: {
      const Value object = TRY(eval(target.kids[0], call));
      const ObjectRef* ref = object.get<ObjectRef>();
      if (ref == nullptr)
        return m_.fail(ErrorKind::bad_file, "cannot set an attribute",
                       "of a value of kind " + object.kind());
      m_.state.objects.edit(ref->id).attributes[target.text] = value;
      return {};
    }
    case Expr::Kind::subscript: {
      const Value object = TRY(eval(target.kids[0], call));
      const Value index = TRY(eval(target.kids[1], call));
      locate(call, target.offset);
      TRY(m_.call("aten::_set_item", {object, index, value}));
      return {};
    }
    default:
      return m_.fail(ErrorKind::bad_file, "cannot assign to this expression",
                     "at " + source_line(call, target.offset));
  }
}

Result<Interpreter::Flow> Interpreter::run_branch(const Stmt& stmt, Call& call) {
  const Value value = TRY(eval(stmt.exprs[0], call));
  locate(call, stmt.exprs[0].offset);
  const Bool condition = TRY(m_.to_bool(value));
  if (const auto decided = m_.decide(condition))
    return run(*decided ? stmt.body : stmt.orelse, call);
  if (m_.mode() == Mode::trace) {
    return m_.fail(ErrorKind::unsupported, "a branch depends on data",
                   "--mode trace allows no branch that the input decides; this one is at " +
                       source_line(call, stmt.offset),
                   "convert with --mode auto");
  }
  return dynamic_branch(stmt, call, condition);
}

Result<Interpreter::Flow> Interpreter::run_while(const Stmt& stmt, Call& call) {
  for (int64_t i = 0;; ++i) {
    const Value value = TRY(eval(stmt.exprs[0], call));
    locate(call, stmt.exprs[0].offset);
    const auto decided = m_.decide(TRY(m_.to_bool(value)));
    if (!decided) return dynamic_loop(stmt, call, value, nullptr);
    if (!*decided) return Flow{};
    if (i > kMaxUnrolled)
      return m_.fail(ErrorKind::unsupported, "a loop does not end",
                     "at " + source_line(call, stmt.offset));
    Flow flow = TRY(run(stmt.body, call));
    if (flow.kind == Flow::Kind::broke) return Flow{};
    if (flow.kind == Flow::Kind::returned) return flow;
  }
}

Result<Interpreter::Flow> Interpreter::run_for(const Stmt& stmt, Call& call) {
  const Value iterable = TRY(eval(stmt.exprs[1], call));
  locate(call, stmt.offset);
  if (const Range* range = iterable.get<Range>();
      range &&
      !(range->start.is_constant() && range->stop.is_constant() && range->step.is_constant())) {
    if (m_.mode() == Mode::trace) {
      return m_.fail(ErrorKind::unsupported, "the length of a loop depends on data",
                     "at " + source_line(call, stmt.offset), "convert with --mode auto");
    }
    return dynamic_loop(stmt, call, Value::boolean(true), range);
  }
  for (const Value& item : TRY(m_.iterate(iterable))) {
    TRY(assign(stmt.exprs[0], item, call));
    Flow flow = TRY(run(stmt.body, call));
    if (flow.kind == Flow::Kind::broke) break;
    if (flow.kind == Flow::Kind::returned) return flow;
  }
  return Flow{};
}

}  // namespace tenon::torch
