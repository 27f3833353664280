// The one door to oneDNN (2.6 and 3.x). Convolution, matrix product and pooling as prepared
// closures.
//
// Channel-blocked tensors are given to oneDNN with their channels rounded up to whole blocks and
// weights padded with zeros to match: no tails in its kernels, and nothing to clear after them.
// Channels past C then hold finite values that no consumer's weights let through.
#pragma once

#include <string>
#include <vector>

#include "targets/cpu/kernel.h"
#include "targets/cpu/post_op.h"

namespace tenon::cpu::onednn {

// "2.6.3"; part of what packed weights depend on.
std::string version();
// The instruction set in use ("avx512_core_bf16"), another part.
std::string isa();
// The channel block that this machine's convolutions like: 16 with AVX-512, else 8.
int preferred_block();

struct Convolution {
  bool transposed = false;  // weights are [I, O/group, k...] then
  bool winograd = false;
  int64_t group = 1;
  Dims strides, dilations, pads_begin, pads_end;
  std::vector<PostOp> post;
};
// Inputs X, W, B?, residual?. Refuses where only oneDNN's reference implementation would do.
Result<Prepared> convolution(MakeContext& context, const Convolution& conv);

struct MatMul {
  bool trans_a = false, trans_b = false;
  float alpha = 1;
  std::vector<PostOp> post;
};
// Inputs A, B, bias[N]?, residual?.
Result<Prepared> matmul(MakeContext& context, const MatMul& matmul);

// c = a * b over strided matrices of one rank, [batch..., rows, columns].
struct Matrix {
  Dims dims, strides;
};
struct Product {
  std::function<Status(const float* a, const float* b, float* c, std::byte* scratch)> run;
  size_t scratch = 0;
};
Result<Product> product(MakeContext& context, const Matrix& a, const Matrix& b, const Matrix& c);

struct Pooling {
  bool max = true;
  bool count_padding = false;  // of averages: windows' sizes count padding
  Dims kernel, strides, pads_begin;
};
Result<Prepared> pooling(MakeContext& context, const Pooling& pool);

}  // namespace tenon::cpu::onednn
