// Numbers in a trace that may be sizes of its example inputs: a trace does not keep what Python
// computed, so nothing but their values and where they stand can tell.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "torch/machine.h"
#include "torch/traces.h"

namespace tenon::torch {

// Calls of a traced program that were given literals, in their order.
class BakedLiterals {
 public:
  // A call's arguments, expressions and their values; `op` is "aten::view".
  void note(const Machine& m, const std::string& op, const script::Expr& call,
            const std::vector<Value>& arguments);

  // Those that equal a dynamic size at the example's sizes, a product of such sizes, or, as numbers
  // in arithmetic, their inverse, root or logarithm; indices and bounds along a dynamic dimension;
  // constant tensors of such a size. `sizes`: in the example, of the dynamic dimensions of which
  // nothing else tells.
  std::vector<Notice> suspicions(const ir::Graph& graph, const ir::Bindings& sizes) const;

 private:
  struct Literal {
    double number = 0;
    bool integral = true;
    size_t position = 0;  // of the argument
    std::string keyword;  // instead of the position
  };
  struct Call {
    std::string op;
    size_t arguments = 0;
    std::vector<Literal> literals;
    std::vector<Shape> constants;  // of CONSTANTS.c0 among the arguments
    Shape subject;                 // of the first argument where that is a tensor
    std::optional<int64_t> axis;   // of select, slice, narrow
    ir::OriginRef origin;
  };
  std::vector<Call> calls_;
};

}  // namespace tenon::torch
