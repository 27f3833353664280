// What stands behind the classes of the public API.
#pragma once

#include "api/session.h"
#include "tenon/engine.h"

namespace tenon::detail {

struct ModelState {
  api::Tables tables;
  api::Loaded loaded;
};

struct EngineState {
  cpu::Engine engine;
};

struct ContextState {
  std::shared_ptr<const EngineState> engine;
  cpu::Context context;
};

std::vector<ValueInfo> describe(std::span<ir::Value* const> values);

}  // namespace tenon::detail
