// FlatBuffers header and blobs -> graph. Everything here may come from a damaged or hostile file.
#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <set>

#include "ir/verifier.h"
#include "plan/checksum.h"
#include "plan/format.h"
#include "plan/plan.h"
#include "plan_generated.h"

namespace tenon::plan {
namespace {

constexpr int kMostDepth = 64;  // of nested Dims, types and subgraphs

std::unexpected<Error> damaged(std::string why) {
  return fail({.kind = ErrorKind::bad_file,
               .what = "the plan is damaged",
               .why = std::move(why),
               .hint = "build it again with `tenon build`"});
}

std::string_view text(const flatbuffers::String* s) {
  return s ? std::string_view(s->c_str(), s->size()) : std::string_view();
}

// A FlatBuffers vector, which may be absent, as something to iterate over.
template <class T>
struct Range {
  const flatbuffers::Vector<T>* vector;
  auto begin() const { return vector ? vector->begin() : decltype(vector->begin())(); }
  auto end() const { return vector ? vector->end() : decltype(vector->end())(); }
  size_t size() const { return vector ? vector->size() : 0; }
};
template <class T>
Range<T> range(const flatbuffers::Vector<T>* vector) {
  return {vector};
}

class Reader {
 public:
  Reader(std::span<const std::byte> bytes, std::shared_ptr<const std::byte> owner)
      : bytes_(bytes), owner_(std::move(owner)) {}

  Result<Contents> read(const fb::Plan& plan, const ir::OpSet& ops, const ReadOptions& options) {
    Contents out;
    out.graph = std::make_unique<ir::Graph>();
    for (const auto* o : range(plan.origins())) {
      ir::Origin origin;
      if (o == nullptr) return damaged("an origin is missing");
      origin.module = text(o->module_path());
      for (const auto* f : range(o->frames())) {
        if (f == nullptr) return damaged("a frame is missing");
        origin.frames.push_back(
            {std::string(text(f->file())), f->line(), std::string(text(f->function()))});
      }
      origins_.push_back(std::make_shared<const ir::Origin>(std::move(origin)));
    }
    if (plan.graph() == nullptr) return damaged("it holds no graph");
    for (const auto* s : range(plan.symbols())) {
      if (s == nullptr) return damaged("a symbol is missing");
      ir::Symbol symbol;
      symbol.name = text(s->name());
      symbol.range = {s->min(), s->max()};
      if (s->has_opt()) symbol.opt = s->opt();
      symbol.axis = s->axis();
      if (symbol.name.empty() || s->min() > s->max()) return damaged("a symbol makes no sense");
      if (symbol.opt && (*symbol.opt < s->min() || *symbol.opt > s->max()))
        return damaged("a symbol's opt size is out of its range");
      out.graph->symbols.push_back(std::move(symbol));
    }
    TRY(read_graph(*plan.graph(), *out.graph, 0));
    for (size_t i = 0; i < out.graph->symbols.size(); ++i) {
      const int source = plan.symbols()->Get(static_cast<flatbuffers::uoffset_t>(i))->source();
      if (source >= 0) out.graph->symbols[i].source = TRY(value(source));
    }
    for (const auto* g : range(plan.guards())) {
      if (g == nullptr || g->relation() > 2) return damaged("a guard makes no sense");
      ir::Guard guard;
      guard.lhs = TRY(dim(g->lhs(), 0));
      guard.rhs = TRY(dim(g->rhs(), 0));
      guard.relation = static_cast<ir::Guard::Relation>(g->relation());
      guard.origin = TRY(origin(g->origin()));
      guard.reason = text(g->reason());
      out.graph->guards.push_back(std::move(guard));
    }
    for (const auto* m : range(plan.metadata())) {
      if (m == nullptr) return damaged("metadata are missing");
      out.graph->metadata.emplace_back(text(m->key()), text(m->value()));
    }
    out.library = text(plan.library());
    out.isa = text(plan.isa());
    out.threads = std::clamp(plan.threads(), 1, 4096);
    for (const auto* name : range(plan.disabled())) out.disabled.emplace_back(text(name));
    for (const auto* t : range(plan.tactics())) {
      if (t == nullptr) return damaged("a tactic is missing");
      out.tactics.emplace(text(t->node()), text(t->tactic()));
    }
    for (const auto* p : range(plan.packed())) {
      if (p == nullptr || p->blob() == nullptr) return damaged("packed weights are missing");
      PackedBlob blob;
      blob.constant = text(p->constant());
      if (p->key()) blob.key.assign(p->key()->begin(), p->key()->end());
      blob.data = TRY(share(*p->blob()));
      blob.bytes = p->blob()->size();
      out.packed.push_back(std::move(blob));
    }
    if (options.verify_blobs) TRY(verify_blobs(options.threads));
    // The types in the file are not trusted: kernels write as many bytes as types say.
    TRY(ir::infer(*out.graph, ops));
    TRY(ir::verify(*out.graph, ops, "reading a plan"));
    return out;
  }

