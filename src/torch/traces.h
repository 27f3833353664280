// What several traces of one module, made at different sizes, tell of the numbers in them: a trace
// keeps a number that Python computed from a size as a literal, and only another trace shows it.
#pragma once

#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "torch/program.h"

namespace tenon::torch {

// A literal number, or the tensor of CONSTANTS.c0.
using TracedConstant = std::variant<int64_t, double, Tensor>;

class Traces {
 public:
  // Walks the traces of a method next to each other. Fails where they differ in more than
  // constants, naming the line: their weights, or which operators Python called.
  static Result<Traces> compare(Program& first, const std::vector<std::string>& others,
                                const std::string& method);

  size_t count() const { return paths_.size(); }  // the first included
  const std::string& path(size_t trace) const { return paths_[trace]; }
  // The constant in each of the traces, where they differ; otherwise null. The expression is one of
  // the first's program.
  const std::vector<TracedConstant>* find(const script::Expr& e) const {
    const auto found = differing_.find(&e);
    return found == differing_.end() ? nullptr : &found->second;
  }
  // The sizes of an input in each trace, by the name that the front end gives it; null where the
  // traces do not record it.
  const std::vector<Dims>* sizes(const std::string& input) const {
    const auto found = inputs_.find(input);
    return found == inputs_.end() ? nullptr : &found->second;
  }

 private:
  friend class TraceComparison;
  std::vector<std::string> paths_;
  std::unordered_map<const script::Expr*, std::vector<TracedConstant>> differing_;
  std::map<std::string, std::vector<Dims>> inputs_;
};

// The number that an expression spells out: 3, -2, 0.5.
std::optional<TracedConstant> literal_number(const script::Expr& e);

}  // namespace tenon::torch
