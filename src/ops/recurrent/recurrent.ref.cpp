// Formulas as ONNX gives them for LSTM (gates i, o, f, c), GRU (z, r, h) and RNN.
#include "ops/recurrent/recurrent.h"

#include <fmt/format.h>

#include "ops/common/ref.h"

namespace tenon::ops {
namespace {

struct Activation {
  std::string name;
  double alpha = 0, beta = 0;
  double operator()(double x) const {
    if (name == "Sigmoid") return 1 / (1 + std::exp(-x));
    if (name == "Tanh") return std::tanh(x);
    if (name == "Relu") return std::max(x, 0.0);
    if (name == "Affine") return alpha * x + beta;
    if (name == "LeakyRelu") return x >= 0 ? x : alpha * x;
    if (name == "ThresholdedRelu") return x >= alpha ? x : 0;
    if (name == "ScaledTanh") return alpha * std::tanh(beta * x);
    if (name == "HardSigmoid") return std::clamp(alpha * x + beta, 0.0, 1.0);
    if (name == "Elu") return x >= 0 ? x : alpha * (std::exp(x) - 1);
    if (name == "Softsign") return x / (1 + std::abs(x));
    return std::log1p(std::exp(x));  // Softplus
  }
};

// The operator's settings, the same for all three.
struct Settings {
  size_t directions, gates, peepholes = 0;
  std::vector<Activation> activations;  // of all directions in turn
  size_t each = 0;                      // activations of one direction
  bool reverse, batch_first, linear_before_reset = false, input_forget = false;
  double clip = 0;
};

template <class Op>
Result<Settings> settings(RefContext& c, const Op& op, std::vector<std::string> defaults) {
  static constexpr std::string_view kKnown[] = {
      "Sigmoid",    "Tanh",        "Relu", "Affine",   "LeakyRelu", "ThresholdedRelu",
      "ScaledTanh", "HardSigmoid", "Elu",  "Softsign", "Softplus"};
  Settings s{.directions = op.direction == "bidirectional" ? size_t{2} : size_t{1},
             .gates = 0,
             .reverse = op.direction == "reverse",
             .batch_first = op.layout == 1};
  s.each = defaults.size();
  std::vector<std::string> names;
  if constexpr (requires { op.activations.has_value(); }) {
    if (op.activations) names = *op.activations;
  } else {
    names = op.activations;
  }
  if (names.empty()) {
    for (size_t d = 0; d < s.directions; ++d)
      names.insert(names.end(), defaults.begin(), defaults.end());
  }
  if (names.size() < s.each * s.directions) return c.fail("there are too few activations");
  size_t next_alpha = 0, next_beta = 0;
  for (std::string& name : names) {
    if (std::find(std::begin(kKnown), std::end(kKnown), name) == std::end(kKnown))
      return c.fail("activation '" + name + "' is not known");
    Activation a{name};
    const bool has_alpha = name == "Affine" || name == "LeakyRelu" || name == "ThresholdedRelu" ||
                           name == "ScaledTanh" || name == "HardSigmoid" || name == "Elu";
    const bool has_beta = name == "Affine" || name == "ScaledTanh" || name == "HardSigmoid";
    a.alpha = name == "LeakyRelu" ? 0.01 : name == "HardSigmoid" ? 0.2 : 1;
    a.beta = name == "HardSigmoid" ? 0.5 : name == "ScaledTanh" ? 1 : 0;
    if (has_alpha && op.activation_alpha && next_alpha < op.activation_alpha->size())
      a.alpha = static_cast<double>((*op.activation_alpha)[next_alpha++]);
    if (has_beta && op.activation_beta && next_beta < op.activation_beta->size())
      a.beta = static_cast<double>((*op.activation_beta)[next_beta++]);
    s.activations.push_back(std::move(a));
  }
  if (op.clip) s.clip = static_cast<double>(*op.clip);
  return s;
}

struct Step {
  const Settings& s;
  size_t direction, hidden;
  std::span<const double> bias, peephole;  // of the direction
  double activate(size_t which, double x) const {
    if (s.clip > 0) x = std::clamp(x, -s.clip, s.clip);
    return s.activations[direction * s.each + which](x);
  }
};

// One step of one sequence: `in` and `back` are the products with W and R for all gates; h and c
// change.
using StepFunction = void (*)(const Step&, std::span<const double> in, std::span<const double> back,
                              std::span<const double> r, std::span<double> h,
                              std::span<double> cell);

void step_lstm(const Step& t, std::span<const double> in, std::span<const double> back,
               std::span<const double>, std::span<double> h, std::span<double> cell) {
  const size_t n = t.hidden;
  for (size_t j = 0; j < n; ++j) {
    auto gate = [&](size_t g) {
      return in[g * n + j] + back[g * n + j] + t.bias[g * n + j] + t.bias[(4 + g) * n + j];
    };
    auto peep = [&](size_t p) { return t.peephole.empty() ? 0 : t.peephole[p * n + j]; };
    const double i = t.activate(0, gate(0) + peep(0) * cell[j]);
    const double f = t.s.input_forget ? 1 - i : t.activate(0, gate(2) + peep(2) * cell[j]);
    cell[j] = f * cell[j] + i * t.activate(1, gate(3));
    h[j] = t.activate(0, gate(1) + peep(1) * cell[j]) * t.activate(2, cell[j]);
  }
}

void step_gru(const Step& t, std::span<const double> in, std::span<const double> back,
              std::span<const double> r, std::span<double> h, std::span<double>) {
  const size_t n = t.hidden;
  std::vector<double> reset(n), next(n);
  auto both = [&](size_t g, size_t j) {
    return in[g * n + j] + back[g * n + j] + t.bias[g * n + j] + t.bias[(3 + g) * n + j];
  };
  for (size_t j = 0; j < n; ++j) reset[j] = t.activate(0, both(1, j));
  for (size_t j = 0; j < n; ++j) {
    const double z = t.activate(0, both(0, j));
    double recurrent = 0;
    if (t.s.linear_before_reset) {
      recurrent = reset[j] * (back[2 * n + j] + t.bias[5 * n + j]);
    } else {
      for (size_t k = 0; k < n; ++k) recurrent += r[(2 * n + j) * n + k] * reset[k] * h[k];
      recurrent += t.bias[5 * n + j];
    }
    next[j] = (1 - z) * t.activate(1, in[2 * n + j] + t.bias[2 * n + j] + recurrent) + z * h[j];
  }
  std::copy(next.begin(), next.end(), h.begin());
}

void step_rnn(const Step& t, std::span<const double> in, std::span<const double> back,
              std::span<const double>, std::span<double> h, std::span<double>) {
  for (size_t j = 0; j < t.hidden; ++j)
    h[j] = t.activate(0, in[j] + back[j] + t.bias[j] + t.bias[t.hidden + j]);
}

Status run(RefContext& c, const Settings& s, StepFunction step) {
  TRY(need_computable(c));
  const Dims &x = c.input(0).shape(), &w = c.input(1).shape(), &r = c.input(2).shape();
  if (x.size() != 3 || w.size() != 3 || r.size() != 3)
    return c.fail("X, W and R need three dimensions");
  const int64_t length = x[s.batch_first ? 1 : 0], batch = x[s.batch_first ? 0 : 1], width = x[2],
                hidden = r[2];
  const auto n = static_cast<size_t>(hidden), rows = s.gates * n, directions = s.directions;
  const Dims want_w{static_cast<int64_t>(directions), static_cast<int64_t>(rows), width},
      want_r{static_cast<int64_t>(directions), static_cast<int64_t>(rows), hidden};
  if (w != want_w || r != want_r) return c.fail("W or R do not fit X and the direction");
  const auto xs = elements<double>(c.input(0)), ws = elements<double>(c.input(1)),
             rs = elements<double>(c.input(2));
  auto optional = [&](size_t i, size_t count) -> Result<std::vector<double>> {
    if (!c.has(i)) return std::vector<double>(count, 0.0);
    auto values = elements<double>(c.input(i));
    if (values.size() != count)
      return c.fail(fmt::format("input {} has {} elements, not {}", i, values.size(), count));
    return values;
  };
  const auto b = static_cast<size_t>(batch);
  const auto bias = TRY(optional(3, directions * 2 * rows));
  auto h = TRY(optional(5, directions * b * n));
  auto cell = TRY(optional(s.peepholes ? 6 : 99, directions * b * n));
  const auto peepholes =
      s.peepholes && c.has(7) ? TRY(optional(7, directions * 3 * n)) : std::vector<double>();
  std::vector<int64_t> lengths(b, length);
  if (c.has(4)) lengths = TRY(integer_input(c, 4));
  if (lengths.size() != b) return c.fail("sequence_lens does not have one entry for each sequence");
  const Dims all = s.batch_first ? Dims{batch, length, static_cast<int64_t>(directions), hidden}
                                 : Dims{length, static_cast<int64_t>(directions), batch, hidden};
  TRY(check_size(c, c.input(0).dtype(), all));
  std::vector<double> y(static_cast<size_t>(element_count(all)), 0.0), in(rows), back(rows);
  auto x_at = [&](int64_t t, size_t k) {
    return static_cast<size_t>(((s.batch_first ? static_cast<int64_t>(k) * length + t
                                               : t * batch + static_cast<int64_t>(k))) *
                               width);
  };
  // States lie as [direction, batch, hidden], or with the batch first.
  auto state_at = [&](size_t d, size_t k) {
    return (s.batch_first ? k * directions + d : d * b + k) * n;
  };
  for (size_t d = 0; d < directions; ++d) {
    const bool reverse = s.reverse || d == 1;
    const std::span wd = std::span(ws).subspan(d * rows * static_cast<size_t>(width),
                                               rows * static_cast<size_t>(width));
    const std::span rd = std::span(rs).subspan(d * rows * n, rows * n);
    const Step one{s, d, n, std::span(bias).subspan(d * 2 * rows, 2 * rows),
                   peepholes.empty()
                       ? std::span<const double>()
                       : std::span<const double>(peepholes).subspan(d * 3 * n, 3 * n)};
    for (size_t k = 0; k < b; ++k) {
      const std::span state = std::span(h).subspan(state_at(d, k), n),
                      memory = std::span(cell).subspan(state_at(d, k), n);
      const int64_t steps = std::clamp<int64_t>(lengths[k], 0, length);
      for (int64_t i = 0; i < steps; ++i) {
        const int64_t t = reverse ? steps - 1 - i : i;
        for (size_t row = 0; row < rows; ++row) {
          double sum = 0, recurrent = 0;
          for (size_t j = 0; j < static_cast<size_t>(width); ++j)
            sum += wd[row * static_cast<size_t>(width) + j] * xs[x_at(t, k) + j];
          for (size_t j = 0; j < n; ++j) recurrent += rd[row * n + j] * state[j];
          in[row] = sum;
          back[row] = recurrent;
        }
        step(one, in, back, rd, state, memory);
        const auto at =
            s.batch_first
                ? (k * static_cast<size_t>(length) + static_cast<size_t>(t)) * directions + d
                : (static_cast<size_t>(t) * directions + d) * b + k;
        std::copy(state.begin(), state.end(), y.begin() + static_cast<ptrdiff_t>(at * n));
      }
    }
  }
  const DType type = c.input(0).dtype();
  const Dims last = s.batch_first ? Dims{batch, static_cast<int64_t>(directions), hidden}
                                  : Dims{static_cast<int64_t>(directions), batch, hidden};
  if (!c.outputs.empty()) c.outputs[0] = from_elements<double>(type, all, y);
  if (c.outputs.size() > 1) c.outputs[1] = from_elements<double>(type, last, h);
  if (c.outputs.size() > 2) c.outputs[2] = from_elements<double>(type, last, cell);
  return {};
}

Status run_lstm(RefContext& c) {
  const auto op = c.as<LSTM>();
  Settings s = TRY(settings(c, op, {"Sigmoid", "Tanh", "Tanh"}));
  s.gates = 4;
  s.peepholes = 3;
  s.input_forget = op.input_forget;
  return run(c, s, step_lstm);
}
Status run_gru(RefContext& c) {
  const auto op = c.as<GRU>();
  Settings s = TRY(settings(c, op, {"Sigmoid", "Tanh"}));
  s.gates = 3;
  s.linear_before_reset = op.linear_before_reset;
  return run(c, s, step_gru);
}
Status run_rnn(RefContext& c) {
  Settings s = TRY(settings(c, c.as<RNN>(), {"Tanh"}));
  s.gates = 1;
  return run(c, s, step_rnn);
}

}  // namespace

std::span<const RefKernel> recurrent_ref() {
  static constexpr RefKernel kernels[] = {kernel<LSTM>(run_lstm), kernel<GRU>(run_gru),
                                          kernel<RNN>(run_rnn)};
  return kernels;
}

}  // namespace tenon::ops
