// Runs TorchScript code on abstract values.
#pragma once

#include "torch/baked.h"
#include "torch/generalise.h"
#include "torch/machine.h"
#include "torch/program.h"

namespace tenon::torch {

class Interpreter {
 public:
  Interpreter(Machine& machine, Program& program, int64_t max_steps)
      : m_(machine), program_(program), max_steps_(max_steps) {}

  Status load();  // the root object and the constants
  const Value& root() const { return root_; }
  Result<Value> call_method(const Value& object, const std::string& method,
                            std::vector<Value> arguments,
                            std::vector<std::pair<std::string, Value>> keywords = {});
  Result<FoundFunction> find_method(const Value& object, const std::string& method);

  // Notes the literals that the program gives to operators.
  void note_literals() { literals_.emplace(); }
  const std::optional<BakedLiterals>& literals() const { return literals_; }
  // Constants that differ between these traces get the value that the sizes give them.
  void compare(const Traces& traces, std::vector<ir::Bindings> sizes) {
    traces_ = &traces;
    generaliser_.emplace(m_, std::move(sizes));
  }

 private:
  // How a block ended.
  struct Flow {
    enum class Kind : uint8_t { normal, returned, broke, continued };
    Kind kind = Kind::normal;
    Value value;
  };
  // One call: its variables, its code, and who called it from where.
  struct Call {
    const CodeFile& file;
    const script::Function& function;
    Locals locals;
    std::string module;  // module path of the innermost module around it
    const Call* caller = nullptr;
    uint32_t call_offset = 0;  // in the caller's file
    int depth = 0;
  };
  struct Branch;  // control.h
  struct Slot;    // loops.cpp

  // --- interpreter.cpp
  Result<Value> call_function(const FoundFunction& f, std::vector<Value> arguments,
                              std::vector<std::pair<std::string, Value>> keywords,
                              const Call* caller, uint32_t offset, const std::string& module);
  Result<Flow> run(const std::vector<script::Stmt>& body, Call& call);
  Result<Flow> run(const script::Stmt& stmt, Call& call);
  Status assign(const script::Expr& target, const Value& value, Call& call);
  Result<Flow> run_branch(const script::Stmt& stmt, Call& call);
  Result<Flow> run_while(const script::Stmt& stmt, Call& call);
  Result<Flow> run_for(const script::Stmt& stmt, Call& call);
  Status count_step();                             // fails where the program runs too long
  void locate(const Call& call, uint32_t offset);  // sets the builder's origin
  std::string source_line(const Call& call, uint32_t offset) const;

  // --- expressions.cpp
  Result<Value> eval(const script::Expr& e, Call& call);
  Result<Value> eval_untraced(const script::Expr& e, Call& call);
  Result<Value> eval_call(const script::Expr& e, Call& call);
  Value settled(const Value& value) const;
  Result<Value> eval_name(const script::Expr& e, Call& call);
  Result<Value> eval_attribute(const script::Expr& e, Call& call);
  Result<Value> attribute(const Value& object, const std::string& name);
  Result<Value> eval_infix(const script::Expr& e, Call& call);
  Result<Value> eval_subscript(const script::Expr& e, Call& call);
  Result<Value> call_named(const std::string& name, const script::Expr& e, Call& call,
                           std::vector<Value> arguments,
                           std::vector<std::pair<std::string, Value>> keywords);
  // An operator as it was in files of the program's version.
  Result<Value> call_operator(const std::string& op, std::vector<Value> arguments,
                              std::vector<std::pair<std::string, Value>> keywords);
  Result<Value> construct(const std::string& type, std::vector<Value> arguments,
                          std::vector<std::pair<std::string, Value>> keywords, Call& call,
                          uint32_t offset);
  bool is_instance(const Value& value, const SchemaType& type) const;

  // --- control.cpp, joins.cpp, loops.cpp
  Result<Flow> dynamic_branch(const script::Stmt& stmt, Call& call, const Bool& condition);
  Result<Flow> dynamic_loop(const script::Stmt& stmt, Call& call, const Value& first_condition,
                            const Range* range);
  Result<Branch> try_branch(const std::vector<script::Stmt>& body, Call& call, ir::Graph& graph,
                            const Fact& fact);
  Result<Value> join_uninitialised(const Value& good, bool first, Branch& x, Branch& y,
                                   ir::Node* node, State& merged);
  Result<Value> join_optional(const Value& a, const Value& b, Branch& x, Branch& y, ir::Node* node,
                              State& merged);
  bool only_for_something(const Branch& x, const Branch& y, const State& before,
                          const Locals& locals) const;
  Result<Value> join(const Value& a, const Value& b, Branch& x, Branch& y, ir::Node* node,
                     State& merged);
  Result<Value> join_tensors(const TensorRef& a, const TensorRef& b, Branch& x, Branch& y,
                             ir::Node* node, State& merged);
  template <class F>
  Result<ir::Type> hand_out(Branch& side, F&& make);
  Result<ListData> join_sequences(const ListData& a, const ListData& b, Branch& x, Branch& y,
                                  ir::Node* node);
  Status join_state(Branch& x, Branch& y, ir::Node* node, const State& before, State& merged);

  Machine& m_;
  Program& program_;
  Value root_;
  std::vector<Value> constants_;
  // Set by a raise: evaluation stops with an error, which a branch on data takes as "this side only
  // raises".
  bool raised_ = false;
  // Whether evaluation has nested so deep that it is time to give up: programs can call themselves.
  Status check_stack() const;

  const char* stack_ = static_cast<const char*>(__builtin_frame_address(0));
  int64_t max_steps_;
  int64_t steps_ = 0;  // statements run
  std::optional<BakedLiterals> literals_;
  const Traces* traces_ = nullptr;
  std::optional<Generaliser> generaliser_;
};

}  // namespace tenon::torch
