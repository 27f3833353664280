// The evaluator of TorchScript: the input is the source of a module's class, which becomes a
// graph on small inputs or an error.
#include "fuzz/mutate.h"
#include "ops/tables.h"
#include "torch/testing.h"

using namespace tenon;

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  static fuzz::TextMutator mutate([] {
    // As the code writes them: "add" for "aten::add.Tensor".
    std::vector<std::string> names{"append", "size", "view", "select", "slice", "item", "copy_"};
    for (const torch::Lowering* lowering : ops::torch_table()) {
      const std::string_view name = lowering->name.substr(lowering->name.find("::") + 2);
      names.emplace_back(name.substr(0, name.find('.')));
    }
    return names;
  }());
  return mutate(data, size, max_size, seed);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const ir::OpSet ops(ops::op_table());
  static const torch::Lowerings lowerings(ops::torch_table());
  auto program = torch::testing::program_of({reinterpret_cast<const char*>(data), size});
  if (!program) __builtin_trap();
  const auto imported =
      torch::import_torchscript(*program, torch::testing::options_for(*program), ops, lowerings);
  if (imported) return 0;
  if (imported.error().message().empty()) __builtin_trap();
  return 0;
}
