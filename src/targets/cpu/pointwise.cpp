#include "targets/cpu/pointwise.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "ops/activation/activation.h"
#include "targets/cpu/post_op.h"

namespace tenon::cpu {
namespace {

constexpr int64_t kTile = 1024;      // floats of one register
constexpr int64_t kGrain = 1 << 14;  // fewest elements worth a thread

bool is_binary(PointOp op) { return op <= PointOp::pow; }

std::optional<float> scalar_constant(const ir::Value* value) {
  if (value == nullptr || !value->is_constant() || value->dtype() != DType::f32 ||
      value->constant->count() != 1) {
    return std::nullopt;
  }
  return value->constant->values<float>()[0];
}

// Arithmetic with a constant scalar needs no second operand.
std::optional<PointInstruction> with_scalar(PointOp op, int variable, float c) {
  PointInstruction linear{PointOp::linear, variable, -1, 1, 0};
  switch (op) {
    case PointOp::add:
      linear.q = c;
      return linear;
    case PointOp::mul:
      linear.p = c;
      return linear;
    case PointOp::sub:
      linear.p = variable == 0 ? 1.0f : -1.0f;
      linear.q = variable == 0 ? -c : c;
      return linear;
    case PointOp::div:
      if (variable == 1) return std::nullopt;
      linear.p = 1 / c;
      return linear;
    case PointOp::pow:
      if (variable == 1) return std::nullopt;
      if (c == 2) return PointInstruction{PointOp::mul, 0, 0};
      if (c == 1) return linear;
      if (c == 0.5f) return PointInstruction{PointOp::sqrt, 0};
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

std::optional<PointOp> unary_op(std::string_view op) {
  static const std::map<std::string_view, PointOp> table = {
      {"Exp", PointOp::exp},           {"Log", PointOp::log},
      {"Sqrt", PointOp::sqrt},         {"Reciprocal", PointOp::reciprocal},
      {"Neg", PointOp::neg},           {"Abs", PointOp::abs},
      {"Floor", PointOp::floor},       {"Ceil", PointOp::ceil},
      {"Round", PointOp::round},       {"Erf", PointOp::erf},
      {"Softplus", PointOp::softplus}, {"Softsign", PointOp::softsign},
      {"Mish", PointOp::mish},         {"Sin", PointOp::sin},
      {"Cos", PointOp::cos},
  };
  auto it = table.find(op);
  return it == table.end() ? std::nullopt : std::optional(it->second);
}

std::optional<PointOp> binary_op(std::string_view op) {
  static const std::map<std::string_view, PointOp> table = {
      {"Add", PointOp::add}, {"Sub", PointOp::sub}, {"Mul", PointOp::mul}, {"Div", PointOp::div},
      {"Min", PointOp::min}, {"Max", PointOp::max}, {"Pow", PointOp::pow},
  };
  auto it = table.find(op);
  return it == table.end() ? std::nullopt : std::optional(it->second);
}

PointOp from_post_op(PostOp::Kind kind) {
  switch (kind) {
    case PostOp::Kind::relu:
      return PointOp::relu;
    case PostOp::Kind::clip:
      return PointOp::clip;
    case PostOp::Kind::logistic:
      return PointOp::logistic;
    case PostOp::Kind::tanh:
      return PointOp::tanh;
    case PostOp::Kind::elu:
      return PointOp::elu;
    case PostOp::Kind::gelu_erf:
      return PointOp::gelu_erf;
    case PostOp::Kind::gelu_tanh:
      return PointOp::gelu_tanh;
    case PostOp::Kind::swish:
      return PointOp::swish;
    case PostOp::Kind::hardswish:
      return PointOp::hardswish;
    case PostOp::Kind::hardsigmoid:
      return PointOp::hardsigmoid;
    default:
      return PointOp::linear;
  }
}

// How one input runs along the collapsed axes of the result.
struct Stream {
  enum class Kind : uint8_t { dense, scalar, general } kind = Kind::general;
  Dims strides;
};

// One prepared program.
struct Plan {
  PointProgram program;
  std::vector<PointKernel> kernels;
  Dims dims;  // of the result, collapsed
  int64_t count = 1;
  int64_t segment = 1;       // tiles do not cross multiples of it
  bool rows_repeat = false;  // a segment is one run of rows along the second last axis
  std::vector<Stream> streams;
  std::vector<int> input_register;   // -1: dense, read where it lies
  std::vector<int> result_register;  // of each instruction; -1: the output
  int registers = 0;
  int threads = 1;
  // Lanes to clear of the last channel block: [outer, blocks, inner, block].
  int64_t tail_outer = 0, tail_blocks = 0, tail_inner = 0, block = 0, tail_from = 0;

  void gather(const Stream& stream, const float* from, int64_t start, int64_t n, float* to) const;
  void run(const Args& args, int64_t begin, int64_t end, float* memory) const;
  void clear_tail(float* out) const;
};

void Plan::gather(const Stream& stream, const float* from, int64_t start, int64_t n,
                  float* to) const {
  const size_t rank = dims.size();
  const int64_t inner = dims[rank - 1], step = stream.strides[rank - 1];
  int64_t row = start / inner, column = start % inner;
  while (n > 0) {
    int64_t offset = 0, rest = row;
    for (size_t i = rank - 1; i-- > 0;) {
      offset += rest % dims[i] * stream.strides[i];
      rest /= dims[i];
    }
    const int64_t run = std::min(n, inner - column);
    const float* source = from + offset + column * step;
    if (step == 1) {
      std::copy_n(source, run, to);
    } else if (step == 0) {
      std::fill_n(to, run, *source);
    } else {
      for (int64_t i = 0; i < run; ++i) to[i] = source[i * step];
    }
    to += run;
    n -= run;
    column = 0;
    ++row;
  }
}

void Plan::run(const Args& args, int64_t begin, int64_t end, float* memory) const {
  const size_t inputs = streams.size();
  float* out = args.f32_out();
  auto reg = [&](int r) { return memory + r * kTile; };
  for (size_t i = 0; i < inputs; ++i) {
    if (streams[i].kind == Stream::Kind::scalar)
      std::fill_n(reg(input_register[i]), kTile, *args.f32(i));
  }
  int64_t filled_segment = -1, filled_count = 0;
  for (int64_t start = begin; start < end;) {
    const int64_t n = std::min({kTile, end - start, segment - start % segment});
    // Within a segment, tiles that start on a whole row repeat: the last axis is all that varies.
    const int64_t inner = dims.back();
    const bool repeats =
        start % inner == 0 && filled_segment == start / segment && filled_count >= n && rows_repeat;
    for (size_t i = 0; i < inputs; ++i) {
      const Stream& s = streams[i];
      if (s.kind != Stream::Kind::general) continue;
      if (repeats && s.strides[s.strides.size() - 2] == 0) continue;
      gather(s, args.f32(i), start, n, reg(input_register[i]));
    }
    if (start % inner == 0) {
      if (filled_segment != start / segment) filled_count = n;
      filled_segment = start / segment;
    } else {
      filled_segment = -1;
    }
    auto operand = [&](int v) -> const float* {
      if (v < 0) return nullptr;
      if (v < static_cast<int>(inputs)) {
        return streams[v].kind == Stream::Kind::dense ? args.f32(v) + start
                                                      : reg(input_register[v]);
      }
      return reg(result_register[v - inputs]);
    };
    for (size_t i = 0; i < program.size(); ++i) {
      const PointInstruction& op = program[i];
      float* to = result_register[i] < 0 ? out + start : reg(result_register[i]);
      kernels[i](operand(op.a), operand(op.b), to, static_cast<size_t>(n), op.p, op.q);
    }
    start += n;
  }
}

void Plan::clear_tail(float* out) const {
  for (int64_t o = 0; o < tail_outer; ++o) {
    float* last = out + ((o + 1) * tail_blocks - 1) * tail_inner * block;
    for (int64_t i = 0; i < tail_inner; ++i)
      std::fill(last + i * block + tail_from, last + (i + 1) * block, 0.0f);
  }
}

// Strides of `in`, in elements, along the result's physical axes.
Result<Dims> strides_along(const MakeContext& context, const Desc& in, const Desc& out) {
  const Dims target = out.physical();
  const size_t rank = out.dims.size();
  if (in.dims.size() > rank) return context.refuse("an input of higher rank than the result");
  Dims aligned(rank - in.dims.size(), 1);
  aligned.insert(aligned.end(), in.dims.begin(), in.dims.end());
  for (size_t i = 0; i < rank; ++i) {
    if (aligned[i] != 1 && aligned[i] != out.dims[i])
      return context.refuse("an input that does not broadcast to the result");
  }
  Dims physical = aligned;
  if (in.block > 0) {
    if (in.block != out.block || in.dims.size() != rank)
      return context.refuse("inputs in different layouts");
    if (aligned[1] != out.dims[1]) return context.refuse("a blocked input of other channels");
    physical = in.physical();
  } else if (out.block > 0) {
    if (aligned[1] == 1) {
      physical.push_back(1);
    } else {  // channels that lie side by side are blocks already
      for (size_t i = 2; i < rank; ++i) {
        if (aligned[i] != 1) return context.refuse("a plain input of a blocked result");
      }
      if (aligned[1] % out.block != 0) return context.refuse("a plain input with a tail");
      physical[1] = aligned[1] / out.block;
      physical.push_back(out.block);
    }
  }
  Dims strides(physical.size(), 0);
  int64_t step = 1;
  for (size_t i = physical.size(); i-- > 0;) {
    strides[i] = physical[i] == 1 && target[i] != 1 ? 0 : step;
    if (physical[i] == 1) strides[i] = 0;
    step *= physical[i];
  }
  return strides;
}

// Joins neighbouring axes along which all streams run on.
void collapse(Dims& dims, std::vector<Stream>& streams) {
  Dims out_dims;
  std::vector<Dims> out_strides(streams.size());
  for (size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] == 1) continue;
    bool joins = !out_dims.empty();
    for (size_t s = 0; joins && s < streams.size(); ++s)
      joins = out_strides[s].back() == streams[s].strides[i] * dims[i];
    if (joins) {
      out_dims.back() *= dims[i];
      for (size_t s = 0; s < streams.size(); ++s) out_strides[s].back() = streams[s].strides[i];
    } else {
      out_dims.push_back(dims[i]);
      for (size_t s = 0; s < streams.size(); ++s) out_strides[s].push_back(streams[s].strides[i]);
    }
  }
  if (out_dims.empty()) {
    out_dims.push_back(1);
    for (auto& strides : out_strides) strides.push_back(0);
  }
  dims = out_dims;
  for (size_t s = 0; s < streams.size(); ++s) streams[s].strides = out_strides[s];
}

void classify(const Dims& dims, Stream& stream) {
  bool dense = true, scalar = true;
  int64_t step = 1;
  for (size_t i = dims.size(); i-- > 0;) {
    if (dims[i] != 1) {
      dense = dense && stream.strides[i] == step;
      scalar = scalar && stream.strides[i] == 0;
    }
    step *= dims[i];
  }
  stream.kind = scalar ? Stream::Kind::scalar : dense ? Stream::Kind::dense : Stream::Kind::general;
}

void allocate_registers(Plan& plan) {
  const int inputs = static_cast<int>(plan.streams.size());
  plan.input_register.assign(plan.streams.size(), -1);
  for (int i = 0; i < inputs; ++i) {
    if (plan.streams[i].kind != Stream::Kind::dense) plan.input_register[i] = plan.registers++;
  }
  std::vector<int> last_use(plan.program.size(), 0), free;
  for (size_t i = 0; i < plan.program.size(); ++i) {
    for (int v : {plan.program[i].a, plan.program[i].b}) {
      if (v >= inputs) last_use[v - inputs] = static_cast<int>(i);
    }
  }
  plan.result_register.assign(plan.program.size(), -1);
  for (size_t i = 0; i < plan.program.size(); ++i) {
    std::vector<int> ended;
    for (int v : {plan.program[i].a, plan.program[i].b}) {
      if (v >= inputs && last_use[v - inputs] == static_cast<int>(i)) {
        const int r = plan.result_register[v - inputs];
        if (std::ranges::find(ended, r) == ended.end()) ended.push_back(r);
      }
    }
    free.insert(free.end(), ended.begin(), ended.end());  // an instruction may write over operands
    if (i + 1 == plan.program.size()) break;
    if (free.empty()) free.push_back(plan.registers++);
    plan.result_register[i] = free.back();
    free.pop_back();
  }
}

}  // namespace

Pointwise encode(const PointProgram& program) {
  Pointwise out;
  for (const PointInstruction& i : program) {
    out.code.insert(out.code.end(), {static_cast<int64_t>(i.op), i.a, i.b});
    out.parameters.insert(out.parameters.end(), {i.p, i.q});
  }
  return out;
}

Result<PointProgram> decode(const Pointwise& op, size_t inputs) {
  PointProgram out;
  auto bad = [&](std::string why) {
    return fail({.kind = ErrorKind::internal,
                 .what = "a pointwise program is not well formed",
                 .why = why});
  };
  const size_t n = op.code.size() / 3;
  if (n == 0 || op.code.size() != 3 * n || op.parameters.size() != 2 * n)
    return bad("its lists have the wrong length");
  for (size_t i = 0; i < n; ++i) {
    const int64_t kind = op.code[3 * i], a = op.code[3 * i + 1], b = op.code[3 * i + 2];
    const auto limit = static_cast<int64_t>(inputs + i);
    if (kind < 0 || kind >= static_cast<int64_t>(PointOp::count)) return bad("unknown operation");
    const auto point = static_cast<PointOp>(kind);
    if (a < 0 || a >= limit || b >= limit || (is_binary(point) ? b < 0 : b != -1))
      return bad("an operand is out of range");
    out.push_back({point, static_cast<int>(a), static_cast<int>(b), op.parameters[2 * i],
                   op.parameters[2 * i + 1]});
  }
  return out;
}

std::optional<PointInstruction> as_point_instruction(const ir::Node& node) {
  if (!node.domain.empty() || node.outputs().size() != 1 || !all_of_type(node, DType::f32))
    return std::nullopt;
  if (auto op = unary_op(node.op)) return PointInstruction{*op, 0};
  if (auto op = binary_op(node.op)) {
    if (node.inputs().size() != 2) return std::nullopt;
    const auto rank = node.output()->rank();
    for (int side : {1, 0}) {  // the constant's side
      const auto c = scalar_constant(node.input(side));
      // The variable's shape must be the result's: the constant has no say in it then.
      if (!c || node.input(1 - side)->rank() != rank) continue;
      if (auto made = with_scalar(*op, 1 - side, *c)) {
        if (made->b >= 0) made->b = made->a;
        return made;
      }
    }
    return PointInstruction{*op, 0, 1};
  }
  if (node.op == "Selu") {
    const auto selu = node.as<ops::Selu>();
    return PointInstruction{PointOp::selu, 0, -1, selu.alpha, selu.gamma};
  }
  if (auto post = as_post_op(node))
    return PointInstruction{from_post_op(post->kind), 0, -1, post->alpha, post->beta};
  return std::nullopt;
}

Result<Prepared> make_pointwise(MakeContext& context) {
  auto plan = std::make_shared<Plan>();
  const Desc& out = context.outputs[0];
  plan->program = TRY(decode(context.node.as<Pointwise>(), context.inputs.size()));
  for (const PointInstruction& i : plan->program) plan->kernels.push_back(point_kernel(i.op));
  plan->dims = out.physical();
  plan->count = element_count(plan->dims);
  for (const Operand& input : context.inputs) {
    if (input.desc.dtype != DType::f32) return context.refuse("an input that is not f32");
    plan->streams.push_back({.strides = TRY(strides_along(context, input.desc, out))});
  }
  collapse(plan->dims, plan->streams);
  Prepared prepared;
  for (size_t i = 0; i < plan->streams.size(); ++i) {
    classify(plan->dims, plan->streams[i]);
    if (plan->streams[i].kind == Stream::Kind::dense && i < 32) prepared.in_place |= 1u << i;
  }
  plan->segment = std::max<int64_t>(plan->count, 1);
  if (plan->dims.size() >= 2) {
    const int64_t two = plan->dims.back() * plan->dims[plan->dims.size() - 2];
    if (plan->dims.back() >= 256)
      plan->segment = plan->dims.back();
    else if (two >= 256)
      plan->segment = two;
    plan->rows_repeat = plan->segment == two;
  }
  plan->threads = context.threads;
  allocate_registers(*plan);
  if (out.block > 0 && out.dims[1] % out.block != 0) {
    const Dims p = out.physical();
    plan->tail_outer = p[0];
    plan->tail_blocks = p[1];
    plan->block = out.block;
    plan->tail_inner = element_count(std::span(p).subspan(2)) / out.block;
    plan->tail_from = out.dims[1] % out.block;
  }
  const int64_t bytes = plan->registers * kTile * static_cast<int64_t>(sizeof(float));
  prepared.scratch = static_cast<size_t>(bytes * context.threads);
  prepared.run = [plan](const Args& args) -> Status {
    parallel_for(plan->count, kGrain, plan->threads, [&](int64_t begin, int64_t end) {
      auto* memory =
          reinterpret_cast<float*>(args.scratch) + omp_get_thread_num() * plan->registers * kTile;
      plan->run(args, begin, end, memory);
    });
    plan->clear_tail(args.f32_out());
    return {};
  };
  return prepared;
}

}  // namespace tenon::cpu
