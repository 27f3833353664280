// The state of one thread's runs.
#pragma once

#include <map>

#include "targets/cpu/interpreter.h"
#include "targets/cpu/specialise.h"

namespace tenon::cpu {

struct ContextState {
  std::shared_ptr<const EngineState> engine;
  std::shared_ptr<std::byte> arena;
  size_t arena_bytes = 0;
  std::vector<Tensor> outputs;  // of the last run, taken again when nobody else holds them
  std::shared_ptr<const Specialisation> last;
  std::vector<const std::byte*> in;
  std::vector<std::byte*> out;
  std::shared_ptr<Interpreter> interpreter;  // made when it is needed
  bool profiling = false;
  struct Time {
    LayerInfo layer;
    double total_ms = 0;
    int64_t runs = 0;
  };
  std::vector<const ir::Node*> order;  // of execution
  std::map<const ir::Node*, Time> times;

  void record(const ir::Node& node, std::string_view tactic, double ms);
};

Result<std::vector<Tensor>> run_fixed(ContextState& context, const ir::Bindings& bindings,
                                      std::span<const Tensor> inputs);
// Node by node, for graphs whose sizes data decides.
Result<std::vector<Tensor>> run_dynamic(ContextState& context, const ir::Bindings& bindings,
                                        std::span<const Tensor> inputs);

}  // namespace tenon::cpu
