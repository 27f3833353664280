#include "targets/cpu/kernel.h"

#include <algorithm>

namespace tenon::cpu {

Dims Desc::physical() const {
  if (block == 0) return dims;
  Dims out = dims;
  out[1] = (dims[1] + block - 1) / block;
  out.push_back(block);
  return out;
}

size_t Desc::bytes() const { return present() ? byte_size(dtype, element_count(physical())) : 0; }

std::unexpected<Error> MakeContext::refuse(std::string why) const {
  return fail({.kind = ErrorKind::unsupported,
               .what = "a kernel cannot take these sizes",
               .where = node.where(),
               .why = std::move(why),
               .hint = "another tactic takes its place"});
}

bool all_of_type(const ir::Node& node, DType dtype) {
  auto fits = [&](const ir::Value* v) {
    return v == nullptr || (v->type.is_tensor() && v->dtype() == dtype);
  };
  return std::ranges::all_of(node.inputs(), fits) && std::ranges::all_of(node.outputs(), fits);
}

bool has_plain_elements(const ir::Value* value) {
  return value != nullptr && value->type.is_tensor() && bits(value->dtype()) >= 8 &&
         bits(value->dtype()) <= 64;
}

}  // namespace tenon::cpu
