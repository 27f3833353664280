#include "ops/pool/pool.h"

#include <limits>

#include "ops/common/ref.h"
#include "ops/common/window.h"

namespace tenon::ops {
namespace {

struct Pooling {
  Window window;
  std::vector<int64_t> in, out, begin, end;
  Dims dims;
};

template <class Op>
Result<Pooling> make_pooling(RefContext& c, const Op& op) {
  TRY(need_computable(c));
  const Dims& shape = c.input(0).shape();
  const size_t rank = op.kernel_shape.size();
  if (shape.size() != rank + 2) return c.fail("kernel_shape does not fit the input");
  auto window = make_window(op.auto_pad, op.kernel_shape, op.strides, op.dilations, op.pads, rank,
                            op.ceil_mode);
  if (!window) return c.fail(window.error());
  Pooling p{.window = std::move(*window), .dims = {shape[0], shape[1]}};
  for (size_t i = 0; i < rank; ++i) {
    p.in.push_back(shape[i + 2]);
    p.out.push_back(*p.window.output(shape[i + 2], i).constant());
    if (p.out[i] < 0) return c.fail("the window is larger than the padded input");
    const auto [begin, end] = p.window.padding(shape[i + 2], i);
    p.begin.push_back(begin);
    p.end.push_back(end);
    p.dims.push_back(p.out[i]);
  }
  TRY(check_size(c, c.input(0).dtype(), p.dims));
  return p;
}

// Calls visit(offset) for each element of the window at output position `at` that lies in the
// input; returns how many positions lie in the input or its padding.
template <class F>
int64_t visit_window(const Pooling& p, int64_t at, F&& visit) {
  const size_t rank = p.in.size();
  std::vector<int64_t> start(rank), index(rank, 0);
  for (size_t d = rank; d-- > 0;) {
    start[d] = at % p.out[d] * p.window.strides[d] - p.begin[d];
    at /= p.out[d];
  }
  const Dims strides = strides_of(p.in);
  int64_t padded = 0;
  const int64_t count = element_count(p.window.kernel);
  for (int64_t k = 0; k < count; ++k) {
    bool inside = true, in_padding = true;
    int64_t offset = 0;
    for (size_t d = 0; d < rank; ++d) {
      const int64_t position = start[d] + index[d] * p.window.dilations[d];
      inside = inside && position >= 0 && position < p.in[d];
      in_padding = in_padding && position < p.in[d] + p.end[d];
      offset += position * strides[d];
    }
    if (inside) visit(offset);
    if (in_padding) ++padded;
    for (size_t d = rank; d-- > 0;) {
      if (++index[d] < p.window.kernel[d]) break;
      index[d] = 0;
    }
  }
  return padded;
}

// Calls f(plane, output position, index of the output element).
template <class F>
void for_outputs(const Pooling& p, F&& f) {
  const int64_t planes = p.dims[0] * p.dims[1], positions = element_count(p.out);
  for (int64_t plane = 0; plane < planes; ++plane) {
    for (int64_t at = 0; at < positions; ++at)
      f(plane, at, static_cast<size_t>(plane * positions + at));
  }
}

// Indices count through the whole tensor; column-major inside each plane where asked for.
int64_t plane_index(const Pooling& p, int64_t offset, bool column_major) {
  if (!column_major) return offset;
  int64_t out = 0, stride = 1;
  std::vector<int64_t> index(p.in.size());
  for (size_t d = p.in.size(); d-- > 0;) {
    index[d] = offset % p.in[d];
    offset /= p.in[d];
  }
  for (size_t d = 0; d < p.in.size(); ++d) {
    out += index[d] * stride;
    stride *= p.in[d];
  }
  return out;
}

Status run_max_pool(RefContext& c) {
  const auto op = c.as<MaxPool>();
  const Pooling p = TRY(make_pooling(c, op));
  const auto x = elements<double>(c.input(0));
  const int64_t plane_size = element_count(p.in);
  std::vector<double> out(static_cast<size_t>(element_count(p.dims)));
  std::vector<int64_t> indices(out.size());
  for_outputs(p, [&](int64_t plane, int64_t at, size_t to) {
    double best = -std::numeric_limits<double>::infinity();
    int64_t where = -1;
    visit_window(p, at, [&](int64_t offset) {
      const double v = x[static_cast<size_t>(plane * plane_size + offset)];
      if (where < 0 || v > best || std::isnan(v)) {
        best = v;
        where = offset;
      }
    });
    out[to] = best;
    indices[to] =
        plane * plane_size + plane_index(p, std::max<int64_t>(where, 0), op.storage_order == 1);
  });
  c.outputs[0] = from_elements<double>(c.input(0).dtype(), p.dims, out);
  if (c.outputs.size() > 1) c.outputs[1] = from_elements<int64_t>(DType::i64, p.dims, indices);
  return {};
}

Status run_average_pool(RefContext& c) {
  const auto op = c.as<AveragePool>();
  const Pooling p = TRY(make_pooling(c, op));
  const auto x = elements<double>(c.input(0));
  const int64_t plane_size = element_count(p.in);
  std::vector<double> out(static_cast<size_t>(element_count(p.dims)));
  for_outputs(p, [&](int64_t plane, int64_t at, size_t to) {
    double sum = 0;
    int64_t count = 0;
    const int64_t padded = visit_window(p, at, [&](int64_t offset) {
      sum += x[static_cast<size_t>(plane * plane_size + offset)];
      ++count;
    });
    out[to] = sum / static_cast<double>(op.count_include_pad ? padded : count);
  });
  c.outputs[0] = from_elements<double>(c.input(0).dtype(), p.dims, out);
  return {};
}

Status run_lp_pool(RefContext& c) {
  const auto op = c.as<LpPool>();
  const Pooling p = TRY(make_pooling(c, op));
  const auto x = elements<double>(c.input(0));
  const int64_t plane_size = element_count(p.in);
  const auto power = static_cast<double>(op.p);
  std::vector<double> out(static_cast<size_t>(element_count(p.dims)));
  for_outputs(p, [&](int64_t plane, int64_t at, size_t to) {
    double sum = 0;
    visit_window(p, at, [&](int64_t offset) {
      sum += std::pow(std::fabs(x[static_cast<size_t>(plane * plane_size + offset)]), power);
    });
    out[to] = std::pow(sum, 1 / power);
  });
  c.outputs[0] = from_elements<double>(c.input(0).dtype(), p.dims, out);
  return {};
}

}  // namespace

std::span<const RefKernel> pool_ref() {
  static constexpr RefKernel kernels[] = {kernel<MaxPool>(run_max_pool),
                                          kernel<AveragePool>(run_average_pool),
                                          kernel<LpPool>(run_lp_pool)};
  return kernels;
}

}  // namespace tenon::ops
