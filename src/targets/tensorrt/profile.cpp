#include "targets/tensorrt/profile.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace tenon::tensorrt {
namespace {

struct Sizes {
  ir::Bindings min, opt, max;
};

Sizes sizes_of(const ir::Graph& graph) {
  Sizes out;
  for (const ir::Symbol& symbol : graph.symbols) {
    // An engine for no elements at all is nothing that anybody asks for by leaving the range out.
    const int64_t min = std::max<int64_t>(symbol.range.min, std::min<int64_t>(1, symbol.range.max));
    out.min[symbol.name] = min;
    out.opt[symbol.name] = std::clamp(symbol.opt.value_or(min), min, symbol.range.max);
    out.max[symbol.name] = symbol.range.max;
  }
  return out;
}

bool endless(const ir::Graph& graph, const ir::Dim& dim) {
  const auto largest = [&](const ir::Symbol& symbol) {
    return dim.str() == symbol.name && symbol.range.max >= ir::Interval::kMax;
  };
  return std::ranges::any_of(graph.symbols, largest);
}

}  // namespace

Result<Profile> profile_of(const ir::Graph& graph) {
  const Sizes sizes = sizes_of(graph);
  Profile out;
  Error error{.kind = ErrorKind::usage,
              .what = "TensorRT needs a range for every dynamic dimension",
              .why = "an engine is built for a smallest, a best and a largest size",
              .hint = "give --min-shapes, --opt-shapes and --max-shapes"};
  for (const ir::Value* input : graph.inputs()) {
    if (!input->type.is_tensor()) {
      error.details.push_back(
          {.kind = ErrorKind::usage, .what = fmt::format("input {} is no tensor", input->name)});
      continue;
    }
    if (!input->shape()) {
      error.details.push_back(
          {.kind = ErrorKind::usage,
           .what = fmt::format("the number of dimensions of input {} is not known", input->name)});
      continue;
    }
    ProfileShape shape{.input = input->name};
    bool dynamic = false;
    for (size_t axis = 0; axis < input->shape()->size(); ++axis) {
      const ir::Dim& dim = (*input->shape())[axis];
      dynamic |= !dim.constant();
      if (endless(graph, dim)) {
        error.details.push_back(
            {.kind = ErrorKind::usage,
             .what = fmt::format("dimension {} of input {}, {}, has no largest size", axis,
                                 input->name, dim.str())});
        continue;
      }
      shape.min.push_back(TRY(dim.evaluate(sizes.min)));
      shape.opt.push_back(TRY(dim.evaluate(sizes.opt)));
      shape.max.push_back(TRY(dim.evaluate(sizes.max)));
    }
    if (dynamic) out.push_back(std::move(shape));
  }
  if (!error.details.empty()) return fail(std::move(error));
  return out;
}

}  // namespace tenon::tensorrt
