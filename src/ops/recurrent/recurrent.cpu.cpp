// LSTM and GRU: one matrix product over all steps for what comes in, one for each step for what
// comes back, and the gates a whole batch at a time.
#include "ops/recurrent/recurrent.h"

#include <algorithm>
#include <array>

#include "targets/cpu/kernel.h"
#include "targets/cpu/onednn.h"
#include "targets/cpu/pointwise.h"

namespace tenon::ops {
namespace recurrent_kernels {
namespace {

using cpu::PointOp;

template <class Op>
bool supports(const ir::Node& node) {
  const auto op = node.as<Op>();
  if constexpr (requires { op.input_forget; }) {
    if (op.input_forget) return false;
  }
  if constexpr (requires { op.linear_before_reset; }) {
    if (!op.linear_before_reset) return false;
  }
  const size_t inputs = node.inputs().size();
  const auto given = [&](size_t i) { return i < inputs && node.input(i) != nullptr; };
  if (op.layout != 0 || op.clip || op.activation_alpha || op.activation_beta || given(4) ||
      given(7) || !cpu::all_of_type(node, DType::f32))
    return false;
  const std::vector<std::string> standard =
      node.is("LSTM") ? std::vector<std::string>{"Sigmoid", "Tanh", "Tanh"}
                      : std::vector<std::string>{"Sigmoid", "Tanh"};
  for (size_t i = 0; op.activations && i < op.activations->size(); ++i) {
    if ((*op.activations)[i] != standard[i % standard.size()]) return false;
  }
  return true;
}

struct Plan {
  int64_t steps = 0, batch = 0, width = 0, hidden = 0, gates = 0, directions = 1;
  bool reverse = false, lstm = false, bias = false, first_h = false, first_c = false;
  cpu::PointKernel logistic = cpu::point_kernel(PointOp::logistic);
  cpu::PointKernel tanh = cpu::point_kernel(PointOp::tanh);
  cpu::PointKernel add = cpu::point_kernel(PointOp::add);
  cpu::PointKernel mul = cpu::point_kernel(PointOp::mul);
  cpu::PointKernel sub = cpu::point_kernel(PointOp::sub);
  cpu::onednn::Product input, recurrent;

  int64_t rows() const { return gates * hidden; }
  // Scratch, in floats: what comes in for all steps; what comes back; h and c; two rows.
  int64_t floats() const { return (steps + 1) * batch * rows() + (2 * batch + 2) * hidden; }