 private:
  Result<std::shared_ptr<const std::byte>> share(const fb::Blob& blob) {
    if (blob.offset() % kAlignment != 0 || blob.offset() > bytes_.size() ||
        blob.size() > bytes_.size() - blob.offset()) {
      return damaged(fmt::format("a blob of {} bytes at {} lies outside the file", blob.size(),
                                 blob.offset()));
    }
    blobs_.push_back(blob);
    return std::shared_ptr<const std::byte>(owner_, bytes_.data() + blob.offset());
  }

  Status verify_blobs(int threads) const {
    std::atomic<int64_t> bad = -1;
    const auto n = static_cast<int64_t>(blobs_.size());
#pragma omp parallel for schedule(dynamic) num_threads(std::max(threads, 1))
    for (int64_t i = 0; i < n; ++i) {
      const fb::Blob& blob = blobs_[static_cast<size_t>(i)];
      if (checksum(bytes_.subspan(blob.offset(), blob.size())) != blob.checksum()) bad = i;
    }
    if (bad < 0) return {};
    const fb::Blob& blob = blobs_[static_cast<size_t>(bad.load())];
    return damaged(fmt::format("the weights at bytes {} to {} do not match their checksum",
                               blob.offset(), blob.offset() + blob.size()));
  }

  Result<ir::OriginRef> origin(int index) const {
    if (index < 0) return ir::OriginRef();
    if (static_cast<size_t>(index) >= origins_.size()) return damaged("an origin out of range");
    return origins_[static_cast<size_t>(index)];
  }

  Result<ir::Value*> value(int index) const {
    if (index < 0) return nullptr;
    if (static_cast<size_t>(index) >= values_.size())
      return damaged("a value is used before it is defined");
    return values_[static_cast<size_t>(index)];
  }

  Result<ir::Dim> dim(const fb::Dim* d, int depth) {
    if (d == nullptr) return damaged("a dimension is missing");
    if (depth > kMostDepth) return damaged("a dimension is nested too deeply");
    ir::Dim sum = d->offset();
    for (const auto* t : range(d->terms())) {
      if (t == nullptr) return damaged("a term is missing");
      ir::Dim product = t->coefficient();
      for (const auto* a : range(t->factors())) {
        if (a == nullptr) return damaged("a factor is missing");
        product = product * TRY(atom(*a, depth + 1));
      }
      sum = sum + product;
    }
    return sum;
  }

  Result<ir::Dim> atom(const fb::Atom& a, int depth) {
    using Op = ir::Dim::Op;
    const auto op = static_cast<Op>(a.op());
    if (op == Op::symbol) {
      if (text(a.name()).empty()) return damaged("a symbol has no name");
      return ir::Dim::symbol(std::string(text(a.name())));
    }
    std::vector<ir::Dim> args;
    for (const auto* arg : range(a.args())) args.push_back(TRY(dim(arg, depth)));
    if (op == Op::floorscale && args.size() == 1) return floorscale(args[0], a.factor());
    if (op == Op::floordiv && args.size() == 2) return floordiv(args[0], args[1]);
    if (op == Op::mod && args.size() == 2) return mod(args[0], args[1]);
    if ((op == Op::min || op == Op::max) && !args.empty()) {
      ir::Dim out = args[0];
      for (size_t i = 1; i < args.size(); ++i)
        out = op == Op::min ? min(out, args[i]) : max(out, args[i]);
      return out;
    }
    return damaged("an operation on dimensions makes no sense");
  }

