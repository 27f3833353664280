#include "api/tensorrt_verdict.h"

#include <algorithm>
#include <map>

#include "onnx/lower.h"
#include "passes/large_sorts.h"
#include "passes/multiplied_resizes.h"
#include "passes/passes.h"
#include "passes/sampled_regions.h"
#include "targets/tensorrt/dla.h"
#include "targets/tensorrt/legality.h"
#include "targets/tensorrt/operators.h"
#include "targets/tensorrt/restrictions.h"
#include "targets/tensorrt/rewrites.h"

namespace tenon::api {
namespace {

std::vector<Error> parts(const Error& error) {
  return error.details.empty() ? std::vector<Error>{error} : error.details;
}

size_t places(const Error& refusal) { return parts(refusal).size(); }

// What cannot be written and what is not taken, each place once: a node that the opset lacks stays
// in the graph, and TensorRT has it no more than the opset.
Error both(const Error& unwritten, const Error& refused, const std::string& release) {
  std::vector<Error> all = parts(unwritten);
  const size_t first = all.size();
  const auto place = [](const Error& e) {
    return std::tie(e.where.node, e.where.module, e.where.source);
  };
  for (Error& part : parts(refused)) {
    const auto same = [&](const Error& e) { return place(e) == place(part); };
    if (std::none_of(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(first), same))
      all.push_back(std::move(part));
  }
  if (all.size() == 1) return all.front();
  return {.kind = ErrorKind::unsupported,
          .what = fmt::format("{} cannot take the model, for {} reasons", release, all.size()),
          .why = "parts of it cannot be written as ONNX, or are not taken",
          .hint = "name another release, or change the model",
          .details = std::move(all)};
}

void list_fallbacks(const ir::Graph& lowered, const tensorrt::Release& release,
                    TensorrtVerdict& verdict) {
  std::map<std::pair<std::string, std::string>, size_t> known;  // index into dla_fallbacks
  std::vector<size_t> counts;
  for (const tensorrt::DlaFallback& fallback : tensorrt::dla_fallbacks(lowered, release)) {
    ++verdict.on_gpu;
    const auto [found, added] =
        known.try_emplace({fallback.node->op, fallback.why}, verdict.dla_fallbacks.size());
    if (added) {
      verdict.dla_fallbacks.push_back({.kind = ErrorKind::unsupported,
                                       .what = fallback.node->op,
                                       .where = fallback.node->where(),
                                       .why = fallback.why});
      counts.push_back(0);
    }
    ++counts[found->second];
  }
  for (size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] > 1)
      verdict.dla_fallbacks[i].what += fmt::format(" ({} times, first here)", counts[i]);
  }
  ir::for_each_node(lowered, [&](const ir::Node&) { ++verdict.nodes; });
}

// Older ones say too little for what models hold today.
constexpr int kOldestTried = 13;

Result<TensorrtVerdict> judge_at(const ir::Graph& graph, const tensorrt::Release& release,
                                 int opset, bool dla, const Tables& tables) {
  TensorrtVerdict out{.opset = opset};
  const auto lowered = ir::clone(graph);
  TRY(rewrite_for_tensorrt(*lowered, release, tables));
  const auto written = onnx::lower(*lowered, {.opset = opset}, tables.ops, tables.onnx);
  if (!written && written.error().kind != ErrorKind::unsupported) return fail(written.error());
  const Status taken = tensorrt::check(*lowered, release, {.opset = opset, .dla = dla});
  if (!written)
    out.refusal =
        taken ? written.error() : both(written.error(), taken.error(), tensorrt::name(release));
  else if (!taken)
    out.refusal = taken.error();
  else if (dla)
    list_fallbacks(*lowered, release, out);
  return out;
}

Result<TensorrtVerdict> judge_as_it_is(const ir::Graph& graph, const tensorrt::Release& release,
                                       int opset, bool dla, const Tables& tables) {
  const int newest = tensorrt::abilities(release).newest_opset;
  TensorrtVerdict best =
      TRY(judge_at(graph, release, opset == 0 ? newest : std::min(opset, newest), dla, tables));
  // An older opset has what a newer one says in operators that are not taken. Where all lack
  // something, that is told of the one that lacks the least.
  for (int older = newest - 1; best.refusal && opset == 0 && older >= kOldestTried; --older) {
    TensorrtVerdict other = TRY(judge_at(graph, release, older, dla, tables));
    if (!other.refusal || places(*other.refusal) < places(*best.refusal)) best = std::move(other);
  }
  return best;
}

}  // namespace

Status rewrite_for_tensorrt(ir::Graph& graph, const tensorrt::Release& release,
                            const Tables& tables) {
  const passes::PassContext context{tables.ops, tables.refs};
  TRY(passes::compose_large_sorts(graph, tensorrt::kMostFound, context));
  TRY(passes::multiply_resizes(graph, context));  // no release filters
  if (tensorrt::find_operator("RoiAlign", release) == nullptr)
    TRY(passes::compose_roi_align(graph, context));
  return tensorrt::rewrite(graph, release, tables.ops);
}

Result<TensorrtVerdict> judge(const ir::Graph& graph, const tensorrt::Release& release, int opset,
                              bool dla, const Tables& tables) {
  TensorrtVerdict whole = TRY(judge_as_it_is(graph, release, opset, dla, tables));
  if (!whole.refusal || !passes::has_sizes_of_data(graph)) return whole;
  auto bounded = ir::clone(graph);
  const passes::PassContext context{tables.ops, tables.refs};
  auto outputs = passes::bound_sizes(*bounded, context);
  if (!outputs) {
    // Why that is no way out belongs to what is refused.
    if (outputs.error().kind != ErrorKind::unsupported) return fail(std::move(outputs).error());
    if (whole.refusal->details.empty()) whole.refusal->details.push_back(*whole.refusal);
    whole.refusal->details.push_back(std::move(outputs).error());
    return whole;
  }
  TRY(passes::canonicalise(*bounded, context));
  TensorrtVerdict out = TRY(judge_as_it_is(*bounded, release, opset, dla, tables));
  if (out.refusal) return out;
  out.bounded = std::move(bounded);
  out.bounded_outputs = std::move(*outputs);
  return out;
}

}  // namespace tenon::api