  Status direction(const cpu::Args& args, int64_t d, float* memory, std::byte* scratch) const;
  void lstm_step(float* in, const float* back, float* h, float* c, float* row) const;
  void gru_step(float* in, float* back, float* h, const float* bias, float* row) const;
};

// Gates i, o, f, c of one sequence. c = f * c + i * tanh(gate c); h = o * tanh(c).
void Plan::lstm_step(float* in, const float* back, float* h, float* c, float* row) const {
  const auto n = static_cast<size_t>(hidden);
  add(in, back, in, 4 * n, 0, 0);
  logistic(in, nullptr, in, 3 * n, 0, 0);
  tanh(in + 3 * n, nullptr, in + 3 * n, n, 0, 0);
  mul(in, in + 3 * n, row, n, 0, 0);
  mul(in + 2 * n, c, c, n, 0, 0);
  add(c, row, c, n, 0, 0);
  tanh(c, nullptr, row, n, 0, 0);
  mul(in + n, row, h, n, 0, 0);
}

// Gates z, r, h. n = tanh(gate h + r * (back + bias)); h = n + z * (h - n).
void Plan::gru_step(float* in, float* back, float* h, const float* own, float* row) const {
  const auto n = static_cast<size_t>(hidden);
  add(in, back, in, 2 * n, 0, 0);
  logistic(in, nullptr, in, 2 * n, 0, 0);
  if (own != nullptr) add(back + 2 * n, own, back + 2 * n, n, 0, 0);
  mul(in + n, back + 2 * n, row, n, 0, 0);
  add(in + 2 * n, row, row, n, 0, 0);
  tanh(row, nullptr, row, n, 0, 0);
  sub(h, row, h, n, 0, 0);
  mul(in, h, h, n, 0, 0);
  add(row, h, h, n, 0, 0);
}

Status Plan::direction(const cpu::Args& args, int64_t d, float* memory, std::byte* scratch) const {
  const int64_t state = batch * hidden;
  float *in = memory, *back = in + steps * batch * rows(), *h = back + batch * rows(),
        *c = h + state, *row = c + state;
  TRY(input.run(args.f32(0), args.f32(1) + d * rows() * width, in, scratch));
  const float* b = bias ? args.f32(3) + d * 2 * rows() : nullptr;
  // A GRU's last recurrent bias goes through the reset gate.
  const int64_t plain = lstm ? rows() : 2 * hidden;
  for (int64_t i = 0; bias && i < steps * batch; ++i) {
    float* gate = in + i * rows();
    add(gate, b, gate, static_cast<size_t>(rows()), 0, 0);
    add(gate, b + rows(), gate, static_cast<size_t>(plain), 0, 0);
  }
  const float* own = bias && !lstm ? b + rows() + 2 * hidden : nullptr;
  auto begin = [&](float* to, bool given, size_t which) {
    if (given)
      std::copy_n(args.f32(which) + d * state, state, to);
    else
      std::fill_n(to, state, 0.0f);
  };
  begin(h, first_h, 5);
  begin(c, first_c, 6);
  const bool backwards = reverse || d == 1;
  for (int64_t i = 0; i < steps; ++i) {
    const int64_t t = backwards ? steps - 1 - i : i;
    TRY(recurrent.run(h, args.f32(2) + d * rows() * hidden, back, scratch));
    for (int64_t k = 0; k < batch; ++k) {
      float *gate = in + (t * batch + k) * rows(), *from = back + k * rows();
      if (lstm)
        lstm_step(gate, from, h + k * hidden, c + k * hidden, row);
      else
        gru_step(gate, from, h + k * hidden, own, row);
    }
    if (args.out[0] != nullptr)
      std::copy_n(h, state, args.f32_out(0) + (t * directions + d) * state);
  }
  if (args.out.size() > 1 && args.out[1] != nullptr)
    std::copy_n(h, state, args.f32_out(1) + d * state);
  if (args.out.size() > 2 && args.out[2] != nullptr)
    std::copy_n(c, state, args.f32_out(2) + d * state);
  return {};
}

template <class Op>
Result<cpu::Prepared> make(cpu::MakeContext& context) {
  const auto op = context.node.as<Op>();
  const Dims &x = context.in(0).dims, &w = context.in(1).dims, &r = context.in(2).dims;
  if (x.size() != 3 || w.size() != 3 || r.size() != 3 || context.in(0).count() == 0)
    return context.refuse("inputs of another rank, or an empty tensor");
  auto plan = std::make_shared<Plan>();
  plan->lstm = context.node.is("LSTM");
  plan->steps = x[0], plan->batch = x[1], plan->width = x[2], plan->hidden = r[2];
  plan->gates = plan->lstm ? 4 : 3;
  plan->directions = op.direction == "bidirectional" ? 2 : 1;
  plan->reverse = op.direction == "reverse";
  plan->bias = context.has(3), plan->first_h = context.has(5), plan->first_c = context.has(6);
  const int64_t rows = plan->rows(), n = plan->hidden, batch = plan->batch;
  const Dims state{plan->directions, batch, n};
  if (w != Dims{plan->directions, rows, x[2]} || r != Dims{plan->directions, rows, n} ||
      (plan->bias && context.in(3).dims != Dims{plan->directions, 2 * rows}) ||
      (plan->first_h && context.in(5).dims != state) ||
      (plan->first_c && context.in(6).dims != state))
    return context.refuse("inputs that do not fit one another");
  plan->input = TRY(cpu::onednn::product(context, {{plan->steps * batch, x[2]}, {x[2], 1}},
                                         {{x[2], rows}, {1, x[2]}},
                                         {{plan->steps * batch, rows}, {rows, 1}}));
  plan->recurrent = TRY(cpu::onednn::product(context, {{batch, n}, {n, 1}}, {{n, rows}, {1, n}},
                                             {{batch, rows}, {rows, 1}}));
  const size_t floats = cpu::aligned(static_cast<size_t>(plan->floats()) * sizeof(float));
  cpu::Prepared prepared;
  prepared.scratch = floats + std::max(plan->input.scratch, plan->recurrent.scratch);
  prepared.run = [plan, floats](const cpu::Args& args) -> Status {
    for (int64_t d = 0; d < plan->directions; ++d) {
      TRY(plan->direction(args, d, reinterpret_cast<float*>(args.scratch), args.scratch + floats));
    }
    return {};
  };
  return prepared;
}

constexpr std::array kKernels = {
    cpu::KernelSpec{
        .op = "LSTM", .tactic = "products", .supports = supports<LSTM>, .make = make<LSTM>},
    cpu::KernelSpec{
        .op = "GRU", .tactic = "products", .supports = supports<GRU>, .make = make<GRU>},
};

}  // namespace
}  // namespace recurrent_kernels

std::span<const cpu::KernelSpec> recurrent_cpu() { return recurrent_kernels::kKernels; }

}  // namespace tenon::ops
