#include "onnx/writer.h"

#include <fmt/format.h>

#include <filesystem>
#include <unordered_set>

#include "base/error.h"
#include "base/mapped_file.h"
#include "onnx/lower.h"
#include "onnx/message.h"
#include "onnx/metadata.h"
#include "onnx/proto.h"

namespace tenon::onnx {
namespace {

// ONNX wants every output of a graph to be computed by a node in it, each under a name of its own.
Status own_outputs(ir::Graph& graph, const ir::OpSet& ops) {
  ir::Builder builder(graph, ops);
  std::unordered_set<const ir::Value*> seen;
  for (size_t i = 0; i < graph.outputs().size(); ++i) {
    ir::Value* output = graph.outputs()[i];
    const bool own = output->producer && output->graph == &graph && seen.insert(output).second;
    if (!own) graph.set_output(i, builder.emit_named("Identity", {output}));
  }
  for (const auto& node : graph.nodes()) {
    for (const ir::Subgraph& sub : node->subgraphs) TRY(own_outputs(*sub.graph, ops));
  }
  return builder.status();
}

// Appends the constants of `owner` that `scope` uses, in order of their first use. That order,
// unlike the one in which they were made, is the same for a graph and for what is read back from
// its file.
void collect_constants(const ir::Graph& scope, const ir::Graph& owner,
                       std::unordered_set<const ir::Value*>& seen,
                       std::vector<const ir::Value*>& out) {
  auto take = [&](const ir::Node& node) {
    for (const ir::Value* input : node.inputs()) {
      if (input && input->is_constant() && input->graph == &owner && seen.insert(input).second)
        out.push_back(input);
    }
  };
  for (const auto& node : scope.nodes()) {
    take(*node);
    for (const ir::Subgraph& sub : node->subgraphs) collect_constants(*sub.graph, owner, seen, out);
  }
  take(*scope.result());
}

std::vector<const ir::Value*> constants_by_use(const ir::Graph& graph) {
  std::unordered_set<const ir::Value*> seen;
  std::vector<const ir::Value*> out;
  collect_constants(graph, graph, seen, out);
  return out;
}

Message pair(std::string_view key, std::string_view value) {
  Message out;
  out.text(1, key);
  out.text(2, value);
  return out;
}

Message type_proto(const ir::Type& type) {
  Message out;
  if (!type.is_tensor()) {
    Message wrapper;
    // What holds nothing still needs a type of element in the file.
    wrapper.message(
        1, type_proto(type.element ? *type.element : ir::Type::tensor(DType::f32, std::nullopt)));
    out.message(type.kind == ir::Type::Kind::sequence ? 4 : 9, std::move(wrapper));
    return out;
  }
  Message tensor;
  tensor.varint(1, static_cast<uint64_t>(type.dtype));
  if (type.shape) {
    Message shape;
    for (const ir::Dim& dim : *type.shape) {
      Message size;
      if (auto value = dim.constant())
        size.integer(1, *value);
      else
        size.text(2, dim.str());
      shape.message(1, std::move(size));
    }
    tensor.message(2, std::move(shape));
  }
  out.message(1, std::move(tensor));
  return out;
}

Message value_info(const ir::Value& value) {
  Message out;
  out.text(1, value.name);
  out.message(2, type_proto(value.type));
  return out;
}

// The file beside the model for weights that do not fit into it.
struct ExternalData {
  std::string location;
  AtomicFile file;
  static constexpr size_t kAlignment = 4096;  // so that others can map it page by page

  Result<uint64_t> add(const Tensor& tensor) {
    static constexpr std::byte kZeros[kAlignment] = {};
    const size_t padding = (kAlignment - file.size() % kAlignment) % kAlignment;
    TRY(file.write(std::span(kZeros).first(padding)));
    const uint64_t offset = file.size();
    TRY(file.write(tensor.bytes()));
    return offset;
  }
};

class Serializer {
 public:
  Serializer(const WriteOptions& options, ExternalData* external)
      : options_(options), ir_version_(ir_version_of(options.opset)), external_(external) {}

