// Syntax trees of the Python subset that TorchScript serialises and that custom mappings are
// written in.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tenon::torch::script {

struct Expr {
  enum class Kind : uint8_t {
    none,     // an absent part: a slice's bound, a bare return's value
    name,     // text
    integer,  // text as written
    floating,
    string,     // text, unescaped
    fstring,    // kids: strings and expressions in order
    constant,   // text: None True False Ellipsis
    attribute,  // kids[0] . text
    call,       // kids[0] ( kids[1..] ); keywords runs parallel to kids[1..], empty for positional
    subscript,  // kids[0] [ kids[1..] ]
    slice,      // kids: start, stop, step
    list,
    tuple,
    dict /* key, value, key, value ... */,
    set,
    unary,          // text: - + ~ not
    binary,         // text: + - * / // % ** @ & | ^ << >>
    compare,        // text: == != < <= > >= is is_not in not_in; two kids
    boolean,        // text: and or
    conditional,    // kids: value, condition, otherwise
    comprehension,  // kids: element, target, iterable, conditions...
    star,           // *kids[0]
  };
  Kind kind = Kind::none;
  uint32_t offset = 0;  // byte in the file
  uint32_t end = 0;
  std::string text;
  std::vector<Expr> kids;
  std::vector<std::string> keywords;
  bool is(Kind k) const { return kind == k; }
};

// "torch.nn.functional.relu" of an attribute chain on a name; empty otherwise.
std::string dotted(const Expr& e);

struct Stmt {
  enum class Kind : uint8_t {
    expression,  // exprs[0]
    assign,      // exprs: targets..., value last; text: annotation
    augmented,   // exprs: target, value; text: the operator, "+"
    result,      // return exprs[0]
    pass,
    brk,
    cont,
    branch,      // if exprs[0]: body else: orelse
    loop_while,  // exprs[0]
    loop_for,    // exprs: target, iterable
    raise,       // exprs[0] or none
    assertion,   // exprs: condition, message
    with,        // exprs: context managers
    del,
  };
  Kind kind = Kind::pass;
  uint32_t offset = 0;
  std::string text;
  std::vector<Expr> exprs;
  std::vector<Stmt> body, orelse;
};

struct Parameter {
  std::string name;
  std::string annotation;
  Expr default_value;  // Kind::none where there is none
  bool keyword_only = false;
};

struct Function {
  std::string name;
  std::vector<Parameter> parameters;
  std::string returns;
  std::vector<Stmt> body;
  uint32_t offset = 0;
};

struct ClassAttribute {
  std::string name;
  std::string annotation;
  Expr value;
};

struct Class {
  std::string name;
  std::string base;  // "Module", "NamedTuple", "Enum", "Interface", or empty
  std::vector<ClassAttribute> attributes;
  std::vector<Function> methods;
};

struct File {
  std::vector<Function> functions;
  std::vector<Class> classes;
};

}  // namespace tenon::torch::script
