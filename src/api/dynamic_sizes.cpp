#include "api/dynamic_sizes.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/shapes.h"

namespace tenon::api {
namespace {

using Sizes = std::map<std::string, ir::Dim, std::less<>>;

// Which guard does not hold at these sizes, if any.
Status try_guards(const ir::Graph& graph, const Sizes& sizes) {
  for (const ir::Guard& guard : graph.guards) {
    const ir::Dim lhs = guard.lhs.substitute(sizes), rhs = guard.rhs.substitute(sizes);
    const auto a = lhs.constant(), b = rhs.constant();
    if (!a || !b) continue;
    const bool holds = guard.relation == ir::Guard::Relation::eq   ? *a == *b
                       : guard.relation == ir::Guard::Relation::le ? *a <= *b
                                                                   : *a != *b;
    if (holds) continue;
    return fail({.kind = ErrorKind::unsupported,
                 .what = "the program relies on " + guard.str(),
                 .where = ir::where(guard.origin),
                 .why = guard.reason});
  }
  return {};
}

// Why the graph cannot run at these sizes, as far as types and guards tell; nothing where it can.
Status try_sizes(const ir::Graph& graph, const Sizes& sizes, const ir::OpSet& ops) {
  TRY(try_guards(graph, sizes));
  const auto copy = ir::clone(graph);
  return fix_sizes(*copy, sizes, ops);
}

// A size to start from: the one that the user or the file names, or one that most programs take.
int64_t usual_size(const ir::Symbol& symbol) {
  return symbol.opt.value_or(
      std::clamp<int64_t>(8, std::max<int64_t>(symbol.range.min, 1), symbol.range.max));
}

// Sizes that the program takes, near the usual ones; nothing where none is found.
std::optional<Sizes> find_base(const ir::Graph& graph,
                               const std::vector<const ir::Symbol*>& dynamic, const Sizes& usual,
                               const ir::OpSet& ops) {
  if (try_sizes(graph, usual, ops)) return usual;
  constexpr int64_t kFurthest = 64;
  for (const ir::Symbol* symbol : dynamic) {
    if (symbol->opt) continue;
    const int64_t first = std::max<int64_t>(symbol->range.min, 1);
    for (int64_t size = first; size <= symbol->range.max && size < first + kFurthest; ++size) {
      Sizes sizes = usual;
      sizes[symbol->name] = ir::Dim(size);
      if (try_guards(graph, sizes) && try_sizes(graph, sizes, ops)) return sizes;
    }
  }
  return std::nullopt;
}

}  // namespace

Status check_dynamic_sizes(const ir::Graph& graph, const ir::OpSet& ops, const std::string& hint,
                           std::vector<torch::Notice>& notices) {
  std::vector<const ir::Symbol*> dynamic;
  Sizes usual;
  for (const ir::Symbol& symbol : graph.symbols) {
    if (symbol.source == nullptr || symbol.source->producer != nullptr || symbol.axis < 0) continue;
    usual[symbol.name] = ir::Dim(usual_size(symbol));
    if (symbol.range.min < symbol.range.max) dynamic.push_back(&symbol);
  }
  if (dynamic.empty()) return {};
  // Where no sizes fit, others prove nothing.
  const auto found = find_base(graph, dynamic, usual, ops);
  if (!found) return {};
  for (const ir::Symbol* symbol : dynamic) {
    const int64_t base = *found->at(symbol->name).constant();
    std::vector<int64_t> probes;
    for (const int64_t size : {base + 1, base - 1, 2 * base, base / 2, base + 16, symbol->range.min,
                               symbol->range.max}) {
      // A size of 1 is broadcast, whatever the program means.
      if (size < std::max<int64_t>(symbol->range.min, 2) || size > symbol->range.max ||
          size > (int64_t{1} << 20) || size == base ||
          std::ranges::find(probes, size) != probes.end())
        continue;
      probes.push_back(size);
    }
    std::optional<Error> first;
    std::vector<int64_t> failed;
    bool fits = probes.empty();
    for (const int64_t size : probes) {
      Sizes sizes = *found;
      sizes[symbol->name] = ir::Dim(size);
      auto ok = try_sizes(graph, sizes, ops);
      if (ok) {
        fits = true;
        break;
      }
      failed.push_back(size);
      if (!first) first = std::move(ok).error();
    }
    if (!first) continue;
    std::string why = first->why.empty() ? first->what : first->what + ": " + first->why;
    if (fits) {
      notices.push_back({fmt::format("not every size of '{}' works: at {} = {}, {}", symbol->name,
                                     symbol->name, failed[0], why),
                         first->where});
      continue;
    }
    return fail({.kind = ErrorKind::unsupported,
                 .what = fmt::format("the dimension '{}' cannot be dynamic", symbol->name),
                 .where = first->where,
                 .why = fmt::format("the program fits {} = {} alone; at {}, {}", symbol->name, base,
                                    failed[0], why),
                 .hint = hint});
  }
  return {};
}

}  // namespace tenon::api
