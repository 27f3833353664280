#include "cli/sizes_to_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <random>

#include "base/error.h"
#include "targets/cpu/bind.h"

namespace tenon::cli {
namespace {

constexpr size_t kDrawn = 2;       // sets at sizes in between
constexpr size_t kMostDraws = 50;  // guards and small ranges leave few sizes

std::optional<std::vector<Tensor>> inputs_at(const ir::Graph& graph, api::RandomOptions options,
                                             const ir::Bindings& sizes) {
  options.sizes = sizes;
  auto inputs = api::random_inputs(graph, options);
  if (!inputs) return std::nullopt;
  const auto bound = cpu::bind_inputs(graph, *inputs);
  if (!bound || !cpu::check_guards(graph, *bound)) return std::nullopt;
  return std::move(*inputs);
}

std::string shapes_text(const ir::Graph& graph, std::span<const Tensor> inputs) {
  std::string out = "shapes";
  for (size_t i = 0; i < inputs.size(); ++i) {
    out += fmt::format("{} {} {}", i == 0 ? "" : ",", graph.inputs()[i]->name,
                       fmt::join(inputs[i].shape(), "x"));
  }
  return out;
}

bool same_shapes(std::span<const Tensor> a, std::span<const Tensor> b) {
  return std::ranges::equal(a, b, {}, &Tensor::shape, &Tensor::shape);
}

}  // namespace

Result<std::vector<SizedInputs>> inputs_over_ranges(const ir::Graph& graph,
                                                    const api::RandomOptions& options) {
  std::vector<SizedInputs> out;
  out.push_back({"opt shapes", TRY(api::random_inputs(graph, options))});
  const auto add = [&](std::string at, const ir::Bindings& sizes) {
    auto inputs = inputs_at(graph, options, sizes);
    if (!inputs) return;
    const bool there = std::ranges::any_of(
        out, [&](const SizedInputs& set) { return same_shapes(set.inputs, *inputs); });
    if (there) return;
    if (at.empty()) at = shapes_text(graph, *inputs);
    out.push_back({std::move(at), std::move(*inputs)});
  };
  const ir::Bindings opt = cpu::opt_bindings(graph);
  ir::Bindings min = opt, max = opt;
  std::vector<const ir::Symbol*> varying;
  for (const ir::Symbol& symbol : graph.symbols) {
    if (!opt.contains(symbol.name) || symbol.range.max == ir::Interval::kMax) continue;
    min[symbol.name] = std::max<int64_t>(symbol.range.min, 1);
    max[symbol.name] = symbol.range.max;
    if (min[symbol.name] < max[symbol.name]) varying.push_back(&symbol);
  }
  if (varying.empty()) {
    out[0].at.clear();
    return out;
  }
  add("min shapes", min);
  add("max shapes", max);
  std::mt19937_64 draw(options.seed);
  const size_t wanted = out.size() + kDrawn;
  for (size_t i = 0; i < kMostDraws && out.size() < wanted; ++i) {
    ir::Bindings sizes = opt;
    for (const ir::Symbol* symbol : varying) {
      const auto span = static_cast<uint64_t>(max[symbol->name] - min[symbol->name] + 1);
      sizes[symbol->name] = min[symbol->name] + static_cast<int64_t>(draw() % span);
    }
    add("", sizes);
  }
  return out;
}

}  // namespace tenon::cli
