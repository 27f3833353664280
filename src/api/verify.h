// Compares outputs with a reference's, and says what the reference is.
#pragma once

#include <set>

#include "api/session.h"
#include "numerics/compare.h"

namespace tenon::api {

struct OutputReport {
  std::string name;
  numerics::Difference difference;
  numerics::Tolerance tolerance;
};

struct StageReport {
  std::string stage;      // "CPU engine"
  std::string reference;  // "recorded", "tenon-ir only"
  std::vector<OutputReport> outputs = {};
  // Of all outputs: the worst; inconclusive only where no output proves anything.
  numerics::Verdict verdict() const;
};

// The outputs that depend on random numbers which are others each time: two runs say nothing about
// them.
std::set<std::string> random_outputs(const ir::Graph& graph, const ir::OpSet& ops);

// The tolerances for a graph: wider ones where it rounds to integers on its way.
numerics::ToleranceOptions tolerances_for(const ir::Graph& graph,
                                          numerics::ToleranceOptions tolerances);

// Outputs in the order of the names; another number of them is a usage error. Those of `random` are
// inconclusive where they have the reference's form.
Result<std::vector<OutputReport>> compare_outputs(std::span<const std::string> names,
                                                  std::span<const Tensor> outputs,
                                                  std::span<const Tensor> reference,
                                                  const numerics::ToleranceOptions& tolerances,
                                                  const std::set<std::string>& random);

std::vector<std::string> output_names(const ir::Graph& graph);

// What a graph gives by the plainest means that its size allows: the reference kernels, or, where
// those would take too long, the engine without any optimisation.
struct Reference {
  std::vector<Tensor> outputs;
  std::string name;  // "reference kernels", "engine without optimisations"
};
struct ReferenceOptions {
  double budget = 30e9;  // multiply-adds up to which the reference kernels are taken
  int threads = 0;
};
Result<Reference> reference_outputs(const ir::Graph& graph, std::span<const Tensor> inputs,
                                    const ReferenceOptions& options, const Tables& tables);

// Sizes of the dynamic dimensions: opt, and where they vary within bounds the ends of their ranges.
struct Sizes {
  std::string at;  // "opt shapes"
  ir::Bindings bindings;
};
std::vector<Sizes> sizes_to_verify(const ir::Graph& graph);

// One set of sizes at which a build is verified.
struct VerifiedSizes {
  std::string at;  // "opt", "min", "max"
  std::string reference;
  std::vector<OutputReport> outputs;
};
struct Verification {
  std::vector<VerifiedSizes> done;
  std::vector<std::string> left_out;  // "max: the tensors would need 12 GB"
  numerics::Verdict verdict() const;
};
struct VerifyOptions {
  ReferenceOptions reference = {};
  numerics::ToleranceOptions tolerances = {};
  uint64_t seed = 0;
  double most_multiply_adds = 1e12;  // sizes that are more work than this are left out
};
// Runs the engine beside the reference of the graph that it was compiled from: at the opt sizes,
// and where sizes vary also at the least and the largest.
Result<Verification> verify_engine(const ir::Graph& canonical, const cpu::Engine& engine,
                                   const VerifyOptions& options, const Tables& tables);

}  // namespace tenon::api
