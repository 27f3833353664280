// The walker of exported programs: the input is a program's JSON, whose weights are made up.
#include <algorithm>

#include "fuzz/input.h"
#include "fuzz/mutate.h"
#include "ops/tables.h"
#include "torch/exported/program.h"
#include "torch/import.h"

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  static tenon::fuzz::TextMutator mutate([] {
    // As the file writes them: "add.Tensor" for "aten::add.Tensor".
    std::vector<std::string> names{"slice.Tensor", "select.int", "view.default", "copy_.default"};
    for (const tenon::torch::Lowering* lowering : tenon::ops::torch_table()) {
      std::string name(lowering->name.substr(lowering->name.find("::") + 2));
      names.push_back(name.find('.') == std::string::npos ? name + ".default" : std::move(name));
    }
    return names;
  }());
  return mutate(data, size, max_size, seed);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tenon;
  static const ir::OpSet ops(ops::op_table());
  static const torch::Lowerings lowerings(ops::torch_table());
  auto program = torch::exported::parse_program({reinterpret_cast<const char*>(data), size},
                                                {.file = "fuzz.pt2"});
  if (!program) return 0;
  for (const auto& input : program->inputs) {
    const auto meta = program->graph.tensors.find(input.arg.text);
    if (input.target.empty() || meta == program->graph.tensors.end()) continue;
    const auto dims = ir::constant_dims(meta->second.sizes);
    if (!dims || meta->second.dtype == DType::undefined) continue;
    int64_t count = 1;
    for (const int64_t d : *dims) count = d < 0 || d > 4096 || count > 4096 ? 5000 : count * d;
    if (count > 4096) continue;
    const size_t bytes = byte_size(meta->second.dtype, count);
    const std::vector<uint8_t> zeros(bytes);
    archive::StoredTensor weight{.storage_key = input.target,
                                 .storage = fuzz::input(zeros.data(), bytes),
                                 .storage_count = count,
                                 .dtype = meta->second.dtype,
                                 .sizes = *dims};
    weight.strides.assign(dims->size(), 1);
    for (size_t i = dims->size(); i-- > 1;)
      weight.strides[i - 1] = weight.strides[i] * std::max<int64_t>((*dims)[i], 1);
    program->weights.emplace(input.target, std::move(weight));
  }
  (void)torch::import_exported(*program, "fuzz.pt2", {}, ops, lowerings);
  return 0;
}
