#include "ops/attention/attention.h"

#include <array>

#include "ops/common/ref.h"
#include "ops/common/ref_join.h"

namespace tenon::ops {
namespace {

// [batch, sequence, heads * size] as [batch, heads, sequence, size].
Result<Tensor> split_heads(RefContext& c, const Tensor& x, int64_t heads) {
  if (x.shape().size() == 4) return x;
  if (x.shape().size() != 3 || heads < 1 || x.shape()[2] % heads != 0)
    return c.fail("an input is neither [batch, heads, sequence, size] nor divides into heads");
  const int64_t size = x.shape()[2] / heads, length = x.shape()[1];
  const Dims dims{x.shape()[0], heads, length, size};
  const Dims strides{length * heads * size, size, heads * size, 1};
  return strided_copy(c, x, dims, strides);
}

struct AttentionInputs {
  Tensor q, k, v;
  int64_t batch, heads, kv_heads, q_length, kv_length, size, v_size;
  int64_t past = 0;
};

Result<AttentionInputs> attention_inputs(RefContext& c, const Attention& op) {
  AttentionInputs in;
  in.q = TRY(split_heads(c, c.input(0), op.q_num_heads.value_or(0)));
  in.k = TRY(split_heads(c, c.input(1), op.kv_num_heads.value_or(0)));
  in.v = TRY(split_heads(c, c.input(2), op.kv_num_heads.value_or(0)));
  if (c.has(4) != c.has(5)) return c.fail("past_key and past_value must be given together");
  if (c.has(4)) {
    if (c.input(4).shape().size() != 4 || c.input(5).shape().size() != 4)
      return c.fail("past_key and past_value must have four dimensions");
    in.past = c.input(4).shape()[2];
    in.k = TRY(join(c, std::array<const Tensor*, 2>{&c.input(4), &in.k}, 2));
    in.v = TRY(join(c, std::array<const Tensor*, 2>{&c.input(5), &in.v}, 2));
  }
  const Dims &q = in.q.shape(), &k = in.k.shape(), &v = in.v.shape();
  in.batch = q[0];
  in.heads = q[1];
  in.kv_heads = k[1];
  in.q_length = q[2];
  in.kv_length = k[2];
  in.size = q[3];
  in.v_size = v[3];
  if (k[0] != in.batch || v[0] != in.batch || v[1] != in.kv_heads || v[2] != in.kv_length ||
      k[3] != in.size || in.kv_heads < 1 || in.heads % in.kv_heads != 0)
    return c.fail("the shapes of Q, K and V do not fit each other");
  return in;
}

// What is added to the scores, [batch, heads, q_length, kv_length]: 0, a mask's value, or -infinity
// where a key must not be seen.
Result<std::vector<double>> attention_bias(RefContext& c, const Attention& op,
                                           const AttentionInputs& in) {
  const Dims dims{in.batch, in.heads, in.q_length, in.kv_length};
  TRY(check_size(c, DType::f64, dims));
  std::vector<double> bias(static_cast<size_t>(element_count(dims)), 0);
  if (c.has(3)) {
    const Tensor& mask = c.input(3);
    const bool is_boolean = mask.dtype() == DType::boolean;
    if (mask.shape().empty()) return c.fail("the mask is a scalar");
    // A mask that is shorter than the keys hides those that it does not reach.
    Dims covered = dims;
    const int64_t columns = mask.shape().back();
    if (columns != 1) covered[3] = std::min(columns, in.kv_length);
    if (TRY(broadcast_dims(c, covered, mask.shape())) != covered)
      return c.fail("the mask does not broadcast to the scores");
    const auto values = elements<double>(mask);
    const Dims strides = broadcast_strides(mask.shape(), covered);
    for (size_t i = 0; i < bias.size(); ++i) {
      const auto column = static_cast<int64_t>(i) % in.kv_length;
      int64_t rest = static_cast<int64_t>(i) / in.kv_length, offset = column * strides[3];
      for (size_t d = 3; d-- > 0;) {
        offset += rest % dims[d] * strides[d];
        rest /= dims[d];
      }
      if (column >= covered[3])
        bias[i] = -INFINITY;
      else if (is_boolean)
        bias[i] = values[static_cast<size_t>(offset)] != 0 ? 0 : -INFINITY;
      else
        bias[i] = values[static_cast<size_t>(offset)];
    }
  }
  std::vector<int64_t> lengths;
  if (c.has(6)) {
    lengths = TRY(integer_input(c, 6));
    if (static_cast<int64_t>(lengths.size()) != in.batch)
      return c.fail("nonpad_kv_seqlen does not hold one length for each batch");
  }
  for (size_t i = 0; i < bias.size(); ++i) {
    const auto at = static_cast<int64_t>(i);
    const int64_t key = at % in.kv_length, query = at / in.kv_length % in.q_length;
    const int64_t batch = at / in.kv_length / in.q_length / in.heads;
    int64_t position = query + in.past;
    if (!lengths.empty() && !c.has(4))
      position = query + lengths[static_cast<size_t>(batch)] - in.q_length;
    const bool hidden = (op.is_causal && key > position) ||
                        (op.left_window_size >= 0 && position - key > op.left_window_size) ||
                        (op.right_window_size >= 0 && key - position > op.right_window_size) ||
                        (!lengths.empty() && key >= lengths[static_cast<size_t>(batch)]);
    if (hidden) bias[i] = -INFINITY;
  }
  return bias;
}

// Softmax of one row; a row that sees no key gives zeros.
void attention_softmax(std::span<double> row, std::span<const double> bias) {
  const bool blind = std::all_of(bias.begin(), bias.end(), [](double b) { return b == -INFINITY; });
  double largest = -INFINITY, sum = 0;
  for (double v : row) largest = std::max(largest, v);
  for (double& v : row) {
    v = blind || largest == -INFINITY ? 0 : std::exp(v - largest);
    sum += v;
  }
  for (double& v : row) v = sum == 0 ? 0 : v / sum;
}

Status run_attention(RefContext& c) {
  const auto op = c.as<Attention>();
  TRY(need_computable(c));
  const AttentionInputs in = TRY(attention_inputs(c, op));
  const auto bias = TRY(attention_bias(c, op, in));
  const auto q = elements<double>(in.q), k = elements<double>(in.k), v = elements<double>(in.v);
  const double scale = op.scale ? *op.scale : 1 / std::sqrt(static_cast<double>(in.size));
  std::vector<double> shown(c.outputs.size() > 3 ? bias.size() : 0);
  std::vector<double> out(static_cast<size_t>(in.batch * in.heads * in.q_length * in.v_size));
  std::vector<double> row(static_cast<size_t>(in.kv_length));
  for (int64_t head = 0; head < in.batch * in.heads; ++head) {
    const int64_t kv_head =
        head / in.heads * in.kv_heads + head % in.heads / (in.heads / in.kv_heads);
    const double* keys = k.data() + kv_head * in.kv_length * in.size;
    const double* values = v.data() + kv_head * in.kv_length * in.v_size;
    for (int64_t i = 0; i < in.q_length; ++i) {
      const int64_t first = (head * in.q_length + i) * in.kv_length;
      const auto added = std::span(bias).subspan(static_cast<size_t>(first), row.size());
      const double* query = q.data() + (head * in.q_length + i) * in.size;
      auto show = [&](bool wanted) {
        if (wanted && !shown.empty()) std::copy(row.begin(), row.end(), shown.begin() + first);
      };
      for (size_t j = 0; j < row.size(); ++j) {
        double sum = 0;
        for (int64_t d = 0; d < in.size; ++d)
          sum += query[d] * keys[static_cast<int64_t>(j) * in.size + d];
        row[j] = sum * scale;
      }
      show(op.qk_matmul_output_mode == 0);
      if (op.softcap > 0) {
        for (double& score : row) score = std::tanh(score / op.softcap) * op.softcap;
      }
      show(op.qk_matmul_output_mode == 1);
      for (size_t j = 0; j < row.size(); ++j) row[j] += added[j];
      show(op.qk_matmul_output_mode == 2);
      attention_softmax(row, added);
      show(op.qk_matmul_output_mode == 3);
      double* to = out.data() + (head * in.q_length + i) * in.v_size;
      for (size_t j = 0; j < row.size(); ++j) {
        if (row[j] == 0) continue;
        for (int64_t d = 0; d < in.v_size; ++d)
          to[d] += row[j] * values[static_cast<int64_t>(j) * in.v_size + d];
      }
    }
  }
  const DType dtype = c.input(0).dtype();
  Tensor y = from_elements<double>(dtype, {in.batch, in.heads, in.q_length, in.v_size}, out);
  if (c.input(0).shape().size() == 3) {
    const Dims dims{in.batch, in.q_length, in.heads, in.v_size};
    const Dims strides{in.heads * in.q_length * in.v_size, in.v_size, in.q_length * in.v_size, 1};
    y = TRY(strided_copy(c, y, dims, strides))
            .reshaped({in.batch, in.q_length, in.heads * in.v_size});
  }
  c.outputs[0] = std::move(y);
  if (c.outputs.size() > 1) c.outputs[1] = in.k;
  if (c.outputs.size() > 2) c.outputs[2] = in.v;
  if (c.outputs.size() > 3)
    c.outputs[3] =
        from_elements<double>(dtype, {in.batch, in.heads, in.q_length, in.kv_length}, shown);
  return {};
}

}  // namespace

std::span<const RefKernel> attention_ref() {
  static constexpr RefKernel kernels[] = {kernel<Attention>(run_attention)};
  return kernels;
}

}  // namespace tenon::ops
