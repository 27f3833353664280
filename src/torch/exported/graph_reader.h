// The parts of an exported program's JSON that make up its graphs.
#pragma once

#include <map>
#include <string>

#include "torch/exported/json_cursor.h"
#include "torch/exported/program.h"

namespace tenon::torch::exported {

class GraphReader {
 public:
  Result<Graph> graph(const Cursor& json);
  Result<Argument> argument(const Cursor& json);
  Result<TensorMeta> tensor_meta(const Cursor& json);

 private:
  Result<Argument> argument_of(std::string_view kind, const Cursor& value);
  Result<Node> node(const Cursor& json);
  Result<SymInt> sym_int(const Cursor& json);
  Result<ir::OriginRef> origin(const Cursor& metadata);

  int depth_ = 0;  // of graphs inside graphs
  // Nodes of the same line and module share their origin.
  std::map<std::pair<std::string, std::string>, ir::OriginRef> origins_;
};

// The schema's ScalarType; undefined for what has no DType.
DType dtype_of_schema(int64_t scalar_type);

// Python's stack, innermost frame first, without PyTorch's own frames around the model.
std::vector<ir::Frame> parse_stack_trace(std::string_view text);
// The module path of the innermost module: "layer1.0.conv1".
std::string parse_module_path(std::string_view nn_module_stack);

}  // namespace tenon::torch::exported
