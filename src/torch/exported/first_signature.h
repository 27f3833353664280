// The signature of an exported program as PyTorch 2.1 wrote it: names of the graph's values, with
// the parameters and buffers that they stand for, instead of one specification for each.
#pragma once

#include "torch/exported/json_cursor.h"
#include "torch/exported/program.h"

namespace tenon::torch::exported {

// Makes the specifications of the inputs and outputs of `out.graph`, which is read before.
Status read_first_signature(const Cursor& signature, Program& out);

}  // namespace tenon::torch::exported
