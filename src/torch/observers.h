// Observers, which PyTorch's preparation for quantisation leaves in a model: they give what they
// are given, and record its range for a quantisation to come.
#pragma once

#include "torch/machine.h"

namespace tenon::torch {

// Whether an object of this class is an observer.
bool is_observer(std::string_view type);

// What a method of an observer gives that an object of the class `caller` calls, nothing being
// recorded; nullopt where it has to be run. In a trace it gives None or numbers that only observers
// use.
std::optional<Value> observed(Machine& m, std::string_view caller, std::string_view method,
                              const std::vector<Value>& arguments, bool traced);

}  // namespace tenon::torch
