#include "archive/trust.h"

#include <algorithm>
#include <array>

#include "base/error.h"

namespace tenon::archive {
namespace {

bool within(std::string_view module, std::string_view package) {
  return module.starts_with(package) &&
         (module.size() == package.size() || module[package.size()] == '.');
}

// Modules of Python's library of which nothing belongs into a model, and builtins that run code.
// getattr is not among them: every pickled method uses it.
bool executes(std::string_view module, std::string_view name) {
  constexpr std::array kModules{"os",     "posix",     "nt",  "subprocess", "sys",        "shutil",
                                "socket", "importlib", "pty", "runpy",      "webbrowser", "ctypes",
                                "pdb",    "commands",  "imp", "code",       "timeit"};
  constexpr std::array kBuiltins{"eval", "exec", "execfile", "__import__", "breakpoint"};
  if (module == "builtins" || module == "__builtin__")
    return std::ranges::any_of(kBuiltins, [&](std::string_view each) { return name == each; });
  return std::ranges::any_of(kModules, [&](std::string_view each) { return within(module, each); });
}

bool is_pytorchs(std::string_view module, std::string_view name) {
  return within(module, "torch") || within(module, "__torch__") ||
         (module == "collections" && name == "OrderedDict");
}

std::unexpected<Error> refused(const pickle::Value& global, const Where& where) {
  const std::string named = global.qualified_name();
  return fail({.kind = ErrorKind::bad_file,
               .what = "refused a pickle that names " + named,
               .where = where,
               .why = fmt::format("Tenon executes nothing from a file and takes only PyTorch's own "
                                  "classes from a program's pickle; loading this one in Python "
                                  "would use {}",
                                  named),
               .hint = "do not load this file in Python; get the model from its makers, or save it "
                       "again with torch.jit.save"});
}

}  // namespace

Status refuse_executing(const pickle::Pickle& saved, const Where& where) {
  for (const pickle::Value* global : saved.globals()) {
    if (executes(global->text, global->name)) return refused(*global, where);
  }
  return {};
}

Status refuse_foreign(const pickle::Pickle& saved, const Where& where) {
  for (const pickle::Value* global : saved.globals()) {
    if (!is_pytorchs(global->text, global->name)) return refused(*global, where);
  }
  return {};
}

}  // namespace tenon::archive
