// What a module keeps from one call to the next: buffers that are written in place, and attributes
// that are set. Tensors among it become pairs of inputs and outputs of the graph.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "torch/import.h"
#include "torch/machine.h"

namespace tenon::torch {

struct StateSlot {
  enum class Kind : uint8_t { buffer, attribute };
  Kind kind = Kind::buffer;
  uint32_t id = 0;        // of the storage or the object
  std::string attribute;  // of the object
  std::string name;       // as the module calls it: "_model.state"
  // A tensor, or a number that each call changes; nullopt for a Python value that settles.
  std::optional<InputForm> form = {};
  Value settled = {};                  // that Python value
  std::optional<Tensor> initial = {};  // before the first call

  bool operator==(const StateSlot& other) const {
    return kind == other.kind && id == other.id && attribute == other.attribute;
  }
};

// One evaluation of a program: the graph, and what it left of the state.
struct Evaluation {
  std::unique_ptr<ir::Graph> graph = std::make_unique<ir::Graph>();
  std::unique_ptr<Machine> machine;
  State before;
  std::vector<Notice> suspicions = {};  // as in Imported
};
// Evaluates a program until what it keeps from one call to the next is known, and gives the graph
// with the state as further inputs and outputs.
Result<Imported> with_state(
    const ImportOptions& options, const std::string& path,
    const std::function<Result<Evaluation>(std::vector<StateSlot>&)>& evaluate);

// Puts the state where the module keeps it: tensors become inputs of the graph.
void enter_state(Machine& m, std::vector<StateSlot>& slots);

}  // namespace tenon::torch
