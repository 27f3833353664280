// Attention as two matrix products over strided heads, with the softmax between them in place.
#include "ops/attention/attention.h"

#include <array>
#include <cmath>
#include <limits>

#include "ops/softmax/softmax.kernel.h"
#include "targets/cpu/copy.h"
#include "targets/cpu/onednn.h"

namespace tenon::ops {
namespace attention_kernels {
namespace {

constexpr int64_t kMostScores = int64_t{1} << 28;  // floats

bool supports(const ir::Node& node) {
  const auto op = node.as<Attention>();
  if (node.inputs().size() > 4 || op.softcap != 0 || op.left_window_size >= 0 ||
      op.right_window_size >= 0) {
    return false;
  }
  for (size_t i = 1; i < node.outputs().size(); ++i) {
    if (!node.output(i)->uses.empty()) return false;
  }
  for (size_t i = 0; i < 3; ++i) {
    if (node.input(i)->dtype() != DType::f32) return false;
  }
  const ir::Value* mask = node.input(3);
  return mask == nullptr || mask->dtype() == DType::f32 || mask->dtype() == DType::boolean;
}

// [batch, heads, length, size], or [batch, length, heads * size] seen so.
std::optional<cpu::onednn::Matrix> heads_of(const Dims& dims, int64_t heads) {
  if (dims.size() == 4) return cpu::onednn::Matrix{dims, cpu::strides_of(dims)};
  if (dims.size() != 3 || heads < 1 || dims[2] % heads != 0) return std::nullopt;
  const int64_t size = dims[2] / heads;
  return cpu::onednn::Matrix{{dims[0], heads, dims[1], size},
                             {dims[1] * dims[2], size, dims[2], 1}};
}

struct Mask {
  bool present = false, is_boolean = false;
  Dims strides = {0, 0, 0, 0};  // along batch, head, query, key
};

struct Rows {
  int64_t batch, heads, queries, keys;
  float scale;
  bool causal;
  Mask mask;
};

// Scales, masks and normalises one row of scores.
void finish_row(const Rows& r, const std::byte* mask, int64_t row, float* scores) {
  const int64_t query = row % r.queries;
  const int64_t seen = r.causal ? std::min(query + 1, r.keys) : r.keys;
  if (!r.mask.present) {
    softmax_row(scores, scores, static_cast<size_t>(seen), r.scale, true);
  } else {
    const int64_t head = row / r.queries % r.heads, batch = row / r.queries / r.heads;
    const Dims& s = r.mask.strides;
    const int64_t offset = batch * s[0] + head * s[1] + query * s[2];
    if (r.mask.is_boolean) {
      const auto* m = reinterpret_cast<const uint8_t*>(mask) + offset;
      for (int64_t j = 0; j < seen; ++j) {
        scores[j] =
            m[j * s[3]] != 0 ? scores[j] * r.scale : -std::numeric_limits<float>::infinity();
      }
    } else {
      const auto* m = reinterpret_cast<const float*>(mask) + offset;
      for (int64_t j = 0; j < seen; ++j) scores[j] = scores[j] * r.scale + m[j * s[3]];
    }
    softmax_row(scores, scores, static_cast<size_t>(seen), 1, true);
  }
  std::fill(scores + seen, scores + r.keys, 0.0f);
}

Result<cpu::Prepared> make(cpu::MakeContext& context) {
  const auto op = context.node.as<Attention>();
  const auto q = heads_of(context.in(0).dims, op.q_num_heads.value_or(0));
  auto k = heads_of(context.in(1).dims, op.kv_num_heads.value_or(0));
  const auto v = heads_of(context.in(2).dims, op.kv_num_heads.value_or(0));
  const auto y = heads_of(context.outputs[0].dims, op.q_num_heads.value_or(0));
  if (!q || !k || !v || !y) return context.refuse("inputs that do not divide into heads");
  const Dims &qd = q->dims, &kd = k->dims, &vd = v->dims;
  if (kd[0] != qd[0] || vd[0] != qd[0] || kd[1] != qd[1] || vd[1] != qd[1] || kd[3] != qd[3] ||
      vd[2] != kd[2] || y->dims != Dims{qd[0], qd[1], qd[2], vd[3]}) {
    return context.refuse("shared heads");
  }
  Rows rows{qd[0], qd[1], qd[2], kd[2], 0, op.is_causal, {}};
  rows.scale = op.scale.value_or(1 / std::sqrt(static_cast<float>(qd[3])));
  if (!(rows.scale > 0)) return context.refuse("a scale that is not positive");
  const Dims scores{qd[0], qd[1], qd[2], kd[2]};
  const int64_t count = element_count(scores);
  if (count == 0 || count > kMostScores) return context.refuse("too many scores, or none");
  if (context.has(3)) {
    const Dims& m = context.in(3).dims;
    if (m.empty() || m.size() > 4) return context.refuse("a mask of another rank");
    rows.mask.present = true;
    rows.mask.is_boolean = context.in(3).dtype == DType::boolean;
    const Dims strides = cpu::strides_of(m);
    for (size_t i = 0; i < m.size(); ++i) {
      const size_t axis = 4 - m.size() + i;
      if (m[i] != 1 && m[i] != scores[axis]) return context.refuse("a mask of another size");
      rows.mask.strides[axis] = m[i] == 1 ? 0 : strides[i];
    }
  }
  std::swap(k->dims[2], k->dims[3]);
  std::swap(k->strides[2], k->strides[3]);
  const cpu::onednn::Matrix s{scores, cpu::strides_of(scores)};
  auto first = TRY(cpu::onednn::product(context, *q, *k, s));
  auto second = TRY(cpu::onednn::product(context, s, *v, *y));
  const size_t score_bytes = cpu::aligned(static_cast<size_t>(count) * sizeof(float));
  cpu::Prepared prepared;
  prepared.scratch = score_bytes + std::max(first.scratch, second.scratch);
  prepared.run = [first, second, rows, score_bytes,
                  threads = context.threads](const cpu::Args& args) -> Status {
    auto* scores = reinterpret_cast<float*>(args.scratch);
    TRY(first.run(args.f32(0), args.f32(1), scores, args.scratch + score_bytes));
    const int64_t n = rows.batch * rows.heads * rows.queries;
    cpu::parallel_for(
        n, std::max<int64_t>(1, 4096 / rows.keys), threads, [&](int64_t begin, int64_t end) {
          for (int64_t r = begin; r < end; ++r) {
            finish_row(rows, rows.mask.present ? args.in[3] : nullptr, r, scores + r * rows.keys);
          }
        });
    return second.run(scores, args.f32(2), args.f32_out(), args.scratch + score_bytes);
  };
  return prepared;
}

constexpr std::array kKernels = {
    cpu::KernelSpec{.op = "Attention", .tactic = "products", .supports = supports, .make = make},
};

}  // namespace
}  // namespace attention_kernels

std::span<const cpu::KernelSpec> attention_cpu() { return attention_kernels::kKernels; }

}  // namespace tenon::ops
