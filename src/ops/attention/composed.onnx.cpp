#include <cmath>
#include <limits>

#include "base/error.h"
#include "ops/common/onnx_attention.h"
#include "ops/range/range.h"
#include "ops/reduce/reduce.h"
#include "ops/reshape/reshape.h"
#include "ops/softmax/softmax.h"
#include "ops/transpose/transpose.h"

namespace tenon::ops {
namespace {

class AttentionWriter {
 public:
  AttentionWriter(onnx::ExportContext& c, const Attention& op)
      : c_(c), b_(c.b), op_(op), dtype_(c.input(0)->dtype()) {}

  Status write() {
    for (size_t i = 0; i < 3; ++i) {
      if (!c_.input(i)->shape())
        return c_.fail("the rank of its input is not known, which opset 23 does not need", 23);
    }
    const bool flat = *c_.input(0)->rank() == 3;
    ir::Value* q = heads(c_.input(0), op_.q_num_heads);
    ir::Value* k = heads(c_.input(1), op_.kv_num_heads);
    ir::Value* v = heads(c_.input(2), op_.kv_num_heads);
    if (c_.has(4)) k = b_.emit_with("Concat", {{"axis", int64_t{2}}}, {c_.input(4), k});
    if (c_.has(5)) v = b_.emit_with("Concat", {{"axis", int64_t{2}}}, {c_.input(5), v});
    TRY(b_.status());
    ir::Value* present_key = k;
    ir::Value* present_value = v;
    queries_ = (*q->shape())[2];
    keys_ = (*k->shape())[2];
    TRY(share_heads(q, k, v));

    // The scale is spread over both factors, which keeps halves in range.
    ir::Value* root = TRY(scale(q));
    ir::Value* transposed = b_.emit(Transpose{.perm = std::vector<int64_t>{0, 1, 3, 2}}, {k});
    ir::Value* scores = b_.emit_named(
        "MatMul", {b_.emit_named("Mul", {q, root}), b_.emit_named("Mul", {transposed, root})});
    ir::Value* shown = scores;
    if (op_.softcap > 0) {
      ir::Value* cap = b_.scalar(op_.softcap, dtype_);
      scores =
          b_.emit_named("Mul", {b_.emit_named("Tanh", {b_.emit_named("Div", {scores, cap})}), cap});
      if (op_.qk_matmul_output_mode == 1) shown = scores;
    } else if (op_.qk_matmul_output_mode == 1) {
      shown = scores;
    }
    ir::Value* bias = TRY(this->bias());
    if (bias) scores = b_.emit_named("Add", {scores, bias});
    if (op_.qk_matmul_output_mode == 2) shown = scores;
    const DType precision =
        op_.softmax_precision ? static_cast<DType>(*op_.softmax_precision) : dtype_;
    ir::Value* weights = b_.cast(b_.emit(Softmax{}, {b_.cast(scores, precision)}), dtype_);
    if (bias && may_mask_all_) weights = without_masked_rows(weights, bias);
    if (op_.qk_matmul_output_mode == 3) shown = weights;
    ir::Value* y = b_.emit_named("MatMul", {weights, v});
    if (flat) {
      y = b_.emit(Transpose{.perm = std::vector<int64_t>{0, 2, 1, 3}}, {y});
      y = b_.emit(Reshape{}, {y, b_.ints({0, 0, -1})});
    }
    onnx::Values out{y};
    for (ir::Value* extra : {present_key, present_value, shown}) {
      const size_t i = out.size();
      const bool used = c_.node->outputs().size() > i && !c_.node->output(i)->uses.empty();
      out.push_back(used ? extra : nullptr);
    }
    return c_.replace(out);
  }

 private:
  // [batch, sequence, heads * size] as [batch, heads, sequence, size].
  ir::Value* heads(ir::Value* x, std::optional<int64_t> count) {
    if (*x->rank() == 4) return x;
    ir::Value* split = b_.emit(Reshape{}, {x, b_.ints({0, 0, count.value_or(1), -1})});
    return b_.emit(Transpose{.perm = std::vector<int64_t>{0, 2, 1, 3}}, {split});
  }

  // Where there are fewer heads of keys and values, each serves several of the queries.
  Status share_heads(ir::Value* q, ir::Value*& k, ir::Value*& v) {
    const auto wanted = (*q->shape())[1].constant(), have = (*k->shape())[1].constant();
    if ((*q->shape())[1] == (*k->shape())[1]) return {};
    if (!wanted || !have || *have < 1 || *wanted % *have != 0)
      return c_.fail("the numbers of its heads are not known, which opset 23 does not need", 23);
    for (ir::Value** x : {&k, &v}) {
      ir::Value* apart = b_.emit_named("Unsqueeze", {*x, b_.ints({2})});
      ir::Value* repeated =
          b_.emit_named("Expand", {apart, b_.ints({1, 1, *wanted / *have, 1, 1})});
      const ir::Shape& from = *(*x)->shape();
      const ir::Shape to{from[0], ir::Dim(*wanted), from[2], from[3]};
      *x = b_.emit(Reshape{}, {repeated, b_.shape(to)});
    }
    return b_.status();
  }

