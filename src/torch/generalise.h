// Formulas of sizes for the constants that differ between traces of one module.
#pragma once

#include <map>
#include <vector>

#include "torch/traces.h"

namespace tenon::torch {

class Generaliser {
 public:
  // `sizes`: of the dynamic dimensions, in each of the traces.
  Generaliser(Machine& m, std::vector<ir::Bindings> sizes) : m_(m), sizes_(std::move(sizes)) {}

  // The constant as a value that the sizes decide. Numbers are sizes, sums and products of them
  // with constants, quotients, remainders, and, as floats, their inverses, roots and logarithms;
  // tensors are filled with one such number, count up along an axis, or are triangles. Fails where
  // none of it, or more than one, gives what all of the traces hold. `at_hand`: shapes of the
  // tensors that the program has where the constant stands, which are tried before all others.
  Result<Value> value(const std::vector<TracedConstant>& constants,
                      const std::vector<Shape>& at_hand);

 private:
  struct Formula {
    enum class Function : uint8_t { identity, inverse, root, inverse_root, logarithm };
    Dim of;
    Function function = Function::identity;
    double factor = 1;
    bool integral = false;  // just `of`
    std::string text() const;
  };
  Result<Formula> integer_formula(const std::vector<int64_t>& numbers);
  Result<Formula> float_formula(const std::vector<double>& numbers, double tolerance);
  Result<Formula> formula(const std::vector<double>& numbers, bool integral, double tolerance);
  // A number that may be the same in all traces.
  Result<Value> number(const std::vector<double>& numbers, bool integral, double tolerance);
  Result<Value> emit(const Formula& formula, bool integral);
  Result<Value> tensor(const std::vector<Tensor>& tensors);
  Result<Value> resized_tensor(const std::vector<Tensor>& tensors,
                               const std::vector<std::vector<double>>& elements, double tolerance);

  // Dims with their values in the traces.
  using Candidates = std::vector<std::pair<Dim, std::vector<int64_t>>>;

  // The expressions that a formula may be made of.
  void collect_at_hand(const std::vector<Shape>& shapes);
  void collect();
  void add_candidates(const std::set<Dim>& dims, Candidates& out) const;
  std::optional<std::vector<int64_t>> at_traces(const Dim& dim) const;
  bool same_everywhere(const Dim& a, const Dim& b) const;
  Result<Dim> only_one(const std::vector<Dim>& fitting, const std::string& shown);
  std::unexpected<Error> unclear(const std::string& shown, std::string why, std::string hint) const;
  std::string sizes_text() const;

  Machine& m_;
  std::vector<ir::Bindings> sizes_;
  std::map<std::vector<double>, Formula> known_;
  // The symbols alone, sizes of tensors at hand, and all that the graph's shapes hold.
  Candidates symbols_, at_hand_, expressions_;
  size_t collected_at_ = 0;
};

}  // namespace tenon::torch