  Result<Message> model(const ir::Graph& graph) {
    Message body = TRY(this->graph(graph));
    Message out;
    out.integer(1, ir_version_);
    out.text(2, options_.producer);
    out.text(3, TENON_VERSION);
    out.message(7, std::move(body));
    out.message(8, opset("", options_.opset));
    if (uses_tenon_domain_) out.message(8, opset("tenon", 1));
    for (const auto& [key, value] : model_metadata(graph)) out.message(14, pair(key, value));
    return out;
  }

 private:
  static Message opset(std::string_view domain, int version) {
    Message out;
    out.text(1, domain);
    out.integer(2, version);
    return out;
  }

  Result<Message> tensor(const Tensor& tensor, std::string_view name, bool may_be_external) {
    Message out;
    if (!tensor.shape().empty()) out.packed(1, tensor.shape());
    out.integer(2, static_cast<int64_t>(tensor.dtype()));
    if (!name.empty()) out.text(8, name);
    constexpr size_t kSmall = 1024;
    if (external_ && may_be_external && tensor.nbytes() > kSmall) {
      const uint64_t offset = TRY(external_->add(tensor));
      out.message(13, pair("location", external_->location));
      out.message(13, pair("offset", fmt::to_string(offset)));
      out.message(13, pair("length", fmt::to_string(tensor.nbytes())));
      out.integer(14, 1);
    } else {
      out.bytes(9, tensor);
    }
    return out;
  }

  Result<Message> attribute(std::string_view name, const ir::Attribute& value) {
    Message out;
    out.text(1, name);
    auto type = [&](proto::AttributeType t) { out.integer(20, t); };
    if (const auto* i = std::get_if<int64_t>(&value)) {
      out.integer(3, *i);
      type(proto::kInt);
    } else if (const auto* f = std::get_if<float>(&value)) {
      out.float32(2, *f);
      type(proto::kFloat);
    } else if (const auto* s = std::get_if<std::string>(&value)) {
      out.text(4, *s);
      type(proto::kString);
    } else if (const auto* ints = std::get_if<std::vector<int64_t>>(&value)) {
      for (const int64_t v : *ints) out.integer(8, v);
      type(proto::kInts);
    } else if (const auto* floats = std::get_if<std::vector<float>>(&value)) {
      for (const float v : *floats) out.float32(7, v);
      type(proto::kFloats);
    } else if (const auto* strings = std::get_if<std::vector<std::string>>(&value)) {
      for (const std::string& v : *strings) out.text(9, v);
      type(proto::kStrings);
    } else if (const auto* t = std::get_if<Tensor>(&value)) {
      out.message(5, TRY(tensor(*t, "", false)));
      type(proto::kTensor);
    }
    return out;
  }

  Result<Message> node(const ir::Node& node) {
    Message out;
    for (const ir::Value* input : node.inputs()) out.text(1, input ? input->name : "");
    for (const ir::Value* output : node.outputs()) out.text(2, output->name);
    out.text(3, node.name);
    out.text(4, node.op);
    for (const auto& [name, value] : node.attributes.all())
      out.message(5, TRY(attribute(name, value)));
    for (const ir::Subgraph& sub : node.subgraphs) {
      Message body;
      body.text(1, sub.name);
      body.message(6, TRY(graph(*sub.graph)));
      body.integer(20, proto::kGraph);
      out.message(5, std::move(body));
    }
    if (!node.domain.empty()) out.text(7, node.domain);
    uses_tenon_domain_ |= node.domain == "tenon";
    if (node.origin) write_origin(*node.origin, out);
    return out;
  }

  void write_origin(const ir::Origin& origin, Message& out) const {
    constexpr int kNodeMetadata = 10;  // the IR version that brings it
    if (ir_version_ < kNodeMetadata) {
      if (const std::string doc = origin_doc(origin); !doc.empty()) out.text(6, doc);
      return;
    }
    if (!origin.module.empty()) out.message(9, pair(kModuleKey, origin.module));
    if (!origin.frames.empty()) out.message(9, pair(kSourceKey, frames_text(origin)));
  }