  Result<ir::Value*> scale(ir::Value* q) {
    if (op_.scale) return b_.scalar(std::sqrt(static_cast<double>(*op_.scale)), dtype_);
    const ir::Dim& size = (*q->shape())[3];
    if (auto n = size.constant())
      return b_.scalar(1.0 / std::sqrt(std::sqrt(static_cast<double>(*n))), dtype_);
    ir::Value* root = b_.emit_named("Sqrt", {b_.cast(b_.dim(size), DType::f32)});
    return b_.cast(b_.emit_named("Sqrt", {b_.emit_named("Reciprocal", {root})}), dtype_);
  }

  ir::Value* infinite(ir::Value* allowed) {
    const double lowest = -std::numeric_limits<double>::infinity();
    return b_.emit_named("Where", {allowed, b_.scalar(0, dtype_), b_.scalar(lowest, dtype_)});
  }

  ir::Value* add(ir::Value* a, ir::Value* b) { return a ? b_.emit_named("Add", {a, b}) : b; }

  ir::Value* count(const ir::Dim& size) {
    return b_.emit(Range{}, {b_.scalar_int(0), b_.dim(size), b_.scalar_int(1)});
  }

  // What is added to the scores: 0 where a key may be seen, minus infinity where not; null for
  // none.
  Result<ir::Value*> bias() {
    ir::Value* out = nullptr;
    if (c_.has(3)) {
      out = TRY(given_mask());
      may_mask_all_ = true;
    }
    const bool windows = op_.left_window_size >= 0 || op_.right_window_size >= 0;
    if (op_.is_causal || windows) {
      // How far query i looks past key 0: position(i) - j.
      ir::Value* rows = b_.emit_named("Unsqueeze", {count(queries_), b_.ints({1})});
      ir::Value* columns = b_.emit_named("Unsqueeze", {count(keys_), b_.ints({0})});
      if (c_.has(4)) {
        rows = b_.emit_named("Add", {rows, b_.dim((*c_.input(4)->shape())[2])});
      } else if (c_.has(6)) {
        ir::Value* offset = b_.emit_named("Sub", {c_.input(6), b_.dim(queries_)});
        rows =
            b_.emit_named("Add", {rows, b_.emit_named("Unsqueeze", {offset, b_.ints({1, 2, 3})})});
        may_mask_all_ = true;
      }
      ir::Value* distance = b_.emit_named("Sub", {rows, columns});
      auto limit = [&](const char* relation, int64_t bound) {
        out = add(out, infinite(b_.emit_named(relation, {distance, b_.scalar_int(bound)})));
      };
      if (op_.is_causal) limit("GreaterOrEqual", 0);
      if (op_.left_window_size >= 0) limit("LessOrEqual", op_.left_window_size);
      if (op_.right_window_size >= 0) limit("GreaterOrEqual", -op_.right_window_size);
      may_mask_all_ |= windows;
    }
    if (c_.has(6)) {
      ir::Value* length = b_.emit_named("Unsqueeze", {c_.input(6), b_.ints({1, 2, 3})});
      out = add(out, infinite(b_.emit_named("Less", {count(keys_), length})));
      may_mask_all_ = true;
    }
    TRY(b_.status());
    return out;
  }

  // A mask of fewer keys is filled up with keys that may not be seen.
  Result<ir::Value*> given_mask() {
    ir::Value* mask = c_.input(3);
    if (mask->dtype() == DType::boolean) mask = infinite(mask);
    mask = b_.cast(mask, dtype_);
    if (!mask->shape() || mask->shape()->empty())
      return c_.fail("the rank of its mask is not known, which opset 23 does not need", 23);
    const ir::Dim missing = keys_ - mask->shape()->back();
    if (missing.is(0) || mask->shape()->back().is(1)) return mask;
    if (!missing.is_constant() && mask->shape()->back() == keys_) return mask;
    ir::Shape pads(2 * mask->shape()->size(), ir::Dim(0));
    pads.back() = max(missing, ir::Dim(0));
    const double lowest = -std::numeric_limits<double>::infinity();
    return b_.emit_with("Pad", {{"mode", std::string("constant")}},
                        {mask, b_.shape(pads), b_.scalar(lowest, dtype_)});
  }

  // Queries that may see no key at all give 0, not NaN.
  ir::Value* without_masked_rows(ir::Value* weights, ir::Value* bias) {
    const double lowest = -std::numeric_limits<double>::infinity();
    ir::Value* most = b_.emit(ReduceMax{}, {bias, b_.ints({-1})});
    ir::Value* none = b_.emit_named("Equal", {most, b_.scalar(lowest, dtype_)});
    return b_.emit_named("Where", {none, b_.scalar(0, dtype_), weights});
  }

  onnx::ExportContext& c_;
  ir::Builder& b_;
  const Attention& op_;
  const DType dtype_;
  ir::Dim queries_, keys_;
  bool may_mask_all_ = false;
};

}  // namespace

Status write_plain_attention(onnx::ExportContext& c, const Attention& op) {
  return AttentionWriter(c, op).write();
}

}  // namespace tenon::ops
