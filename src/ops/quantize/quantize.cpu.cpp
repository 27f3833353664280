// QuantizeLinear and DequantizeLinear between f32 and 8-bit integers, with one scale or one for
// each place along an axis.
#include "ops/quantize/quantize.h"

#include <array>

#include "ir/integers.h"
#include "ir/op.h"
#include "targets/cpu/kernel.h"

namespace tenon::ops {
namespace quantize_kernels {
namespace {

bool is_byte(DType dtype) { return dtype == DType::u8 || dtype == DType::i8; }

bool takes(const ir::Node& node, const ir::Value* wide, const ir::Value* narrow) {
  return node.attributes.get<int64_t>("block_size", 0) == 0 && wide->dtype() == DType::f32 &&
         is_byte(narrow->dtype()) && node.input(1)->dtype() == DType::f32 &&
         node.attributes.get<int64_t>("precision", 0) <= static_cast<int64_t>(DType::f32);
}
bool supports_quantize(const ir::Node& node) { return takes(node, node.input(0), node.output(0)); }
bool supports_dequantize(const ir::Node& node) {
  return takes(node, node.output(0), node.input(0));
}

// The input as rows of elements that share a scale; row r has scale r % scales.
struct Rows {
  int64_t count = 1, length = 1, scales = 1;
};
Result<Rows> rows_of(cpu::MakeContext& context) {
  const Dims& dims = context.in(0).dims;
  const int64_t scales = context.in(1).count(), count = element_count(dims);
  if (scales == 1) return Rows{1, count, 1};
  const auto axis =
      ir::normalize_axis(context.node.attributes.get<int64_t>("axis", 1), dims.size());
  if (!axis || dims[*axis] != scales) return context.refuse("scales that do not fit the axis");
  const int64_t length = element_count(std::span(dims).subspan(*axis + 1));
  return Rows{length == 0 ? 0 : count / length, length, scales};
}

// f(scale index, first, last) over pieces of rows, on several threads.
template <class F>
void for_rows(const Rows& rows, int threads, F&& f) {
  constexpr int64_t kGrain = 1 << 14;
  if (rows.count == 1) {
    cpu::parallel_for(rows.length, kGrain, threads,
                      [&](int64_t begin, int64_t end) { f(0, begin, end); });
    return;
  }
  const int64_t grain = std::max<int64_t>(1, kGrain / std::max<int64_t>(1, rows.length));
  cpu::parallel_for(rows.count, grain, threads, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r)
      f(r % rows.scales, r * rows.length, (r + 1) * rows.length);
  });
}

int zero_point(const cpu::Args& args, DType type, int64_t at) {
  if (args.in.size() < 3 || args.in[2] == nullptr) return 0;
  const auto byte = std::to_integer<uint8_t>(args.in[2][at]);
  return type == DType::i8 ? static_cast<int8_t>(byte) : byte;
}

// Rounds to even, |x| < 2^22: the sum has no room for the fraction.
inline float rounded(float x) {
  constexpr float kShift = 12582912.0f;
  return (x + kShift) - kShift;
}

template <class Q>
Result<cpu::Prepared> quantize_to(const Rows& rows, DType type, int threads) {
  cpu::Prepared prepared;
  prepared.run = [=](const cpu::Args& args) -> Status {
    auto* out = reinterpret_cast<Q*>(args.out[0]);
    for_rows(rows, threads, [&](int64_t s, int64_t begin, int64_t end) {
      const float scale = args.f32(1)[s];
      const int point = zero_point(args, type, s);
      const float low = static_cast<float>(std::numeric_limits<Q>::min() - point);
      const float high = static_cast<float>(std::numeric_limits<Q>::max() - point);
      const float* x = args.f32(0);
      for (int64_t i = begin; i < end; ++i) {
        float v = x[i] / scale;
        v = v > low ? v : low;  // of NaN, too
        v = v < high ? v : high;
        out[i] = static_cast<Q>(static_cast<int>(rounded(v)) + point);
      }
    });
    return {};
  };
  return prepared;
}

template <class Q>
Result<cpu::Prepared> dequantize_from(const Rows& rows, DType type, int threads) {
  cpu::Prepared prepared;
  prepared.run = [=](const cpu::Args& args) -> Status {
    const auto* x = reinterpret_cast<const Q*>(args.in[0]);
    float* out = args.f32_out();
    for_rows(rows, threads, [&](int64_t s, int64_t begin, int64_t end) {
      const float scale = args.f32(1)[s];
      const int point = zero_point(args, type, s);
      for (int64_t i = begin; i < end; ++i) out[i] = static_cast<float>(x[i] - point) * scale;
    });
    return {};
  };
  return prepared;
}

Result<cpu::Prepared> make_quantize(cpu::MakeContext& context) {
  const Rows rows = TRY(rows_of(context));
  const DType type = context.outputs[0].dtype;
  return type == DType::u8 ? quantize_to<uint8_t>(rows, type, context.threads)
                           : quantize_to<int8_t>(rows, type, context.threads);
}

Result<cpu::Prepared> make_dequantize(cpu::MakeContext& context) {
  const Rows rows = TRY(rows_of(context));
  const DType type = context.in(0).dtype;
  return type == DType::u8 ? dequantize_from<uint8_t>(rows, type, context.threads)
                           : dequantize_from<int8_t>(rows, type, context.threads);
}

constexpr std::array kKernels = {
    cpu::KernelSpec{.op = "QuantizeLinear",
                    .tactic = "bytes",
                    .supports = supports_quantize,
                    .make = make_quantize},
    cpu::KernelSpec{.op = "DequantizeLinear",
                    .tactic = "bytes",
                    .supports = supports_dequantize,
                    .make = make_dequantize},
};

}  // namespace
}  // namespace quantize_kernels

std::span<const cpu::KernelSpec> quantize_cpu() { return quantize_kernels::kKernels; }

}  // namespace tenon::ops
