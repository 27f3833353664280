#include "torch/observers.h"

namespace tenon::torch {
namespace {

// Whether the class, which may be numbered, is of this module of PyTorch's.
bool is_of(std::string_view type, std::string_view module) {
  for (const std::string_view root :
       {"__torch__.torch.ao.quantization.", "__torch__.torch.quantization."}) {
    if (!type.starts_with(root)) continue;
    type.remove_prefix(root.size());
    return type.starts_with(module) && type.substr(module.size()).starts_with(".");
  }
  return false;
}

}  // namespace

bool is_observer(std::string_view type) {
  return is_of(type, "observer") && type.ends_with("Observer");
}

std::optional<Value> observed(Machine& m, std::string_view caller, std::string_view method,
                              const std::vector<Value>& arguments, bool traced) {
  // Fake quantisation computes its scale from what its observer has recorded.
  if (!method.starts_with("forward") || is_of(caller, "fake_quantize")) return std::nullopt;
  // Observers call each other's code.
  if (is_observer(caller) || arguments.empty()) return std::nullopt;
  m.notice_once("observers are left out: they record ranges for a quantisation to come");
  if (traced) return Poison{"it is what an observer has recorded, which changes with every call"};
  return arguments[0];
}

}  // namespace tenon::torch
