// Convolution over an image that is padded beforehand. oneDNN's kernels take no padding that is
// wider than what they compute at once, as widely dilated windows have it; without padding they
// take any.
#include <algorithm>
#include <cstring>

#include "ops/conv/conv.kernels.h"
#include "targets/cpu/copy.h"

namespace tenon::ops {

Result<cpu::Prepared> make_padded(cpu::MakeContext& context, cpu::onednn::Convolution conv) {
  const cpu::Desc& x = context.in(0);
  if (std::ranges::all_of(conv.pads_begin, [](int64_t p) { return p == 0; }) &&
      std::ranges::all_of(conv.pads_end, [](int64_t p) { return p == 0; }))
    return context.refuse("no padding");
  cpu::Desc wide = x;
  for (size_t i = 0; i < conv.pads_begin.size(); ++i)
    wide.dims[i + 2] += conv.pads_begin[i] + conv.pads_end[i];
  cpu::StridedCopy copy{.dims = x.physical(),
                        .from = cpu::strides_of(x.physical()),
                        .to = cpu::strides_of(wide.physical())};
  for (size_t i = 0; i < conv.pads_begin.size(); ++i)
    copy.to_offset += conv.pads_begin[i] * copy.to[i + 2];
  copy = cpu::prepared(std::move(copy));

  std::ranges::fill(conv.pads_begin, 0);
  std::ranges::fill(conv.pads_end, 0);
  std::vector<cpu::Operand> inputs(context.inputs.begin(), context.inputs.end());
  inputs[0].desc = wide;
  cpu::MakeContext inner{context.node, inputs, context.outputs, context.packer, context.threads};
  cpu::Prepared made = TRY(cpu::onednn::convolution(inner, conv));

  cpu::Prepared out = made;
  const size_t bytes = wide.bytes(), image = cpu::aligned(bytes);
  out.scratch = image + made.scratch;
  out.run = [copy, bytes, image, threads = context.threads,
             run = std::move(made.run)](const cpu::Args& args) {
    std::memset(args.scratch, 0, bytes);
    cpu::run(copy, args.in[0], args.scratch, threads);
    std::array<const std::byte*, 4> in{};
    std::ranges::copy(args.in, in.begin());
    in[0] = args.scratch;
    return run({std::span(in).first(args.in.size()), args.out, args.scratch + image});
  };
  return out;
}

}  // namespace tenon::ops
