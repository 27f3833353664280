// A graph for given sizes: kernels prepared, memory planned.
#pragma once

#include "targets/cpu/state.h"

namespace tenon::cpu {

enum class Place : uint8_t { absent, arena, input, output, constant };

struct Location {
  Place place = Place::absent;
  uint32_t index = 0;  // which input, output or constant
  size_t offset = 0;   // in the arena
};

struct Step {
  const ir::Node* node = nullptr;
  std::string_view tactic;
  Prepared prepared;
  std::vector<Location> in, out;
  Location scratch;
  // Copied to output 0 before the run, where the kernel accumulates and no memory is shared.
  Location accumulate;
  size_t accumulate_bytes = 0;
};

struct Specialisation {
  ir::Bindings bindings;
  std::vector<Step> steps;
  size_t arena = 0;
  std::vector<Tensor> constants;
  struct Output {
    DType dtype = DType::undefined;
    Dims dims;
    Location copy_from;  // where the output is not written in place
  };
  std::vector<Output> outputs;
  size_t most_operands = 0;  // of one step
};

// Prepares a node's kernel; the engine's choice, or (while tactics are timed) another.
using Chooser = std::function<Result<std::pair<const KernelSpec*, Prepared>>(MakeContext&)>;

// The first candidate that takes these sizes.
Result<std::pair<const KernelSpec*, Prepared>> choose(const EngineState& state,
                                                      MakeContext& context);

Result<std::shared_ptr<Specialisation>> specialise(const EngineState& state,
                                                   const ir::Bindings& bindings,
                                                   const Chooser& chooser);

// A node whose output has the bytes of its input 0.
bool is_view(const ir::Node& node, const Desc& in, const Desc& out);

}  // namespace tenon::cpu
