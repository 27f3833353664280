#include "ops/size/size.h"

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

Status infer_size(InferContext& context) {
  context.set(0, DType::i64, Sizes{});
  if (const Sizes* x = context.shape(0)) context.set_contents(0, std::vector{ir::product(*x)});
  return {};
}

}  // namespace

std::span<const ir::OpSpec> size_op() {
  static constexpr ir::OpSpec specs[] = {spec<Size>(1, 1, infer_size)};
  return specs;
}

}  // namespace tenon::ops
