// What a graph holds, as text and as JSON.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "api/load.h"
#include "ir/graph.h"

namespace tenon::cli {

using Json = nlohmann::ordered_json;

// "Conv" or "tenon::Svd", with how often it occurs, subgraphs included.
std::map<std::string, size_t> count_operators(const ir::Graph& graph);

struct ParameterCount {
  uint64_t elements = 0, bytes = 0;
};
ParameterCount count_parameters(const ir::Graph& graph);

std::string quantity(uint64_t n);   // "11,689,512"
std::string megabytes(uint64_t n);  // "46.8 MB"

// "batch 1..8, best at 4"
std::string symbol_text(const ir::Symbol& symbol);
std::string notice_text(const torch::Notice& notice);
// Indented blocks of inputs, outputs and dynamic sizes with their guards.
std::string interface_text(const ir::Graph& graph);
Json interface_json(const ir::Graph& graph);
// What stands for a trace's graph at sizes other than the trace's, "unproven" or "agrees with 2
// traces"; empty where the program itself does.
std::string sizes_verdict(const ir::Graph& graph);
// The block of notices and of constants suspected to be sizes, of these only the first unless all
// are asked for; empty where there are none.
std::string remarks_text(const api::Loaded& loaded, bool all);
Json notices_json(const std::vector<torch::Notice>& notices);
// What an engine has to say of how it came to be, on stderr.
void print_notices(std::span<const std::string> notices);

}  // namespace tenon::cli
