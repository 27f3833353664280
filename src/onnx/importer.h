// Turns the nodes of a parsed model into canonical ones; the reader's inner part.
#pragma once

#include <array>
#include <map>
#include <string>
#include <unordered_map>

#include "onnx/mapping.h"
#include "onnx/proto.h"
#include "onnx/reader.h"
#include "onnx/tensor_data.h"

namespace tenon::onnx {

// The opset of a domain; 0 where the model does not import it.
int64_t opset_of(const proto::OpsetImports& imports, std::string_view domain);
std::string_view canonical_domain(std::string_view domain);  // "ai.onnx" is ""

class Importer {
 public:
  Importer(const proto::Model& model, TensorSource& tensors, const ReadOptions& options,
           const ir::OpSet& ops, const Mappings& mappings, ir::Graph& graph)
      : model_(model),
        tensors_(tensors),
        options_(options),
        ops_(ops),
        mappings_(mappings),
        graph_(graph),
        b_(graph, ops) {
    for (const proto::Function& f : model.functions)
      functions_.emplace(FunctionKey{canonical_domain(f.domain), f.name, f.overload}, &f);
  }

  Status run();

 private:
  struct Scope {
    const Scope* parent = nullptr;
    std::unordered_map<std::string_view, ir::Value*> values = {};
    std::optional<ir::Value*> find(std::string_view name) const;  // nullopt: no such name
  };
  // Where nodes are read: their opsets, and within a function its call.
  struct Body {
    const proto::OpsetImports& opsets;
    const std::unordered_map<std::string_view, const proto::Attribute*>* arguments = nullptr;
    std::string prefix = {};  // of node names
    int depth = 0;
  };

  Status check_operators() const;
  const proto::Function* function(const proto::Node& node) const;
  Status read_graph(const proto::Graph& from, ir::Graph& into, Scope& scope, const Body& body,
                    const Values& bound = {});
  Status read_nodes(std::span<const proto::Node> nodes, Scope& scope, const Body& body);
  Status read_node(const proto::Node& node, Scope& scope, const Body& body);
  Result<Values> read_operator(const proto::Node& node, Values inputs, Scope& scope,
                               const Body& body);
  Result<Values> call(const proto::Function& function, const proto::Node& node, Values inputs,
                      const Body& body);
  Result<Values> constant(const ir::Attributes& attributes);
  Result<ir::Attributes> attributes(const proto::Node& node, const Body& body,
                                    std::map<std::string, const proto::Graph*>& graphs);
  Status read_outputs(const proto::Graph& from, const Scope& scope);
  Result<ir::Type> type(const proto::TypeProto& from, std::string_view name, ir::Value* source);
  ir::Dim dynamic_dim(std::string_view parameter, std::string_view name, ir::Value* source,
                      size_t axis);
  ir::OriginRef origin(const proto::Node& node);

  const proto::Model& model_;
  TensorSource& tensors_;
  const ReadOptions& options_;
  const ir::OpSet& ops_;
  const Mappings& mappings_;
  ir::Graph& graph_;
  ir::Builder b_;
  size_t nodes_ = 0;
  using FunctionKey = std::array<std::string_view, 3>;  // domain, name, overload
  std::map<FunctionKey, const proto::Function*> functions_;
  std::map<std::pair<std::string, std::string>, ir::OriginRef> origins_;
};

}  // namespace tenon::onnx
