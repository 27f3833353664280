#include "targets/cpu/onednn.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstring>
#include <mutex>
#include <oneapi/dnnl/dnnl.hpp>

namespace tenon::cpu::onednn {
namespace {

using dnnl::memory;
using MD = memory::desc;
constexpr bool kVersion3 = DNNL_VERSION_MAJOR >= 3;

dnnl::engine& engine() {
  static dnnl::engine instance(dnnl::engine::kind::cpu, 0);
  return instance;
}

dnnl::stream& stream() {
  thread_local dnnl::stream instance(engine());
  return instance;
}

int64_t round_up(int64_t value, int64_t block) { return (value + block - 1) / block * block; }

Dims row_major(const Dims& dims) {
  Dims strides(dims.size(), 1);
  for (size_t i = dims.size(); i-- > 1;)
    strides[i - 1] = strides[i] * std::max<int64_t>(dims[i], 1);
  return strides;
}

MD plain_md(const Dims& dims) { return MD(dims, memory::data_type::f32, row_major(dims)); }
MD any_md(const Dims& dims) { return MD(dims, memory::data_type::f32, memory::format_tag::any); }

memory::format_tag blocked_tag(size_t rank, int block) {
  using tag = memory::format_tag;
  if (rank == 3) return block == 16 ? tag::nCw16c : tag::nCw8c;
  if (rank == 4) return block == 16 ? tag::nChw16c : tag::nChw8c;
  return block == 16 ? tag::nCdhw16c : tag::nCdhw8c;
}

// Channels of blocked tensors are rounded up: no padding as far as oneDNN can see.
Dims padded_dims(const Desc& desc) {
  Dims dims = desc.dims;
  if (desc.block > 0) dims[1] = round_up(dims[1], desc.block);
  return dims;
}

MD md_of(const Desc& desc) {
  if (desc.block == 0) return plain_md(desc.dims);
  return MD(padded_dims(desc), memory::data_type::f32, blocked_tag(desc.dims.size(), desc.block));
}

// Everything that the bytes of a tensor in this format depend on.
std::string md_key(const MD& md) {
#if DNNL_VERSION_MAJOR >= 3
  auto append = [](std::string& to, const memory::dims& values) {
    for (auto v : values) to += std::to_string(v) + ",";
    to += ";";
  };
  std::string key = "md3;";
  append(key, md.get_dims());
  append(key, md.get_padded_dims());
  append(key, md.get_strides());
  append(key, md.get_inner_blks());
  append(key, md.get_inner_idxs());
  return key;
#else
  return "md2;" + std::string(reinterpret_cast<const char*>(&md.data), sizeof md.data);
#endif
}

bool same(const MD& a, const MD& b) { return a == b; }

// The memory objects of one execution. Closures are shared between threads, so each execution
// takes a set from the list and gives it back.
struct Bound {
  std::vector<memory> memories;
  std::vector<dnnl_exec_arg_t> args;
};

struct Primitive {
  dnnl::primitive primitive;
  std::vector<std::pair<int, MD>> signature;  // argument and its descriptor, in call order
  std::mutex mutex;
  std::vector<std::unique_ptr<Bound>> free;

  std::unique_ptr<Bound> take() {
    {
      std::lock_guard lock(mutex);
      if (!free.empty()) {
        auto bound = std::move(free.back());
        free.pop_back();
        return bound;
      }
    }
    auto bound = std::make_unique<Bound>();
    for (const auto& [arg, md] : signature) {
      bound->memories.emplace_back(md, engine(), nullptr);
      bound->args.push_back({arg, bound->memories.back().get()});
    }
    return bound;
  }

