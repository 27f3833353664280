// Reads an ONNX model, of opset 7 or newer, into a canonical graph.
#pragma once

#include <memory>
#include <string>

#include "onnx/mapping.h"

namespace tenon::onnx {

struct ReadOptions {
  // Nodes that functions and subgraphs may unfold to; bounds what a hostile file can cost.
  size_t max_nodes = 2'000'000;
};

// Weights share the mapping of the file. Every operator that Tenon does not know is reported, in
// one error of kind `unsupported`.
Result<std::unique_ptr<ir::Graph>> read(const std::string& path, const ReadOptions& options,
                                        const ir::OpSet& ops, const Mappings& mappings);
// From memory, which `owner` keeps alive; external data is refused.
Result<std::unique_ptr<ir::Graph>> read(std::shared_ptr<const std::byte> owner, size_t size,
                                        const ReadOptions& options, const ir::OpSet& ops,
                                        const Mappings& mappings);

}  // namespace tenon::onnx
