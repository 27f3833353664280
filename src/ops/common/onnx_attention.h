// Attention from standard operators, for opsets that lack it.
#pragma once

#include "onnx/mapping.h"
#include "ops/attention/attention.h"

namespace tenon::ops {

// softmax(Q * K^T * scale, capped, + masks) * V: masks given, causal, windowed and by length;
// groups of queries share keys; past keys and values come first.
Status write_plain_attention(onnx::ExportContext& c, const Attention& op);

}  // namespace tenon::ops
