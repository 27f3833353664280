// Recurrent layers of dynamic quantisation. Each step rounds its hidden state by its own range, so
// a sequence is computed step by step, and its length must be known.
#include <algorithm>

#include "torch/quantised_layers.h"

namespace tenon::torch {
namespace {

using Arguments = std::vector<Value>;

constexpr int64_t kMostSteps = 256;

enum class Kind : uint8_t { lstm, gru, rnn_tanh, rnn_relu };

struct Hidden {
  Value h, c;  // c of an LSTM
};

Result<Value> binary(Machine& m, const char* op, const Value& a, const Value& b) {
  return m.call(op, {a, b});
}
Result<Value> add(Machine& m, const Value& a, const Value& b) {
  return binary(m, "aten::add", a, b);
}
Result<Value> mul(Machine& m, const Value& a, const Value& b) {
  return binary(m, "aten::mul", a, b);
}
Result<Value> sigmoid(Machine& m, const Value& x) { return m.call("aten::sigmoid", {x}); }
Result<Value> tanh(Machine& m, const Value& x) { return m.call("aten::tanh", {x}); }

Result<Arguments> chunks(Machine& m, const Value& x, int64_t count) {
  return m.iterate(TRY(m.call("aten::chunk", {x, Value::integer(count), Value::integer(1)})));
}

// The hidden state after one step, from what the two linear layers give.
Result<Hidden> step(Machine& m, Kind kind, const Value& input, const Value& hidden,
                    const Hidden& before) {
  if (kind == Kind::rnn_tanh || kind == Kind::rnn_relu) {
    const Value sum = TRY(add(m, hidden, input));
    return Hidden{TRY(m.call(kind == Kind::rnn_tanh ? "aten::tanh" : "aten::relu", {sum})), {}};
  }
  if (kind == Kind::gru) {
    const Arguments i = TRY(chunks(m, input, 3)), h = TRY(chunks(m, hidden, 3));
    const Value reset = TRY(sigmoid(m, TRY(add(m, h[0], i[0]))));
    const Value keep = TRY(sigmoid(m, TRY(add(m, h[1], i[1]))));
    const Value fresh = TRY(tanh(m, TRY(add(m, i[2], TRY(mul(m, h[2], reset))))));
    const Value moved = TRY(binary(m, "aten::sub", before.h, fresh));
    return Hidden{TRY(add(m, TRY(mul(m, moved, keep)), fresh)), {}};
  }
  const Arguments gates = TRY(chunks(m, TRY(add(m, hidden, input)), 4));
  const Value in = TRY(sigmoid(m, gates[0])), forget = TRY(sigmoid(m, gates[1]));
  const Value cell = TRY(tanh(m, gates[2])), out = TRY(sigmoid(m, gates[3]));
  const Value c = TRY(add(m, TRY(mul(m, forget, before.c)), TRY(mul(m, in, cell))));
  return Hidden{TRY(mul(m, out, TRY(tanh(m, c)))), c};
}

// One direction of one layer over a sequence [T, N, I].
struct Ran {
  Arguments outputs;  // [N, H], in the order of the sequence
  Hidden last;
};
Result<Ran> run(Machine& m, Kind kind, const PackedCell& cell, const Value& sequence, Hidden hidden,
                int64_t steps, bool reversed) {
  const Value inputs = TRY(dynamic_linear(m, cell.input, sequence, cell.reduce_range));
  Ran out;
  out.outputs.resize(static_cast<size_t>(steps));
  for (int64_t k = 0; k < steps; ++k) {
    const int64_t t = reversed ? steps - 1 - k : k;
    const Value input = TRY(m.call("aten::select", {inputs, Value::integer(0), Value::integer(t)}));
    const Value recurrent = TRY(dynamic_linear(m, cell.hidden, hidden.h, cell.reduce_range));
    hidden = TRY(step(m, kind, input, recurrent, hidden));
    out.outputs[static_cast<size_t>(t)] = hidden.h;
  }
  out.last = hidden;
  return out;
}

Result<bool> flag(Machine& m, const Value& value) {
  return m.decide(TRY(m.to_bool(value))).value_or(false);
}

Result<Value> stacked(Machine& m, const Arguments& all) {
  return m.call("aten::stack", {m.list(all), Value::integer(0)});
}

// (input, hidden, cells, has_biases, layers, dropout, train, bidirectional, batch_first)
Result<Value> layers(Machine& m, Kind kind, const Schema& schema, Arguments& args) {
  const bool both = TRY(flag(m, args[7])), batch_first = TRY(flag(m, args[8]));
  const Value zero = Value::integer(0), one = Value::integer(1);
  Value sequence = args[0];
  if (batch_first) sequence = TRY(m.call("aten::transpose", {sequence, zero, one}));
  const TensorRef* t = sequence.get<TensorRef>();
  const auto steps = t && (*t)->sizes.size() == 3 ? (*t)->sizes[0].constant() : std::nullopt;
  if (!steps || *steps < 1 || *steps > kMostSteps) {
    const Value poison = m.unsupported(
        "unsupported operator " + schema.full_name(),
        "every step of a dynamically quantised layer rounds by a range of its own: it is computed "
        "step by step, and the length of the sequence must be known and at most 256",
        "fix the length with --shapes, or quantise without this layer");
    return Value::tuple(Arguments(schema.returns.size(), poison));
  }
  const Arguments cells = TRY(m.iterate(args[2]));
  const Arguments states = kind == Kind::lstm ? TRY(m.iterate(args[1])) : Arguments{args[1]};
  const size_t directions = both ? 2 : 1;
  Arguments last_h, last_c;
  for (size_t first = 0; first + directions <= cells.size(); first += directions) {
    std::vector<Arguments> outputs;
    for (size_t d = 0; d < directions; ++d) {
      const Value at = Value::integer(static_cast<int64_t>(first + d));
      Hidden hidden{TRY(m.call("aten::select", {states[0], zero, at})), {}};
      if (kind == Kind::lstm) hidden.c = TRY(m.call("aten::select", {states[1], zero, at}));
      const PackedCell cell = TRY(packed_cell(m, cells[first + d]));
      Ran ran = TRY(run(m, kind, cell, sequence, hidden, *steps, d == 1));
      outputs.push_back(std::move(ran.outputs));
      last_h.push_back(ran.last.h);
      last_c.push_back(ran.last.c);
    }
    Arguments joined = outputs[0];
    for (size_t k = 0; both && k < joined.size(); ++k)
      joined[k] =
          TRY(m.call("aten::cat", {m.list({outputs[0][k], outputs[1][k]}), Value::integer(1)}));
    sequence = TRY(stacked(m, joined));
  }
  if (batch_first) sequence = TRY(m.call("aten::transpose", {sequence, zero, one}));
  Arguments out{sequence, TRY(stacked(m, last_h))};
  if (kind == Kind::lstm) out.push_back(TRY(stacked(m, last_c)));
  return Value::tuple(std::move(out));
}

template <Kind kind>
Result<Value> recurrent(Machine& m, const Schema& schema, Arguments& args) {
  return layers(m, kind, schema, args);
}

// (input, hidden, packed_ih, packed_hh, ...)
template <Kind kind>
Result<Value> cell(Machine& m, const Schema&, Arguments& args) {
  Hidden before{args[1], {}};
  if (kind == Kind::lstm) {
    const Arguments states = TRY(m.iterate(args[1]));
    if (states.size() != 2)
      return m.fail(ErrorKind::bad_file, "an LSTM has two states", "other ones are given");
    before = {states[0], states[1]};
  }
  const Value input = TRY(dynamic_linear(m, TRY(packed_linear(m, args[2])), args[0], true));
  const Value hidden = TRY(dynamic_linear(m, TRY(packed_linear(m, args[3])), before.h, true));
  const Hidden after = TRY(step(m, kind, input, hidden, before));
  if (kind == Kind::lstm) return Value::tuple({after.h, after.c});
  return after.h;
}

// In the form in which PyTorch writes them.
Result<Value> cell_params(Machine& m, const Schema& schema, Arguments& args) {
  const bool half = schema.name.ends_with("_fp16");
  Arguments numbers, biases;
  if (!half) {
    biases = {args[2], args[3]};
    numbers = {Value::integer(TRY(flag(m, args.back())) ? 1 : 0)};
  }
  return packed(m, "rnn.CellParamsBase",
                Value::tuple({std::string(half ? "quantized_fp16" : "quantized_dynamic"),
                              m.list(std::move(biases)), m.list({}), m.list(std::move(numbers)),
                              m.list({args[0], args[1]})}));
}

}  // namespace

std::span<const Builtin> recurrent_builtins() {
  static constexpr Builtin kAll[] = {
      {"aten::quantized_lstm.input", recurrent<Kind::lstm>},
      {"aten::quantized_gru.input", recurrent<Kind::gru>},
      {"quantized::quantized_lstm_cell_dynamic", cell<Kind::lstm>},
      {"quantized::quantized_gru_cell_dynamic", cell<Kind::gru>},
      {"quantized::quantized_rnn_tanh_cell_dynamic", cell<Kind::rnn_tanh>},
      {"quantized::quantized_rnn_relu_cell_dynamic", cell<Kind::rnn_relu>},
      {"quantized::make_quantized_cell_params_dynamic", cell_params},
      {"quantized::make_quantized_cell_params_fp16", cell_params},
  };
  return kAll;
}

}  // namespace tenon::torch
