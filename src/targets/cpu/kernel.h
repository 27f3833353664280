// What a CPU kernel is: the interface between the engine and src/ops/*/*.cpu.cpp.
//
// A KernelSpec is one tactic for one operator. The engine asks supports() once per node, when only
// types are known, and make() once per node and set of sizes; make() returns a closure that holds
// what it prepared (a primitive, packed weights, strides). Closures are const and shared between
// threads: what they write goes to their outputs and their scratch memory.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "ir/graph.h"

namespace tenon::cpu {

// Domain of the operators that exist only inside the engine (lowered.h).
inline constexpr std::string_view kDomain = "cpu";

// A tensor of given sizes in memory. block 0 is row-major. block b > 0 is channel-blocked:
// [N, ceil(C/b), spatial..., b], the channels past C being zero.
struct Desc {
  DType dtype = DType::undefined;  // undefined: the operand is absent
  Dims dims;
  int block = 0;

  bool present() const { return dtype != DType::undefined; }
  int64_t count() const { return element_count(dims); }
  // Sizes as they lie in memory: blocked tensors have one dimension more.
  Dims physical() const;
  size_t bytes() const;
  bool operator==(const Desc&) const = default;
};

struct Operand {
  Desc desc;
  const Tensor* constant = nullptr;  // canonical, row-major; null where it is computed
  const ir::Value* value = nullptr;
};

// Keeps packed constants of an engine: made once, stored in plans, shared by contexts.
class Packer {
 public:
  virtual ~Packer() = default;
  // The packed form of the constant `operand` under `key`, which names everything that its bytes
  // depend on. fill() writes it, into zeroed memory, where there is none yet.
  virtual Result<std::shared_ptr<const std::byte>> pack(
      const Operand& operand, const std::string& key, size_t bytes,
      const std::function<Status(std::byte*)>& fill) = 0;
};

struct MakeContext {
  const ir::Node& node;
  std::span<const Operand> inputs;
  std::span<const Desc> outputs;
  Packer& packer;
  int threads = 1;

  bool has(size_t i) const { return i < inputs.size() && inputs[i].desc.present(); }
  const Desc& in(size_t i) const { return inputs[i].desc; }
  // A kernel that cannot take these sizes: the next tactic is tried.
  std::unexpected<Error> refuse(std::string why) const;
};

struct Args {
  std::span<const std::byte* const> in;  // null where absent
  std::span<std::byte* const> out;
  std::byte* scratch = nullptr;  // 64-byte aligned

  const float* f32(size_t i) const { return reinterpret_cast<const float*>(in[i]); }
  float* f32_out(size_t i = 0) const { return reinterpret_cast<float*>(out[i]); }
};

// A number of bytes rounded up to the alignment of scratch memory.
constexpr size_t aligned(size_t bytes) { return (bytes + 63) / 64 * 64; }

struct Prepared {
  std::function<Status(const Args&)> run;
  size_t scratch = 0;     // bytes
  uint32_t in_place = 0;  // bit i: output 0 may lie where input i lies
  int accumulate = -1;    // output 0 has to hold a copy of this input before the run
};

struct KernelSpec {
  std::string_view op;
  std::string_view tactic;
  bool (*supports)(const ir::Node& node) = nullptr;  // null: always
  Result<Prepared> (*make)(MakeContext& context) = nullptr;
  std::string_view domain;
  bool timed = false;  // worth timing against the node's other tactics
};

// True where every present input and every output is a tensor of this type.
bool all_of_type(const ir::Node& node, DType dtype);
// Whether a value is there and a tensor of elements of 1, 2, 4 or 8 bytes.
bool has_plain_elements(const ir::Value* value);

// f(begin, end) over [0, count) on the engine's threads, in ranges of at least `grain`.
template <class F>
void parallel_for(int64_t count, int64_t grain, int threads, F&& f);

}  // namespace tenon::cpu

#include "targets/cpu/parallel-inl.h"
