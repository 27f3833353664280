// What Tenon writes into a model beside ONNX's own fields, and reads back: where nodes come from,
// ranges of symbols, guards.
#pragma once

#include <string>
#include <utility>

#include "ir/graph.h"
#include "onnx/proto.h"

namespace tenon::onnx {

inline constexpr std::string_view kModuleKey = "tenon.module";
inline constexpr std::string_view kSourceKey = "tenon.source";
inline constexpr std::string_view kSymbolPrefix = "tenon.symbol.";
inline constexpr std::string_view kGuardPrefix = "tenon.guard.";

// Frames as text, innermost first: "resnet.py:94 in forward; resnet.py:285 in _forward_impl".
std::string frames_text(const ir::Origin& origin);
ir::OriginRef make_origin(const std::string& module, const std::string& source);
// Module path and source of a node in a file, from its metadata or its doc_string.
std::pair<std::string, std::string> node_origin(const proto::StringPairs& metadata,
                                                std::string_view doc);
// The doc_string that says the same, for IR versions without node metadata.
std::string origin_doc(const ir::Origin& origin);

// The model's metadata_props: the graph's own, then symbols and guards.
std::vector<std::pair<std::string, std::string>> model_metadata(const ir::Graph& graph);
Status read_model_metadata(const proto::StringPairs& metadata, ir::Graph& graph);

}  // namespace tenon::onnx
