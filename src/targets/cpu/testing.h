// What the tests of the engine share.
#pragma once

#include <random>

#include "ops/tables.h"
#include "targets/cpu/engine.h"
#include "targets/cpu/kernel.h"

namespace tenon::cpu {

inline const Tables& tables() {
  static const Tables instance{ir::OpSet(ops::op_table()), ir::RefKernels(ops::ref_table()),
                               ops::cpu_table()};
  return instance;
}

// For kernels that are made alone and keep nothing.
class NoPacking : public Packer {
 public:
  Result<std::shared_ptr<const std::byte>> pack(const Operand&, const std::string&, size_t,
                                                const std::function<Status(std::byte*)>&) override {
    return fail({.kind = ErrorKind::internal, .what = "nothing is packed here"});
  }
};

inline Tensor random_floats(Dims dims, uint32_t seed, float low = -1, float high = 1) {
  std::mt19937 engine(seed);
  std::uniform_real_distribution<float> uniform(low, high);
  Tensor out = Tensor::zeros(DType::f32, std::move(dims));
  for (float& v : out.mutable_values<float>()) v = uniform(engine);
  return out;
}

}  // namespace tenon::cpu
