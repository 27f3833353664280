#include "cli/precision_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/precision.h"

namespace tenon::cli {
namespace {

// "Conv (20), MaxPool"
std::string counted(const std::vector<std::pair<std::string, size_t>>& ops) {
  std::string out;
  for (const auto& [op, count] : ops) {
    out += fmt::format("{}{}{}", out.empty() ? "" : ", ", op,
                       count > 1 ? fmt::format(" ({})", quantity(count)) : std::string());
  }
  return out;
}

// What stays in fp32, by the reasons, in the order in which they first apply.
std::string kept_text(const std::vector<passes::KeptNode>& nodes) {
  struct Group {
    const passes::KeptNode* first;
    std::vector<std::pair<std::string, size_t>> ops;
  };
  std::vector<Group> groups;
  for (const passes::KeptNode& node : nodes) {
    auto group = std::ranges::find_if(
        groups, [&](const Group& g) { return g.first->reason == node.reason; });
    if (group == groups.end()) group = groups.insert(group, Group{&node, {}});
    auto op = std::ranges::find(group->ops, node.op, &std::pair<std::string, size_t>::first);
    if (op == group->ops.end()) op = group->ops.insert(op, {node.op, 0});
    ++op->second;
  }
  std::string out;
  for (const Group& g : groups) {
    const std::string source =
        g.first->where.source.empty() ? std::string() : " at " + g.first->where.source;
    out += fmt::format("  {}: {}; first {}{}\n", g.first->reason, counted(g.ops), g.first->name,
                       source);
  }
  return out.empty() ? out : "kept in fp32\n" + out;
}

}  // namespace

Status refuse_precision_options(const std::string& io_types,
                                const std::vector<std::string>& keep_fp32) {
  if (io_types == "keep" && keep_fp32.empty()) return {};
  return fail(
      {.kind = ErrorKind::usage,
       .what = fmt::format("cannot use {} here", io_types == "keep" ? "--keep-fp32" : "--io-types"),
       .why = "without --precision the model keeps its own types",
       .hint = "add --precision fp16 or --precision bf16"});
}

std::string precision_text(const passes::ReducedPrecision& reduced, DType type) {
  const auto count = [&](DType dtype) {
    const auto found = reduced.values.find(dtype);
    return found == reduced.values.end() ? size_t{0} : found->second;
  };
  std::string out =
      fmt::format("precision\n  {} values in {}, {} in fp32, {} casts\n", quantity(count(type)),
                  api::precision_name(type), quantity(count(DType::f32)), quantity(reduced.casts));
  out += kept_text(reduced.kept);
  if (!reduced.clamped.empty()) out += "clamped, since they only say very large or very low\n";
  for (const passes::ClampedConstant& c : reduced.clamped) {
    out += fmt::format("  {:g} became {:g}: {} {}{}\n", c.value, c.becomes, c.op, c.node,
                       c.where.source.empty() ? std::string() : " at " + c.where.source);
  }
  return out;
}

Json precision_json(const passes::ReducedPrecision& reduced, const std::string& precision) {
  Json out = {{"type", precision}, {"casts", reduced.casts}};
  out["values"] = Json::object();
  for (const auto& [dtype, count] : reduced.values) out["values"][std::string(name(dtype))] = count;
  out["kept"] = Json::array();
  for (const passes::KeptNode& kept : reduced.kept) {
    out["kept"].push_back({{"op", kept.op},
                           {"node", kept.name},
                           {"reason", kept.reason},
                           {"module", kept.where.module},
                           {"source", kept.where.source}});
  }
  out["clamped"] = Json::array();
  for (const passes::ClampedConstant& c : reduced.clamped) {
    out["clamped"].push_back({{"constant", c.name},
                              {"op", c.op},
                              {"node", c.node},
                              {"value", c.value},
                              {"becomes", c.becomes},
                              {"module", c.where.module},
                              {"source", c.where.source}});
  }
  return out;
}

}  // namespace tenon::cli
