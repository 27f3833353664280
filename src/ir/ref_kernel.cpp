#include "ir/ref_kernel.h"

#include <fmt/format.h>

#include "base/error.h"

namespace tenon::ir {

const std::vector<Tensor>* RefContext::sequence_input(size_t i) const {
  if (i >= values.size() || values[i] == nullptr || !values[i]->sequence) return nullptr;
  return &*values[i]->sequence;
}

std::unexpected<Error> RefContext::fail(std::string why, std::string hint) const {
  return tenon::fail(
      {.kind = ErrorKind::usage,
       .what = fmt::format("{} cannot be computed", node.op),
       .where = node.where(),
       .why = std::move(why),
       .hint = hint.empty() ? "check the values and shapes of the inputs" : std::move(hint)});
}

std::unexpected<Error> RefContext::unsupported(std::string why, std::string hint) const {
  auto error = fail(std::move(why), std::move(hint)).error();
  error.kind = ErrorKind::unsupported;
  return tenon::fail(std::move(error));
}

RefKernels::RefKernels(std::span<const RefKernel* const> kernels) {
  for (const RefKernel* kernel : kernels)
    kernels_[fmt::format("{}::{}", kernel->domain, kernel->name)] = kernel;
}

const RefKernel* RefKernels::find(std::string_view domain, std::string_view name) const {
  auto it = kernels_.find(fmt::format("{}::{}", domain, name));
  return it == kernels_.end() ? nullptr : it->second;
}

}  // namespace tenon::ir
