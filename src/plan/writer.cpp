// Graph -> FlatBuffers header and blobs.
#include <fmt/format.h>

#include <array>
#include <cstring>
#include <unordered_map>

#include "plan/checksum.h"
#include "plan/format.h"
#include "plan/plan.h"
#include "plan_generated.h"

namespace tenon::plan {
namespace {

using flatbuffers::Offset;
using Builder = flatbuffers::FlatBufferBuilder;
template <class T>
using List = std::vector<Offset<T>>;

class Writer {
 public:
  Writer(AtomicFile& file) : file_(file) {}

  Status write(const View& view) {
    TRY(file_.write(std::string(kPrologue, '\0')));
    const auto graph = TRY(write_graph(view.graph));
    List<fb::Symbol> symbols;
    for (const ir::Symbol& s : view.graph.symbols) {
      symbols.push_back(fb::CreateSymbol(builder_, str(s.name), s.range.min, s.range.max,
                                         s.opt.has_value(), s.opt.value_or(0), index(s.source),
                                         s.axis));
    }
    List<fb::Guard> guards;
    for (const ir::Guard& g : view.graph.guards) {
      const auto lhs = dim(g.lhs), rhs = dim(g.rhs);
      guards.push_back(fb::CreateGuard(builder_, lhs, static_cast<uint8_t>(g.relation), rhs,
                                       origin(g.origin), str(g.reason)));
    }
    List<fb::Metadata> metadata;
    for (const auto& [key, value] : view.graph.metadata)
      metadata.push_back(fb::CreateMetadata(builder_, str(key), str(value)));
    List<fb::Tactic> tactics;
    for (const auto& [node, tactic] : view.tactics)
      tactics.push_back(fb::CreateTactic(builder_, str(node), str(tactic)));
    List<fb::Packed> packed;
    for (const PackedBlob& blob : view.packed) {
      const fb::Blob at = TRY(add_blob({blob.data.get(), blob.bytes}));
      const auto key =
          builder_.CreateVector(reinterpret_cast<const uint8_t*>(blob.key.data()), blob.key.size());
      packed.push_back(fb::CreatePacked(builder_, str(blob.constant), key, &at));
    }
    List<flatbuffers::String> disabled;
    for (const std::string& name : view.disabled) disabled.push_back(str(name));
    const auto origins = builder_.CreateVector(origins_);
    const auto plan = fb::CreatePlan(builder_, graph, origins, builder_.CreateVector(symbols),
                                     builder_.CreateVector(guards), builder_.CreateVector(metadata),
                                     str(view.library), str(view.isa), view.threads,
                                     builder_.CreateVector(disabled),
                                     builder_.CreateVector(tactics), builder_.CreateVector(packed));
    builder_.Finish(plan);
    return finish();
  }

 private:
  Offset<flatbuffers::String> str(std::string_view text) {
    return builder_.CreateString(text.data(), text.size());
  }

  int index(const ir::Value* value) const {
    auto it = numbers_.find(value);
    return it == numbers_.end() ? -1 : it->second;
  }
  void define(const ir::Value* value) { numbers_.emplace(value, number_++); }

  int origin(const ir::OriginRef& o) {
    if (!o) return -1;
    auto [it, fresh] = origin_numbers_.try_emplace(o.get(), static_cast<int>(origins_.size()));
    if (!fresh) return it->second;
    List<fb::Frame> frames;
    for (const ir::Frame& f : o->frames)
      frames.push_back(fb::CreateFrame(builder_, str(f.file), f.line, str(f.function)));
    origins_.push_back(fb::CreateOrigin(builder_, str(o->module), builder_.CreateVector(frames)));
    return it->second;
  }

  Offset<fb::Dim> dim(const ir::Dim& d) {
    List<fb::Term> terms;
    for (const ir::Dim::Term& term : d.terms()) {
      List<fb::Atom> factors;
      for (const auto& atom : term.factors) {
        List<fb::Dim> args;
        for (const ir::Dim& arg : atom->args) args.push_back(dim(arg));
        factors.push_back(fb::CreateAtom(builder_, static_cast<uint8_t>(atom->op), str(atom->name),
                                         builder_.CreateVector(args), atom->factor));
      }
      terms.push_back(fb::CreateTerm(builder_, term.coefficient, builder_.CreateVector(factors)));
    }
    return fb::CreateDim(builder_, d.offset(), terms.empty() ? 0 : builder_.CreateVector(terms));
  }

  Offset<fb::Type> type(const ir::Type& t) {
    Offset<fb::Shape> shape;
    if (t.shape) {
      List<fb::Dim> dims;
      for (const ir::Dim& d : *t.shape) dims.push_back(dim(d));
      shape = fb::CreateShape(builder_, builder_.CreateVector(dims));
    }
    Offset<fb::Type> element;
    if (t.element) element = type(*t.element);
    return fb::CreateType(builder_, static_cast<uint8_t>(t.kind), static_cast<uint8_t>(t.dtype),
                          shape, element);
  }

  Result<fb::Blob> add_blob(std::span<const std::byte> bytes) {
    const size_t at = (file_.size() + kAlignment - 1) / kAlignment * kAlignment;
    TRY(file_.write(std::string(at - file_.size(), '\0')));
    TRY(file_.write(bytes));
    return fb::Blob(at, bytes.size(), checksum(bytes));
  }

