// A model compiled for this machine.
//
//   tenon::Result<tenon::Engine> engine = tenon::Engine::build(*model);  // or Engine::load(plan)
//   tenon::Context context = engine->new_context();
//   tenon::Result<std::vector<tenon::Tensor>> outputs = context.run(inputs);
//
// An Engine may be shared between threads; each thread runs a Context of its own.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tenon/model.h"

namespace tenon {

struct EngineOptions {
  int threads = 0;                    // 0: as many as this process may use
  bool time_tactics = true;           // false: compiled sooner, runs slower
  std::vector<std::string> disabled;  // passes and optimisations to leave out, by name
};

namespace detail {
struct EngineState;
struct ContextState;
}  // namespace detail

class Context {
 public:
  Context(Context&&) noexcept;
  Context& operator=(Context&&) noexcept;
  ~Context();

  // Inputs and outputs in the engine's order.
  Result<std::vector<Tensor>> run(std::span<const Tensor> inputs);
  // Inputs by name, or by position as input_0, input_1...; outputs under their names.
  Result<std::vector<NamedTensor>> run(const std::vector<NamedTensor>& inputs);

 private:
  friend class Engine;
  explicit Context(std::unique_ptr<detail::ContextState> state);
  std::unique_ptr<detail::ContextState> state_;
};

class Engine {
 public:
  static Result<Engine> build(const Model& model, const EngineOptions& options = {});
  static Result<Engine> load(const std::string& plan, int threads = 0);
  Status save(const std::string& plan) const;

  std::vector<ValueInfo> inputs() const;
  std::vector<ValueInfo> outputs() const;
  int threads() const;
  Context new_context() const;

 private:
  explicit Engine(std::shared_ptr<const detail::EngineState> state) : state_(std::move(state)) {}
  std::shared_ptr<const detail::EngineState> state_;
};

}  // namespace tenon
