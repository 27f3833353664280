// Writes a graph as an ONNX model of one opset.
#pragma once

#include <memory>
#include <string>

#include "onnx/lower.h"

namespace tenon::onnx {

struct WriteOptions {
  int opset = 17;  // kOldestWritable to the newest
  std::string producer = "tenon";
  bool allow_tenon_domain = false;
  // Types of values inside, too, not only of inputs and outputs.
  bool value_info = false;
  // Weights go to PATH.data beside the model where there are more bytes of them than this.
  uint64_t external_above = (uint64_t{1} << 31) - (uint64_t{64} << 20);
};

// A graph as it stands in a file of an opset: every value and node has a name of its own, operators
// are the opset's. It is no canonical graph any more.
struct FileGraph {
  std::unique_ptr<ir::Graph> graph;
  std::vector<Composition> composed = {};
};
// What the opset cannot say is reported, all of it in one error. The same graph gives the same
// names.
Result<FileGraph> lower_for_file(const ir::Graph& graph, const WriteOptions& options,
                                 const ir::OpSet& ops, const Mappings& mappings);
Status write(const FileGraph& lowered, const std::string& path, const WriteOptions& options);

// Weights are streamed from where they are. The file appears whole or not at all, and the same
// graph gives the same bytes. What the opset cannot say is reported, all of it in one error.
// Gives what the opset lacks and was composed.
Result<std::vector<Composition>> write(const ir::Graph& graph, const std::string& path,
                                       const WriteOptions& options, const ir::OpSet& ops,
                                       const Mappings& mappings);
// Into memory; external data is refused.
Result<std::string> write(const ir::Graph& graph, const WriteOptions& options, const ir::OpSet& ops,
                          const Mappings& mappings);

}  // namespace tenon::onnx