  Result<Offset<fb::Tensor>> tensor(const Tensor& t) {
    const auto dims = builder_.CreateVector(t.shape());
    if (t.dtype() == DType::string) {
      return fail({.kind = ErrorKind::unsupported,
                   .what = "a plan cannot hold constant strings",
                   .why = "a constant of the model has string elements",
                   .hint = "take the text processing out of the model"});
    }
    if (t.nbytes() <= kInline) {
      const auto data = builder_.CreateVector(reinterpret_cast<const uint8_t*>(t.data()),
                                              t.data() ? t.nbytes() : 0);
      return fb::CreateTensor(builder_, static_cast<uint8_t>(t.dtype()), dims, nullptr, data);
    }
    const fb::Blob blob = TRY(add_blob(t.bytes()));
    return fb::CreateTensor(builder_, static_cast<uint8_t>(t.dtype()), dims, &blob);
  }

  Result<Offset<fb::Value>> value(const ir::Value& v) {
    Offset<fb::Tensor> constant;
    if (v.constant) constant = TRY(tensor(*v.constant));
    const auto t = type(v.type);
    return fb::CreateValue(builder_, str(v.name), t, constant);
  }

  Result<Offset<fb::Attribute>> attribute(const std::string& name, const ir::Attribute& a) {
    Offset<flatbuffers::String> s;
    Offset<flatbuffers::Vector<int64_t>> ints;
    Offset<flatbuffers::Vector<float>> floats;
    Offset<flatbuffers::Vector<Offset<flatbuffers::String>>> strings;
    Offset<fb::Tensor> t;
    int64_t i = 0;
    float f = 0;
    if (const auto* v = std::get_if<int64_t>(&a)) i = *v;
    if (const auto* v = std::get_if<float>(&a)) f = *v;
    if (const auto* v = std::get_if<std::string>(&a)) s = str(*v);
    if (const auto* v = std::get_if<std::vector<int64_t>>(&a)) ints = builder_.CreateVector(*v);
    if (const auto* v = std::get_if<std::vector<float>>(&a)) floats = builder_.CreateVector(*v);
    if (const auto* v = std::get_if<std::vector<std::string>>(&a))
      strings = builder_.CreateVectorOfStrings(*v);
    if (const auto* v = std::get_if<Tensor>(&a)) t = TRY(tensor(*v));
    return fb::CreateAttribute(builder_, str(name), static_cast<uint8_t>(a.index()), i, f, s, ints,
                               floats, strings, t);
  }

  Result<Offset<fb::Graph>> write_graph(const ir::Graph& graph) {
    List<fb::Value> constants, inputs, node_values;
    for (const ir::Value* v : graph.constants()) {
      define(v);
      constants.push_back(TRY(value(*v)));
    }
    for (const ir::Value* v : graph.inputs()) {
      define(v);
      inputs.push_back(TRY(value(*v)));
    }
    List<fb::Node> nodes;
    for (const auto& node : graph.nodes()) {
      List<fb::Graph> subgraphs;
      for (const ir::Subgraph& sub : node->subgraphs)
        subgraphs.push_back(TRY(write_graph(*sub.graph, sub.name)));
      std::vector<int> in, out;
      for (const ir::Value* v : node->inputs()) in.push_back(index(v));
      for (const ir::Value* v : node->outputs()) {
        define(v);
        out.push_back(index(v));
        node_values.push_back(TRY(value(*v)));
      }
      List<fb::Attribute> attributes;
      for (const auto& [name, a] : node->attributes.all())
        attributes.push_back(TRY(attribute(name, a)));
      nodes.push_back(fb::CreateNode(builder_, str(node->domain), str(node->op), str(node->name),
                                     origin(node->origin), builder_.CreateVector(attributes),
                                     builder_.CreateVector(in), builder_.CreateVector(out),
                                     builder_.CreateVector(subgraphs)));
    }
    std::vector<int> outputs;
    for (const ir::Value* v : graph.outputs()) outputs.push_back(index(v));
    return fb::CreateGraph(builder_, str(name_.empty() ? graph.name : name_),
                           builder_.CreateVector(inputs), builder_.CreateVector(constants),
                           builder_.CreateVector(nodes), builder_.CreateVector(node_values),
                           builder_.CreateVector(outputs));
  }

  Result<Offset<fb::Graph>> write_graph(const ir::Graph& graph, const std::string& name) {
    const std::string before = std::exchange(name_, name);
    auto made = write_graph(graph);
    name_ = before;
    return made;
  }

  Status finish() {
    const size_t at = (file_.size() + kAlignment - 1) / kAlignment * kAlignment;
    TRY(file_.write(std::string(at - file_.size(), '\0')));
    const std::span header(reinterpret_cast<const std::byte*>(builder_.GetBufferPointer()),
                           builder_.GetSize());
    TRY(file_.write(header));
    Prologue prologue;
    std::memcpy(prologue.magic, kMagic.data(), sizeof prologue.magic);
    prologue.version = kFormatVersion;
    prologue.header_offset = at;
    prologue.header_size = header.size();
    prologue.header_checksum = checksum(header);
    prologue.file_size = file_.size();
    prologue.own_checksum = checksum(prologue_bytes(prologue));
    std::array<std::byte, sizeof(Prologue)> bytes;
    std::memcpy(bytes.data(), &prologue, sizeof prologue);
    return file_.write_at(0, bytes);
  }

  AtomicFile& file_;
  Builder builder_;
  std::unordered_map<const ir::Value*, int> numbers_;
  std::unordered_map<const ir::Origin*, int> origin_numbers_;
  List<fb::Origin> origins_;
  std::string name_;
  int number_ = 0;
};

}  // namespace

Status write(const std::string& path, const View& view) {
  AtomicFile file = TRY(AtomicFile::create(path));
  Writer writer(file);
  TRY(writer.write(view));
  return file.commit();
}

}  // namespace tenon::plan