  Status run(std::span<const void* const> pointers) {
    auto bound = take();
    for (size_t i = 0; i < pointers.size(); ++i)
      dnnl_memory_set_data_handle(bound->args[i].memory, const_cast<void*>(pointers[i]));
    const auto status = dnnl_primitive_execute(
        primitive.get(), stream().get(), static_cast<int>(bound->args.size()), bound->args.data());
    {
      std::lock_guard lock(mutex);
      free.push_back(std::move(bound));
    }
    if (status == dnnl_success) return {};
    return fail({.kind = ErrorKind::internal,
                 .what = "oneDNN could not run a primitive",
                 .why = fmt::format("status {}", static_cast<int>(status)),
                 .hint = "report it with the model; --disable winograd may avoid it"});
  }
};

dnnl::algorithm algorithm(PostOp::Kind kind) {
  using Kind = PostOp::Kind;
  switch (kind) {
    case Kind::relu:
      return dnnl::algorithm::eltwise_relu;
    case Kind::clip:
      return dnnl::algorithm::eltwise_clip;
    case Kind::logistic:
      return dnnl::algorithm::eltwise_logistic;
    case Kind::tanh:
      return dnnl::algorithm::eltwise_tanh;
    case Kind::elu:
      return dnnl::algorithm::eltwise_elu;
    case Kind::gelu_erf:
      return dnnl::algorithm::eltwise_gelu_erf;
    case Kind::gelu_tanh:
      return dnnl::algorithm::eltwise_gelu_tanh;
    case Kind::swish:
      return dnnl::algorithm::eltwise_swish;
    case Kind::hardswish:
      return dnnl::algorithm::eltwise_hardswish;
    default:
      return dnnl::algorithm::eltwise_linear;
  }
}

void append_eltwise(dnnl::post_ops& ops, PostOp::Kind kind, float alpha, float beta) {
#if DNNL_VERSION_MAJOR >= 3
  if (kind == PostOp::Kind::hardswish) alpha = 1.0f / 6, beta = 0.5f;
  ops.append_eltwise(algorithm(kind), alpha, beta);
#else
  ops.append_eltwise(1.0f, algorithm(kind), alpha, beta);
#endif
}

dnnl::primitive_attr attributes(const std::vector<PostOp>& post, float scale = 1) {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  dnnl::post_ops ops;
  if (scale != 1) append_eltwise(ops, PostOp::Kind::linear, scale, 0);
  for (const PostOp& op : post) {
    if (op.kind == PostOp::Kind::sum) {
      ops.append_sum(1.0f);
    } else if (op.kind == PostOp::Kind::hardsigmoid) {  // 2.6 has none
      append_eltwise(ops, PostOp::Kind::linear, op.alpha, op.beta);
      append_eltwise(ops, PostOp::Kind::clip, 0, 1);
    } else {
      append_eltwise(ops, op.kind, op.alpha, op.beta);
    }
  }
  attr.set_post_ops(ops);
  return attr;
}

bool has_sum(const std::vector<PostOp>& post) {
  for (const PostOp& op : post) {
    if (op.kind == PostOp::Kind::sum) return true;
  }
  return false;
}

// Runs f, which may throw dnnl::error: that is how oneDNN says that it has no such primitive.
template <class F>
auto guarded(const MakeContext& context, F&& f) -> decltype(f()) {
  try {
    return f();
  } catch (const dnnl::error& error) {
    return context.refuse(fmt::format("oneDNN: {}", error.message));
  }
}

Status convert(const MD& from, const void* source, const MD& to, void* destination) {
  memory in(from, engine(), const_cast<void*>(source)), out(to, engine(), destination);
  dnnl::reorder(in, out).execute(stream(), in, out);
  stream().wait();
  return {};
}

// --- convolution

struct ConvShapes {
  bool depthwise = false;
  int64_t group = 1;
  Dims weights;              // as oneDNN wants them, channels padded: [G,] O, I, k...
  Dims strides;              // of the canonical weights in those dimensions, where not padded
  int64_t out_channels = 0;  // padded
  bool padded = false;
};

Result<ConvShapes> conv_shapes(MakeContext& context, const Convolution& conv) {
  const Desc &x = context.in(0), &w = context.in(1), &y = context.outputs[0];
  const int64_t in = x.dims[1], out = y.dims[1], g = conv.group;
  ConvShapes s;
  const int64_t in_p = padded_dims(x)[1], out_p = padded_dims(y)[1];
  s.padded = in_p != in || out_p != out;
  s.depthwise = g > 1 && g == in && g == out && in_p == out_p;
  s.group = s.depthwise ? in_p : g;
  if (g > 1 && !s.depthwise && s.padded) return context.refuse("groups of padded channels");
  s.out_channels = out_p;
  const Dims spatial(w.dims.begin() + 2, w.dims.end());
  const int64_t taps = element_count(spatial);
  const int64_t go = s.depthwise ? 1 : out_p / s.group, gi = s.depthwise ? 1 : in_p / s.group;
  if (s.group > 1) s.weights.push_back(s.group);
  s.weights.insert(s.weights.end(), {go, gi});
  s.weights.insert(s.weights.end(), spatial.begin(), spatial.end());
  // Canonical: [O, I/g, k...], or [I, O/g, k...] where transposed.
  Dims inner = row_major(spatial);
  if (s.group > 1) s.strides.push_back(go * gi * taps);
  if (conv.transposed)
    s.strides.insert(s.strides.end(), {taps, go * taps});
  else
    s.strides.insert(s.strides.end(), {gi * taps, taps});
  s.strides.insert(s.strides.end(), inner.begin(), inner.end());
  return s;
}

// Canonical weights copied into padded ones of `shapes`.
std::vector<float> pad_weights(const Tensor& w, const ConvShapes& s, bool transposed) {
  const int64_t taps = w.count() / std::max<int64_t>(w.shape()[0] * w.shape()[1], 1);
  std::vector<float> out(static_cast<size_t>(element_count(s.weights)), 0.0f);
  const float* from = w.values<float>().data();
  const int64_t rows = w.shape()[0], columns = w.shape()[1];
  const int64_t row =
      s.depthwise ? taps
                  : (transposed ? s.weights[s.weights.size() - (w.shape().size() - 2) - 2]
                                : s.weights[s.weights.size() - (w.shape().size() - 2) - 1]) *
                        taps;
  for (int64_t r = 0; r < rows; ++r)
    std::memcpy(out.data() + r * row, from + r * columns * taps,
                static_cast<size_t>(columns * taps) * sizeof(float));
  return out;
}

Result<std::shared_ptr<const std::byte>> pack_weights(MakeContext& context, const ConvShapes& s,
                                                      bool transposed, const MD& to) {
  const Tensor& w = *context.inputs[1].constant;
  const std::string key = fmt::format("conv{};", transposed ? "t" : "") + md_key(to);
  return context.packer.pack(context.inputs[1], key, to.get_size(), [&](std::byte* out) -> Status {
    const MD from(s.weights, memory::data_type::f32, s.strides);
    if (!s.padded) return convert(from, w.data(), to, out);
    const auto padded = pad_weights(w, s, transposed);
    return convert(from, padded.data(), to, out);
  });
}

Result<std::shared_ptr<const std::byte>> pack_bias(MakeContext& context, size_t input,
                                                   int64_t count) {
  const Tensor& bias = *context.inputs[input].constant;
  if (bias.count() == count) return std::shared_ptr<const std::byte>(bias.storage(), bias.data());
  const size_t bytes = static_cast<size_t>(count) * sizeof(float);
  const std::string key = fmt::format("bias{}", count);
  return context.packer.pack(context.inputs[input], key, bytes, [&](std::byte* out) {
    std::memcpy(out, bias.data(), bias.nbytes());
    return Status{};
  });
}

#if DNNL_VERSION_MAJOR >= 3
#define TENON_PD(Kind, attr, ...) \
  Kind::primitive_desc(engine(), dnnl::prop_kind::forward_inference, __VA_ARGS__, attr)
#else
#define TENON_PD(Kind, attr, ...) \
  Kind::primitive_desc(Kind::desc(dnnl::prop_kind::forward_inference, __VA_ARGS__), attr, engine())
#endif

}  // namespace

std::string version() {
  const dnnl_version_t* v = dnnl_version();
  return fmt::format("{}.{}.{}", v->major, v->minor, v->patch);
}

std::string isa() {
  // Later sets hold the earlier ones; the number stands for sets that this list does not know.
  constexpr std::array<std::pair<dnnl::cpu_isa, const char*>, 6> kNames = {
      {{dnnl::cpu_isa::sse41, "SSE4.1"},
       {dnnl::cpu_isa::avx, "AVX"},
       {dnnl::cpu_isa::avx2, "AVX2"},
       {dnnl::cpu_isa::avx512_core, "AVX-512"},
       {dnnl::cpu_isa::avx512_core_vnni, "AVX-512 VNNI"},
       {dnnl::cpu_isa::avx512_core_bf16, "AVX-512 BF16"}}};
  const dnnl::cpu_isa isa = dnnl::get_effective_cpu_isa();
  for (const auto& [known, name] : kNames) {
    if (known == isa) return name;
  }
  return fmt::format("{:x}", static_cast<unsigned>(isa));
}

int preferred_block() {
  static const int block = (static_cast<unsigned>(dnnl::get_effective_cpu_isa()) &
                            static_cast<unsigned>(dnnl::cpu_isa::avx512_core)) ==
                                   static_cast<unsigned>(dnnl::cpu_isa::avx512_core)
                               ? 16
                               : 8;
  return block;
}

namespace {

// A primitive with its weights in the format that it asks for.
struct ConvPrimitive {
  std::shared_ptr<Primitive> primitive = std::make_shared<Primitive>();
  MD weights;
  size_t scratch = 0;
};

template <class PD>
void finish(ConvPrimitive& out, const PD& pd, const MD& x, const MD& y, bool bias,
            int64_t channels) {
  out.weights = pd.weights_desc();
  out.scratch = pd.scratchpad_desc().get_size();
  auto& signature = out.primitive->signature;
  signature = {{DNNL_ARG_SRC, x}, {DNNL_ARG_WEIGHTS, out.weights}, {DNNL_ARG_DST, y}};
  if (bias) signature.emplace_back(DNNL_ARG_BIAS, plain_md({channels}));
  signature.emplace_back(DNNL_ARG_SCRATCHPAD, pd.scratchpad_desc());
}

// oneDNN's reference implementations are a thousand times slower than a matrix product.
template <class PD>
bool is_reference(const PD& pd) {
  return std::string_view(pd.impl_info_str()).starts_with("ref");
}

Result<ConvPrimitive> conv_primitive(MakeContext& context, const Convolution& conv,
                                     const ConvShapes& s) {
  const MD x = md_of(context.in(0)), y = md_of(context.outputs[0]);
  const MD w = any_md(s.weights);
  const bool bias = context.has(2);
  const MD b = bias ? plain_md({s.out_channels}) : MD();
  const auto attr = attributes(conv.post);
  Dims dilations = conv.dilations, ends = conv.pads_end;
  for (auto& d : dilations) d -= 1;
  // A transposed convolution's pads follow from its output's size (output_padding, output_shape).
  for (size_t i = 0; conv.transposed && i < ends.size(); ++i) {
    const Desc &in = context.in(0), &out = context.outputs[0], &weights = context.in(1);
    const int64_t window = conv.dilations[i] * (weights.dims[i + 2] - 1) + 1;
    ends[i] =
        (in.dims[i + 2] - 1) * conv.strides[i] + window - out.dims[i + 2] - conv.pads_begin[i];
  }
  ConvPrimitive out;
  if (conv.transposed) {
    const auto pd =
        TENON_PD(dnnl::deconvolution_forward, attr, dnnl::algorithm::deconvolution_direct, x, w, b,
                 y, conv.strides, dilations, conv.pads_begin, ends);
    if (is_reference(pd)) return context.refuse("oneDNN has no fast transposed convolution for it");
    finish(out, pd, x, y, bias, s.out_channels);
    out.primitive->primitive = dnnl::deconvolution_forward(pd);
    return out;
  }
#if DNNL_VERSION_MAJOR >= 3
  if (conv.winograd) return context.refuse("this oneDNN has no Winograd convolution");
#endif
  const auto pd = TENON_PD(
      dnnl::convolution_forward, attr,
      conv.winograd ? dnnl::algorithm::convolution_winograd : dnnl::algorithm::convolution_direct,
      x, w, b, y, conv.strides, dilations, conv.pads_begin, ends);
  if (is_reference(pd))
    return context.refuse("oneDNN has no fast convolution for it in this layout");
  finish(out, pd, x, y, bias, s.out_channels);
  out.primitive->primitive = dnnl::convolution_forward(pd);
  return out;
}

}  // namespace

Result<Prepared> convolution(MakeContext& context, const Convolution& conv) {
  return guarded(context, [&]() -> Result<Prepared> {
    if (element_count(context.in(0).dims) == 0 || element_count(context.outputs[0].dims) == 0)
      return context.refuse("an empty tensor");
    const ConvShapes shapes = TRY(conv_shapes(context, conv));
    ConvPrimitive made = TRY(conv_primitive(context, conv, shapes));
    Prepared out;
    out.scratch = made.scratch;
    if (has_sum(conv.post)) out.accumulate = 3;
    const bool bias = context.has(2);
    if (bias && context.inputs[2].constant == nullptr && shapes.padded)
      return context.refuse("a computed bias of padded channels");
    std::shared_ptr<const std::byte> b;
    if (bias && context.inputs[2].constant) b = TRY(pack_bias(context, 2, shapes.out_channels));
    if (context.inputs[1].constant != nullptr) {
      auto w = TRY(pack_weights(context, shapes, conv.transposed, made.weights));
      out.run = [p = made.primitive, w, b, bias](const Args& args) {
        const void* pointers[5] = {args.in[0], w.get(), args.out[0]};
        size_t n = 3;
        if (bias) pointers[n++] = b ? b.get() : args.in[2];
        pointers[n++] = args.scratch;
        return p->run({pointers, n});
      };
      return out;
    }
    // Computed weights are reordered on each run, into the scratch memory.
    if (shapes.padded) return context.refuse("computed weights of padded channels");
    const MD from(shapes.weights, memory::data_type::f32, shapes.strides);
    const size_t offset = aligned(made.scratch);
    out.scratch = offset + made.weights.get_size();
    out.run = [p = made.primitive, from, to = made.weights, offset, b,
               bias](const Args& args) -> Status {
      TRY(convert(from, args.in[1], to, args.scratch + offset));
      const void* pointers[5] = {args.in[0], args.scratch + offset, args.out[0]};
      size_t n = 3;
      if (bias) pointers[n++] = b ? b.get() : args.in[2];
      pointers[n++] = args.scratch;
      return p->run({pointers, n});
    };
    return out;
  });
}

// --- matrix product

namespace {

// [batch..., rows, columns] with the last two axes as the product wants them; batches right-aligned
// to `rank`.
MD matrix_md(const Dims& dims, bool transposed, size_t rank) {
  Dims shape = dims, strides = row_major(dims);
  if (transposed) {
    std::swap(shape[shape.size() - 1], shape[shape.size() - 2]);
    std::swap(strides[strides.size() - 1], strides[strides.size() - 2]);
  }
  const int64_t outer = strides.empty() ? 1 : element_count(dims);
  while (shape.size() < rank) {
    shape.insert(shape.begin(), 1);
    strides.insert(strides.begin(), outer);
  }
  return MD(shape, memory::data_type::f32, strides);
}

}  // namespace

Result<Prepared> matmul(MakeContext& context, const MatMul& matmul) {
  return guarded(context, [&]() -> Result<Prepared> {
    Dims a_dims = context.in(0).dims, b_dims = context.in(1).dims, y_dims = context.outputs[0].dims;
    if (a_dims.size() < 2 || b_dims.size() < 2) return context.refuse("a vector");
    if (element_count(a_dims) == 0 || element_count(b_dims) == 0 || element_count(y_dims) == 0)
      return context.refuse("an empty tensor");
    const bool constant_b = context.inputs[1].constant != nullptr && b_dims.size() == 2;
    if (constant_b && !matmul.trans_a) {  // one matrix: all leading axes are rows
      const int64_t rows = element_count(a_dims) / a_dims.back();
      a_dims = {rows, a_dims.back()};
      y_dims = {rows, y_dims.back()};
    }
    const size_t rank = std::max({a_dims.size(), b_dims.size(), y_dims.size()});
    const MD a = matrix_md(a_dims, matmul.trans_a, rank);
    const MD b_plain = matrix_md(b_dims, matmul.trans_b, rank);
    const MD y = matrix_md(y_dims, false, rank);
    const bool bias = context.has(2);
    const int64_t columns = y_dims.back();
    Dims bias_dims(rank, 1);
    bias_dims.back() = columns;
    const MD bias_md = bias ? plain_md(bias_dims) : MD();
#if DNNL_VERSION_MAJOR >= 3
    const MD b_any = any_md(b_plain.get_dims());
#else
    const MD b_any = any_md(b_plain.dims());
#endif
    const MD b = constant_b ? b_any : b_plain;
    if (bias && matmul.alpha != 1) return context.refuse("a scaled product with a bias");
    const auto attr = attributes(matmul.post, matmul.alpha);
#if DNNL_VERSION_MAJOR >= 3
    const auto pd = bias ? dnnl::matmul::primitive_desc(engine(), a, b, bias_md, y, attr)
                         : dnnl::matmul::primitive_desc(engine(), a, b, y, attr);
#else
    const auto pd = dnnl::matmul::primitive_desc(
        bias ? dnnl::matmul::desc(a, b, bias_md, y) : dnnl::matmul::desc(a, b, y), attr, engine());
#endif
    auto primitive = std::make_shared<Primitive>();
    primitive->primitive = dnnl::matmul(pd);
    primitive->signature = {
        {DNNL_ARG_SRC, a}, {DNNL_ARG_WEIGHTS, pd.weights_desc()}, {DNNL_ARG_DST, y}};
    if (bias) primitive->signature.emplace_back(DNNL_ARG_BIAS, bias_md);
    primitive->signature.emplace_back(DNNL_ARG_SCRATCHPAD, pd.scratchpad_desc());
    std::shared_ptr<const std::byte> packed;
    if (constant_b) {
      const MD to = pd.weights_desc();
      const Tensor& w = *context.inputs[1].constant;
      if (same(to, b_plain)) {
        packed = std::shared_ptr<const std::byte>(w.storage(), w.data());
      } else {
        packed = TRY(context.packer.pack(
            context.inputs[1], fmt::format("matmul{};", matmul.trans_b ? "t" : "") + md_key(to),
            to.get_size(), [&](std::byte* out) { return convert(b_plain, w.data(), to, out); }));
      }
    }
    Prepared out;
    out.scratch = pd.scratchpad_desc().get_size();
    if (has_sum(matmul.post)) out.accumulate = 3;
    out.run = [primitive, packed, bias](const Args& args) {
      const void* pointers[5] = {args.in[0], packed ? packed.get() : args.in[1], args.out[0]};
      size_t n = 3;
      if (bias) pointers[n++] = args.in[2];
      pointers[n++] = args.scratch;
      return primitive->run({pointers, n});
    };
    return out;
  });
}

Result<Product> product(MakeContext& context, const Matrix& a, const Matrix& b, const Matrix& c) {
  return guarded(context, [&]() -> Result<Product> {
    auto md = [](const Matrix& m) { return MD(m.dims, memory::data_type::f32, m.strides); };
    const auto attr = attributes({});
#if DNNL_VERSION_MAJOR >= 3
    const auto pd = dnnl::matmul::primitive_desc(engine(), md(a), md(b), md(c), attr);
#else
    const auto pd = dnnl::matmul::primitive_desc(dnnl::matmul::desc(md(a), md(b), md(c)), attr,
                                                 engine());
#endif
    auto primitive = std::make_shared<Primitive>();
    primitive->primitive = dnnl::matmul(pd);
    primitive->signature = {{DNNL_ARG_SRC, md(a)},
                            {DNNL_ARG_WEIGHTS, md(b)},
                            {DNNL_ARG_DST, md(c)},
                            {DNNL_ARG_SCRATCHPAD, pd.scratchpad_desc()}};
    Product out;
    out.scratch = pd.scratchpad_desc().get_size();
    out.run = [primitive](const float* x, const float* y, float* z, std::byte* scratch) {
      const void* pointers[4] = {x, y, z, scratch};
      return primitive->run({pointers, 4});
    };
    return out;
  });
}

// --- pooling

Result<Prepared> pooling(MakeContext& context, const Pooling& pool) {
  return guarded(context, [&]() -> Result<Prepared> {
    const Desc &in = context.in(0), &out_desc = context.outputs[0];
    if (in.count() == 0 || out_desc.count() == 0) return context.refuse("an empty tensor");
    const MD x = md_of(in), y = md_of(out_desc);
    Dims ends(pool.kernel.size());
    for (size_t i = 0; i < ends.size(); ++i) {
      ends[i] = (out_desc.dims[i + 2] - 1) * pool.strides[i] + pool.kernel[i] - in.dims[i + 2] -
                pool.pads_begin[i];
      if (ends[i] >= pool.kernel[i]) return context.refuse("a window that lies in the padding");
    }
    const auto attr = attributes({});
    const auto kind = pool.max             ? dnnl::algorithm::pooling_max
                      : pool.count_padding ? dnnl::algorithm::pooling_avg_include_padding
                                           : dnnl::algorithm::pooling_avg_exclude_padding;
#if DNNL_VERSION_MAJOR >= 3
    const Dims dilation(pool.kernel.size(), 0);
    const auto pd = TENON_PD(dnnl::pooling_forward, attr, kind, x, y, pool.strides, pool.kernel,
                             dilation, pool.pads_begin, ends);
#else
    const auto pd = TENON_PD(dnnl::pooling_forward, attr, kind, x, y, pool.strides, pool.kernel,
                             pool.pads_begin, ends);
#endif
    auto primitive = std::make_shared<Primitive>();
    primitive->primitive = dnnl::pooling_forward(pd);
    primitive->signature = {
        {DNNL_ARG_SRC, x}, {DNNL_ARG_DST, y}, {DNNL_ARG_SCRATCHPAD, pd.scratchpad_desc()}};
    Prepared out;
    out.scratch = pd.scratchpad_desc().get_size();
    out.run = [primitive](const Args& args) {
      const void* pointers[3] = {args.in[0], args.out[0], args.scratch};
      return primitive->run({pointers, 3});
    };
    return out;
  });
}

}  // namespace tenon::cpu::onednn