  Result<ir::Type> type(const fb::Type* t, int depth) {
    if (t == nullptr || depth > kMostDepth || t->kind() > 2 || t->dtype() > kLastDType)
      return damaged("a type makes no sense");
    ir::Type out;
    out.kind = static_cast<ir::Type::Kind>(t->kind());
    out.dtype = static_cast<DType>(t->dtype());
    if (t->shape() != nullptr) {
      ir::Shape shape;
      for (const auto* d : range(t->shape()->dims())) shape.push_back(TRY(dim(d, 0)));
      out.shape = std::move(shape);
    }
    if (out.kind != ir::Type::Kind::tensor)
      out.element = std::make_shared<const ir::Type>(TRY(type(t->element(), depth + 1)));
    return out;
  }

  Result<Tensor> tensor(const fb::Tensor& t) {
    if (t.dtype() == 0 || t.dtype() > kLastDType || t.dtype() == static_cast<int>(DType::string))
      return damaged("a tensor has no element type");
    const auto dtype = static_cast<DType>(t.dtype());
    Dims dims;
    for (int64_t d : range(t.dims())) dims.push_back(d);
    const int64_t count = element_count(dims);
    if (count < 0 || count > (int64_t{1} << 48)) return damaged("a tensor's size makes no sense");
    const size_t bytes = byte_size(dtype, count);
    if (t.blob() != nullptr) {
      if (t.blob()->size() != bytes) return damaged("a tensor's data has another size");
      return Tensor(dtype, std::move(dims), TRY(share(*t.blob())));
    }
    const auto* data = t.inline_data();
    if (data == nullptr || data->size() != bytes || bytes > kInline)
      return damaged("a tensor's data has another size");
    Tensor out = Tensor::zeros(dtype, std::move(dims));
    if (bytes > 0) std::memcpy(out.mutable_bytes().data(), data->data(), bytes);
    return out;
  }

  Result<ir::Attribute> attribute(const fb::Attribute& a) {
    switch (a.kind()) {
      case 0:
        return a.i();
      case 1:
        return a.f();
      case 2:
        return std::string(text(a.s()));
      case 3: {
        std::vector<int64_t> out;
        for (int64_t v : range(a.ints())) out.push_back(v);
        return out;
      }
      case 4: {
        std::vector<float> out;
        for (float v : range(a.floats())) out.push_back(v);
        return out;
      }
      case 5: {
        std::vector<std::string> out;
        for (const auto* v : range(a.strings())) out.emplace_back(text(v));
        return out;
      }
      case 6:
        if (a.tensor() == nullptr) break;
        return TRY(tensor(*a.tensor()));
      default:
        break;
    }
    return damaged("an attribute makes no sense");
  }

  Status read_node(const fb::Node& n, const fb::Graph& g, ir::Graph& graph, size_t& next,
                   int depth) {
    ir::Attributes attributes;
    for (const auto* a : range(n.attributes())) {
      if (a == nullptr) return damaged("an attribute is missing");
      attributes.set(std::string(text(a->name())), TRY(attribute(*a)));
    }
    std::vector<ir::Value*> inputs;
    for (int index : range(n.inputs())) inputs.push_back(TRY(value(index)));
    const size_t outputs = range(n.outputs()).size();
    if (outputs > range(g.node_values()).size() - next) return damaged("outputs are missing");
    ir::Node* node =
        graph.add_node(std::string(text(n.domain())), std::string(text(n.op())),
                       std::move(attributes), std::move(inputs), outputs, TRY(origin(n.origin())));
    node->name = text(n.name());
    for (const auto* sub : range(n.subgraphs())) {
      if (sub == nullptr) return damaged("a subgraph is missing");
      TRY(read_graph(*sub, *graph.add_subgraph(node, std::string(text(sub->name()))), depth + 1));
    }
    for (size_t i = 0; i < outputs; ++i) {
      const auto* v = g.node_values()->Get(static_cast<flatbuffers::uoffset_t>(next++));
      if (v == nullptr) return damaged("a value is missing");
      ir::Value* out = node->output(i);
      out->name = text(v->name());
      out->type = TRY(type(v->type(), 0));
      values_.push_back(out);
    }
    return {};
  }

