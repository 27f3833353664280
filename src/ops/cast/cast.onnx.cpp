#include "ops/cast/cast.h"

#include "onnx/mapping.h"

namespace tenon::ops {
namespace {

// CastLike takes the type from its second input.
Result<onnx::Values> read_cast_like(onnx::ImportContext& c) {
  if (c.inputs.size() != 2 || !c.has(0) || !c.has(1)) return c.fail("it needs two inputs");
  c.attributes.set("to", static_cast<int64_t>(c.input(1)->dtype()));
  c.resize(1);
  return c.emit<Cast>();
}

}  // namespace

std::span<const onnx::Mapping> cast_onnx() {
  static constexpr onnx::Mapping rows[] = {
      onnx::plain<Cast>(),
      onnx::read_only("CastLike", read_cast_like),
  };
  return rows;
}

}  // namespace tenon::ops