  Result<Message> graph(const ir::Graph& graph) {
    Message out;
    for (const auto& n : graph.nodes()) out.message(1, TRY(node(*n)));
    out.text(2, graph.name);
    for (const ir::Value* constant : constants_by_use(graph))
      out.message(5, TRY(tensor(*constant->constant, constant->name, true)));
    for (const ir::Value* input : graph.inputs()) out.message(11, value_info(*input));
    for (const ir::Value* output : graph.outputs()) out.message(12, value_info(*output));
    const std::unordered_set<const ir::Value*> outputs(graph.outputs().begin(),
                                                       graph.outputs().end());
    for (const auto& n : graph.nodes()) {
      for (const ir::Value* value : n->outputs()) {
        const bool known = !value->type.is_tensor() || value->dtype() != DType::undefined;
        if ((options_.value_info || !n->domain.empty()) && known && !outputs.contains(value))
          out.message(13, value_info(*value));
      }
    }
    return out;
  }

  const WriteOptions& options_;
  const int ir_version_;
  ExternalData* external_;
  bool uses_tenon_domain_ = false;
};

uint64_t weight_bytes(const ir::Graph& graph) {
  uint64_t total = 0;
  for (const ir::Value* constant : graph.constants()) total += constant->constant->nbytes();
  for (const auto& node : graph.nodes()) {
    for (const ir::Subgraph& sub : node->subgraphs) total += weight_bytes(*sub.graph);
  }
  return total;
}

}  // namespace

Result<FileGraph> lower_for_file(const ir::Graph& graph, const WriteOptions& options,
                                 const ir::OpSet& ops, const Mappings& mappings) {
  if (options.opset < kOldestWritable || options.opset > newest_opset()) {
    return fail(
        {.kind = ErrorKind::usage,
         .what = fmt::format("there is no writing at opset {}", options.opset),
         .why = fmt::format("Tenon writes opset {} to {}", kOldestWritable, newest_opset()),
         .hint = fmt::format("choose --opset between {} and {}", kOldestWritable, newest_opset())});
  }
  auto lowered = ir::clone(graph);
  TRY(own_outputs(*lowered, ops));
  ir::assign_names(*lowered);  // before lowering: names do not depend on the opset
  auto composed = TRY(
      lower(*lowered, {.opset = options.opset, .allow_tenon_domain = options.allow_tenon_domain},
            ops, mappings));
  ir::assign_names(*lowered);  // what lowering made
  return FileGraph{std::move(lowered), std::move(composed)};
}

Status write(const FileGraph& lowered, const std::string& path, const WriteOptions& options) {
  std::optional<ExternalData> external;
  if (weight_bytes(*lowered.graph) > options.external_above) {
    const std::string data = path + ".data";
    external.emplace(std::filesystem::path(data).filename().string(),
                     TRY(AtomicFile::create(data)));
  }
  AtomicFile file = TRY(AtomicFile::create(path));
  const Message message =
      TRY(Serializer(options, external ? &*external : nullptr).model(*lowered.graph));
  TRY(file.reserve(message.size()));
  TRY(message.write(file));
  if (external) TRY(external->file.commit());
  return file.commit();
}

Result<std::vector<Composition>> write(const ir::Graph& graph, const std::string& path,
                                       const WriteOptions& options, const ir::OpSet& ops,
                                       const Mappings& mappings) {
  FileGraph lowered = TRY(lower_for_file(graph, options, ops, mappings));
  TRY(write(lowered, path, options));
  return std::move(lowered.composed);
}

Result<std::string> write(const ir::Graph& graph, const WriteOptions& options, const ir::OpSet& ops,
                          const Mappings& mappings) {
  const auto lowered = TRY(lower_for_file(graph, options, ops, mappings)).graph;
  if (weight_bytes(*lowered) > options.external_above) {
    return fail({.kind = ErrorKind::usage,
                 .what = "the model is too large for one ONNX file",
                 .why = "ONNX files hold less than 2 GB",
                 .hint = "write it to a path: its weights then go to a file beside it"});
  }
  const Message message = TRY(Serializer(options, nullptr).model(*lowered));
  return message.str();
}

}  // namespace tenon::onnx
