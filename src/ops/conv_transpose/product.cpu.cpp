// Transposed convolutions as matrix products: of each filter, one product gives what every input
// element adds to every place of its window, and the places are summed up. For large windows, the
// inverse of a short-time Fourier transform above all, and for what oneDNN has no kernel of.
#include <array>

#include "ops/conv_transpose/conv_transpose.h"
#include "ops/conv_transpose/product.kernel.h"
#include "targets/cpu/copy.h"
#include "targets/cpu/onednn.h"
#include "targets/cpu/reorder.h"

namespace tenon::ops {
namespace conv_transpose_product {
namespace {

struct Form {
  int64_t batch = 1, groups = 1, channels = 0, filters = 0;  // per group
  int64_t places = 0, inputs = 0, outputs = 0;
  Dims in, out, kernel, strides, dilations, pads;
  bool bias = false;
};

// Adds the row of one place of the window, [inputs], to where it belongs in the plane y.
void add_place(const Form& f, int64_t place, const float* row, float* y) {
  const size_t rank = f.in.size(), last = rank - 1;
  Dims start(rank);
  for (size_t d = rank; d-- > 0;) {
    start[d] = place % f.kernel[d] * f.dilations[d] - f.pads[d];
    place /= f.kernel[d];
  }
  // Of the last axis, the inputs whose place lies inside the output.
  const int64_t step = f.strides[last];
  const int64_t first = start[last] >= 0 ? 0 : (-start[last] + step - 1) / step;
  const int64_t room = f.out[last] - start[last];
  const int64_t end = std::min(f.in[last], room <= 0 ? 0 : (room + step - 1) / step);
  const int64_t lines = f.inputs / f.in[last];
  for (int64_t line = 0; line < lines; ++line) {
    int64_t rest = line, offset = 0, stride = f.out[last];
    bool inside = true;
    for (size_t d = last; d-- > 0;) {
      const int64_t at = start[d] + rest % f.in[d] * f.strides[d];
      rest /= f.in[d];
      inside = inside && at >= 0 && at < f.out[d];
      offset += at * stride;
      stride *= f.out[d];
    }
    if (!inside) continue;
    const float* from = row + line * f.in[last];
    float* to = y + offset + start[last];
    for (int64_t i = first; i < end; ++i) to[i * step] += from[i];
  }
}

}  // namespace

Result<cpu::Prepared> make(cpu::MakeContext& context) {
  const auto op = context.node.as<ConvTranspose>();
  const cpu::Desc &x = context.in(0), &w = context.in(1), &y = context.outputs[0];
  if (w.dims.size() != x.dims.size() || y.dims.size() != x.dims.size())
    return context.refuse("weights of another rank");
  const size_t n = x.dims.size() - 2;
  auto all = [&](const std::vector<int64_t>& given, int64_t standard) {
    return given.empty() ? Dims(n, standard) : given;
  };
  Form f{.batch = x.dims[0], .groups = op.group, .bias = context.has(2)};
  f.in.assign(x.dims.begin() + 2, x.dims.end());
  f.out.assign(y.dims.begin() + 2, y.dims.end());
  f.kernel.assign(w.dims.begin() + 2, w.dims.end());
  f.strides = all(op.strides, 1);
  f.dilations = all(op.dilations, 1);
  f.pads = all(op.auto_pad == "NOTSET" ? op.pads : std::vector<int64_t>{}, 0);
  if (f.strides.size() != n || f.dilations.size() != n || f.pads.size() < n || f.groups < 1 ||
      x.dims[1] != w.dims[0] || x.dims[1] % f.groups != 0 || y.dims[1] != w.dims[1] * f.groups)
    return context.refuse("attributes that do not fit the inputs");
  if (x.count() == 0 || y.count() == 0 || w.count() == 0) return context.refuse("an empty tensor");
  f.channels = x.dims[1] / f.groups;
  f.filters = w.dims[1];
  f.places = element_count(f.kernel);
  f.inputs = element_count(f.in);
  f.outputs = element_count(f.out);
  const auto product = TRY(cpu::onednn::product(
      context, {{f.places, f.channels}, {1, f.filters * f.places}},
      {{f.channels, f.inputs}, {f.inputs, 1}}, {{f.places, f.inputs}, {f.inputs, 1}}));
  // Scratch memory: what the product gives, its own, and blocked tensors as planes.
  cpu::Desc x_plain = x, y_plain = y;
  x_plain.block = y_plain.block = 0;
  auto aligned = [](size_t bytes) { return (bytes + 63) / 64 * 64; };
  const size_t of_product = aligned(static_cast<size_t>(f.places * f.inputs) * sizeof(float));
  const size_t of_x = of_product + aligned(product.scratch);
  const size_t of_y = of_x + (x.block > 0 ? aligned(x_plain.bytes()) : 0);
  cpu::Prepared prepared;
  prepared.scratch = of_y + (y.block > 0 ? aligned(y_plain.bytes()) : 0);
  prepared.run = [=, threads = context.threads](const cpu::Args& args) -> Status {
    auto at = [&](size_t offset) { return reinterpret_cast<float*>(args.scratch + offset); };
    if (x.block > 0) cpu::reorder(x, args.f32(0), x_plain, at(of_x), threads);
    const float* in = x.block > 0 ? at(of_x) : args.f32(0);
    float *out = y.block > 0 ? at(of_y) : args.f32_out(), *parts = at(0);
    for (int64_t image = 0; image < f.batch * f.groups; ++image) {
      const int64_t group = image % f.groups;
      const float* from = in + image * f.channels * f.inputs;
      const float* weights = args.f32(1) + group * f.channels * f.filters * f.places;
      for (int64_t filter = 0; filter < f.filters; ++filter) {
        TRY(product.run(weights + filter * f.places, from, parts, args.scratch + of_product));
        float* to = out + (image * f.filters + filter) * f.outputs;
        std::fill_n(to, f.outputs, f.bias ? args.f32(2)[group * f.filters + filter] : 0.0F);
        for (int64_t place = 0; place < f.places; ++place)
          add_place(f, place, parts + place * f.inputs, to);
      }
    }
    if (y.block > 0) cpu::reorder(y_plain, out, y, args.f32_out(), threads);
    return {};
  };
  return prepared;
}

}  // namespace conv_transpose_product
}  // namespace tenon::ops
