#include "ops/recurrent/recurrent.h"

#include <fmt/format.h>

#include "ops/common/lower.h"

namespace tenon::ops {
namespace recurrent_lowering {

using lower::V;
using torch::LowerContext;

enum class Cell : uint8_t { lstm, gru, tanh, relu };

// PyTorch's gates in ONNX's order.
V* reorder(LowerContext& c, Cell cell, V* rows, int64_t hidden) {
  static const std::vector<int64_t> kLstm{0, 3, 1, 2},
      kGru{1, 0, 2};  // i f c o -> i o f c;  r z n -> z r h
  if (cell != Cell::lstm && cell != Cell::gru) return rows;
  std::vector<V*> gates;
  for (int64_t gate : cell == Cell::lstm ? kLstm : kGru)
    gates.push_back(lower::slice(c, rows, 0, gate * hidden, (gate + 1) * hidden));
  return lower::concat(c, gates, 0);
}

std::vector<V*> emit(LowerContext& c, Cell cell, int64_t hidden, bool both,
                     std::vector<V*> inputs) {
  const char* direction = both ? "bidirectional" : "forward";
  if (cell == Cell::lstm) {
    LSTM op;
    op.direction = direction;
    op.hidden_size = hidden;
    return c.b.emit_n(op, std::move(inputs), 3);
  }
  if (cell == Cell::gru) {
    GRU op;
    op.direction = direction;
    op.hidden_size = hidden;
    op.linear_before_reset = true;
    return c.b.emit_n(op, std::move(inputs), 2);
  }
  RNN op;
  op.direction = direction;
  op.hidden_size = hidden;
  op.activations.assign(both ? 2 : 1, cell == Cell::tanh ? "Tanh" : "Relu");
  return c.b.emit_n(op, std::move(inputs), 2);
}

template <Cell cell>
V* recurrent(LowerContext& c) {
  V* x = c.tensor("input");
  const std::vector<V*> params = c.tensors("params");
  const bool biased = c.flag("has_biases"), both = c.flag("bidirectional"),
             batch_first = c.flag("batch_first");
  const int64_t layers = c.constant("num_layers"), directions = both ? 2 : 1;
  const int64_t each = biased ? 4 : 2;
  if (lower::rank(c, x) != 3) return c.refuse("the input must have three dimensions");
  if (layers < 1 || static_cast<int64_t>(params.size()) != layers * directions * each) {
    return c.refuse(fmt::format("{} weights for {} layers: projections are not in ONNX's operator",
                                params.size(), layers));
  }
  if (batch_first) x = lower::transpose(c, x, {1, 0, 2});
  V *h = cell == Cell::lstm ? nullptr : c.tensor("hx"), *state = nullptr;
  if (cell == Cell::lstm) {
    const std::vector<V*> hx = c.tensors("hx");
    if (hx.size() != 2) return c.refuse("an LSTM starts from two states");
    h = hx[0];
    state = hx[1];
  }
  std::vector<V*> last_h, last_c;
  for (int64_t layer = 0; layer < layers; ++layer) {
    std::vector<V*> w, r, b;
    int64_t hidden = 0;
    for (int64_t d = 0; d < directions; ++d) {
      const size_t at = static_cast<size_t>((layer * directions + d) * each);
      const Sizes sizes = lower::sizes(c, params[at + 1]);
      const auto n = sizes.size() == 2 ? sizes[1].constant() : std::nullopt;
      if (!n) return c.refuse("the hidden size is not known");
      hidden = *n;
      w.push_back(lower::unsqueeze(c, reorder(c, cell, params[at], hidden), {0}));
      r.push_back(lower::unsqueeze(c, reorder(c, cell, params[at + 1], hidden), {0}));
      if (biased) {
        V* pair = lower::concat(
            c, {reorder(c, cell, params[at + 2], hidden), reorder(c, cell, params[at + 3], hidden)},
            0);
        b.push_back(lower::unsqueeze(c, pair, {0}));
      }
    }
    auto part = [&](V* all) {
      return layers == 1 ? all
                         : lower::slice(c, all, 0, layer * directions, (layer + 1) * directions);
    };
    std::vector<V*> inputs{x,
                           lower::concat(c, w, 0),
                           lower::concat(c, r, 0),
                           biased ? lower::concat(c, b, 0) : nullptr,
                           nullptr,
                           part(h)};
    if (cell == Cell::lstm) inputs.push_back(part(state));
    const std::vector<V*> out = emit(c, cell, hidden, both, std::move(inputs));
    last_h.push_back(out[1]);
    if (cell == Cell::lstm) last_c.push_back(out[2]);
    // [sequence, directions, batch, hidden] -> [sequence, batch, directions * hidden]
    if (!both) {
      x = lower::squeeze(c, out[0], {1});
    } else {
      const Sizes sizes = lower::sizes(c, out[0]);
      if (sizes.size() != 4) return c.refuse("the rank of the result is not known");
      x = lower::reshape(c, lower::transpose(c, out[0], {0, 2, 1, 3}),
                         {sizes[0], sizes[2], ir::Dim(2 * hidden)});
    }
  }
  if (batch_first) x = lower::transpose(c, x, {1, 0, 2});
  std::vector<V*> all{x, lower::concat(c, last_h, 0)};
  if (cell == Cell::lstm) all.push_back(lower::concat(c, last_c, 0));
  return c.give(std::move(all));
}

// --- single steps, written out

V* linear(LowerContext& c, V* x, const char* weight, const char* bias) {
  V* y = lower::matmul(c, x, lower::transpose(c, c.tensor(weight), {1, 0}));
  return c.has(bias) ? lower::add(c, y, c.tensor(bias)) : y;
}

std::vector<V*> parts(LowerContext& c, V* rows, int64_t count) {
  const Sizes sizes = lower::sizes(c, rows);
  std::vector<V*> out;
  if (sizes.empty()) return std::vector<V*>(static_cast<size_t>(count), rows);
  const ir::Dim each = floordiv(sizes.back(), count);
  const auto last = static_cast<int64_t>(sizes.size()) - 1;
  for (int64_t i = 0; i < count; ++i)
    out.push_back(lower::slice(c, rows, last, each * ir::Dim(i), each * ir::Dim(i + 1)));
  return out;
}
V* sigmoid(LowerContext& c, V* x) { return c.b.emit_named("Sigmoid", {x}); }
V* tanh(LowerContext& c, V* x) { return c.b.emit_named("Tanh", {x}); }

V* lstm_cell(LowerContext& c) {
  const std::vector<V*> state = c.tensors("hx");
  if (state.size() != 2) return c.refuse("an LSTM starts from two states");
  const auto gate = parts(c,
                          lower::add(c, linear(c, c.tensor("input"), "w_ih", "b_ih"),
                                     linear(c, state[0], "w_hh", "b_hh")),
                          4);
  V* kept = lower::mul(c, sigmoid(c, gate[1]), state[1]);
  V* cell = lower::add(c, kept, lower::mul(c, sigmoid(c, gate[0]), tanh(c, gate[2])));
  return c.give({lower::mul(c, sigmoid(c, gate[3]), tanh(c, cell)), cell});
}

V* gru_cell(LowerContext& c) {
  V* h = c.tensor("hx");
  const auto in = parts(c, linear(c, c.tensor("input"), "w_ih", "b_ih"), 3),
             back = parts(c, linear(c, h, "w_hh", "b_hh"), 3);
  V* reset = sigmoid(c, lower::add(c, in[0], back[0]));
  V* update = sigmoid(c, lower::add(c, in[1], back[1]));
  V* fresh = tanh(c, lower::add(c, in[2], lower::mul(c, reset, back[2])));
  return lower::add(c, fresh, lower::mul(c, update, lower::sub(c, h, fresh)));
}

template <bool relu>
V* rnn_cell(LowerContext& c) {
  V* sum = lower::add(c, linear(c, c.tensor("input"), "w_ih", "b_ih"),
                      linear(c, c.tensor("hx"), "w_hh", "b_hh"));
  return relu ? c.b.emit_named("Relu", {sum}) : tanh(c, sum);
}

}  // namespace recurrent_lowering

std::span<const torch::Lowering> recurrent_torch() {
  using namespace recurrent_lowering;
  static constexpr torch::Lowering kAll[] = {
      {"aten::lstm.input", recurrent<Cell::lstm>},
      {"aten::gru.input", recurrent<Cell::gru>},
      {"aten::rnn_tanh.input", recurrent<Cell::tanh>},
      {"aten::rnn_relu.input", recurrent<Cell::relu>},
      {"aten::lstm_cell", lstm_cell},
      {"aten::gru_cell", gru_cell},
      {"aten::rnn_tanh_cell", rnn_cell<false>},
      {"aten::rnn_relu_cell", rnn_cell<true>},
  };
  return kAll;
}

}  // namespace tenon::ops