  Status read_graph(const fb::Graph& g, ir::Graph& graph, int depth) {
    if (depth > kMostDepth) return damaged("subgraphs are nested too deeply");
    graph.name = text(g.name());
    for (const auto* v : range(g.constants())) {
      if (v == nullptr || v->constant() == nullptr) return damaged("a constant is missing");
      values_.push_back(
          graph.add_constant(TRY(tensor(*v->constant())), std::string(text(v->name()))));
    }
    for (const auto* v : range(g.inputs())) {
      if (v == nullptr) return damaged("an input is missing");
      values_.push_back(graph.add_input(std::string(text(v->name())), TRY(type(v->type(), 0))));
    }
    size_t next = 0;
    for (const auto* n : range(g.nodes())) {
      if (n == nullptr) return damaged("a node is missing");
      TRY(read_node(*n, g, graph, next, depth));
    }
    for (int index : range(g.outputs())) {
      ir::Value* out = TRY(value(index));
      if (out == nullptr) return damaged("an output is missing");
      graph.add_output(out);
    }
    return {};
  }

  static constexpr int kLastDType = static_cast<int>(DType::i2);

  std::span<const std::byte> bytes_;
  std::shared_ptr<const std::byte> owner_;
  std::vector<ir::OriginRef> origins_;
  std::vector<ir::Value*> values_;
  std::vector<fb::Blob> blobs_;
};

Result<const fb::Plan*> header(std::span<const std::byte> bytes) {
  if (!is_plan(bytes)) {
    return fail({.kind = ErrorKind::bad_file,
                 .what = "the file is not a plan",
                 .why = "it does not begin as `tenon build` begins its files",
                 .hint = "give a .tenon file, or the model itself"});
  }
  if (bytes.size() < kPrologue) return damaged("it is cut short");
  Prologue prologue;
  std::memcpy(&prologue, bytes.data(), sizeof prologue);
  if (prologue.version != kFormatVersion) {
    return fail({.kind = ErrorKind::bad_file,
                 .what = "the plan is of another version",
                 .why = fmt::format("its format version is {}, this Tenon reads {}",
                                    prologue.version, kFormatVersion),
                 .hint = "build it again with this version's `tenon build`"});
  }
  if (prologue.own_checksum != checksum(prologue_bytes(prologue)))
    return damaged("its first bytes do not match their checksum");
  if (prologue.file_size != bytes.size()) {
    return damaged(
        fmt::format("it is cut short: {} of {} bytes", bytes.size(), prologue.file_size));
  }
  if (prologue.header_offset % kAlignment != 0 || prologue.header_offset > bytes.size() ||
      prologue.header_size > bytes.size() - prologue.header_offset || prologue.header_size < 8) {
    return damaged("its header lies outside the file");
  }
  const auto view = bytes.subspan(prologue.header_offset, prologue.header_size);
  if (checksum(view) != prologue.header_checksum)
    return damaged("its header does not match its checksum");
  const auto* data = reinterpret_cast<const uint8_t*>(view.data());
  flatbuffers::Verifier verifier(data, view.size(), 256, 50'000'000);
  if (!verifier.VerifyBuffer<fb::Plan>(nullptr)) return damaged("its header is not well formed");
  return flatbuffers::GetRoot<fb::Plan>(data);
}

}  // namespace

bool is_plan(std::span<const std::byte> bytes) {
  return bytes.size() >= kMagic.size() &&
         std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) == 0;
}

Result<Contents> read(std::span<const std::byte> bytes, std::shared_ptr<const std::byte> owner,
                      const ir::OpSet& ops, const ReadOptions& options) {
  const fb::Plan* plan = TRY(header(bytes));
  Reader reader(bytes, std::move(owner));
  return reader.read(*plan, ops, options);
}

Result<Contents> read(const MappedFile& file, const ir::OpSet& ops, const ReadOptions& options) {
  return read(file.bytes(), file.share(0), ops, options);
}

}  // namespace tenon::plan
