#include "onnx/importer.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "onnx/dim_text.h"
#include "onnx/metadata.h"

namespace tenon::onnx {
namespace {

Where where(const proto::Node& node) {
  return {.node = node.name.empty() ? std::string(node.op)
                                    : fmt::format("{} ({})", node.name, node.op)};
}

std::unexpected<Error> bad(std::string why, Where where = {}) {
  return fail({.kind = ErrorKind::bad_file,
               .what = "the ONNX model is not valid",
               .where = std::move(where),
               .why = std::move(why),
               .hint = "check it with onnx.checker and export it again"});
}

int64_t attribute_type(const proto::Attribute& a) {
  if (a.type != 0) return a.type;
  if (a.t) return proto::kTensor;
  if (a.g) return proto::kGraph;
  if (!a.floats.empty()) return proto::kFloats;
  if (!a.ints.empty()) return proto::kInts;
  if (!a.strings.empty()) return proto::kStrings;
  if (!a.s.empty()) return proto::kString;
  return a.f != 0 ? proto::kFloat : proto::kInt;
}

}  // namespace

std::string_view canonical_domain(std::string_view domain) {
  return domain == "ai.onnx" ? std::string_view() : domain;
}

int64_t opset_of(const proto::OpsetImports& imports, std::string_view domain) {
  for (const auto& [name, version] : imports) {
    if (canonical_domain(name) == domain) return version;
  }
  return 0;
}

const proto::Function* Importer::function(const proto::Node& node) const {
  auto it = functions_.find({canonical_domain(node.domain), node.op, node.overload});
  return it == functions_.end() ? nullptr : it->second;
}

std::optional<ir::Value*> Importer::Scope::find(std::string_view name) const {
  for (const Scope* scope = this; scope != nullptr; scope = scope->parent) {
    if (auto it = scope->values.find(name); it != scope->values.end()) return it->second;
  }
  return std::nullopt;
}

Status Importer::run() {
  TRY(check_operators());
  Scope scope;
  TRY(read_graph(model_.graph, graph_, scope, {.opsets = model_.opsets}));
  return read_model_metadata(model_.metadata, graph_);
}

Status Importer::check_operators() const {
  struct Unknown {
    std::string name;
    size_t count = 0;
    std::string first;
  };
  std::vector<Unknown> unknown;  // in order of appearance
  std::unordered_map<std::string, size_t> by_name;
  std::vector<const proto::Function*> called;
  std::unordered_set<const proto::Function*> seen;
  auto scan = [&](auto&& self, std::span<const proto::Node> nodes) -> void {
    for (const proto::Node& node : nodes) {
      for (const proto::Attribute& a : node.attributes) {
        if (a.g) self(self, a.g->nodes);
      }
      if (const proto::Function* f = function(node)) {
        if (seen.insert(f).second) called.push_back(f);
        continue;
      }
      const auto domain = canonical_domain(node.domain);
      if (mappings_.find(domain, node.op) || (domain.empty() && node.op == "Constant")) continue;
      std::string name = fmt::format("{}{}{}", domain, domain.empty() ? "" : "::", node.op);
      const auto [at, added] = by_name.try_emplace(name, unknown.size());
      if (added) unknown.push_back({std::move(name), 0, where(node).node});
      ++unknown[at->second].count;
    }
  };
  scan(scan, model_.graph.nodes);
  for (size_t i = 0; i < called.size(); ++i) scan(scan, called[i]->nodes);
  if (unknown.empty()) return {};
  Error error{.kind = ErrorKind::unsupported,
              .what = fmt::format("the model has {} operator{} that Tenon does not know",
                                  unknown.size(), unknown.size() == 1 ? "" : "s"),
              .why = "an operator needs a kernel to run and a rule to be written",
              .hint = "replace them, or export the model with standard operators only"};
  for (const Unknown& u : unknown) {
    error.details.push_back(
        {.kind = ErrorKind::unsupported,
         .what = fmt::format("{} ({} time{})", u.name, u.count, u.count == 1 ? "" : "s"),
         .where = {.node = u.first},
         .why = "Tenon has no operator of this name",
         .hint = "replace it by standard operators"});
  }
  return fail(std::move(error));
}

ir::Dim Importer::dynamic_dim(std::string_view parameter, std::string_view name, ir::Value* source,
                              size_t axis) {
  const std::string wanted =
      symbol_name(parameter.empty() ? fmt::format("{}_{}", name, axis) : std::string(parameter));
  if (!parameter.empty() && source->graph == &graph_) {
    if (graph_.find_symbol(wanted)) return ir::Dim::symbol(wanted);
    // An expression over sizes that other inputs define.
    if (auto dim = parse_dim(parameter)) {
      std::map<std::string, int> symbols;
      dim->collect_symbols(symbols);
      const bool known = std::all_of(symbols.begin(), symbols.end(), [&](const auto& s) {
        return graph_.find_symbol(s.first) != nullptr;
      });
      if (known && !dim->is_constant()) return *dim;
    }
  }
  ir::Dim made = graph_.fresh_symbol(wanted);
  ir::Symbol* symbol = graph_.find_symbol(made.symbol_name());
  symbol->source = source;
  symbol->axis = static_cast<int>(axis);
  return made;
}

Result<ir::Type> Importer::type(const proto::TypeProto& from, std::string_view name,
                                ir::Value* source) {
  using Kind = proto::TypeProto::Kind;
  if (from.kind == Kind::sequence || from.kind == Kind::optional) {
    if (!from.element) return bad(fmt::format("the type of '{}' has no element type", name));
    ir::Type element = TRY(type(*from.element, name, nullptr));
    return from.kind == Kind::sequence ? ir::Type::sequence(std::move(element))
                                       : ir::Type::optional(std::move(element));
  }
  if (from.kind == Kind::other) {
    return fail({.kind = ErrorKind::unsupported,
                 .what = fmt::format("input '{}' is a map or a sparse tensor", name),
                 .why = "Tenon takes tensors, sequences and optionals",
                 .hint = "cut the model behind the part that takes it"});
  }
  if (from.dtype < 0 || from.dtype > static_cast<int64_t>(DType::i2))
    return bad(fmt::format("'{}' has the unknown element type {}", name, from.dtype));
  ir::Type out = ir::Type::tensor(static_cast<DType>(from.dtype), std::nullopt);
  if (!from.has_shape || from.kind == Kind::none) return out;
  ir::Shape shape;
  for (size_t axis = 0; axis < from.dims.size(); ++axis) {
    const proto::TypeProto::Dim& dim = from.dims[axis];
    if (dim.kind == proto::TypeProto::Dim::Kind::value && dim.value >= 0) {
      shape.push_back(ir::Dim(dim.value));
    } else if (source == nullptr) {
      return out;  // nothing to bind a symbol to
    } else {
      shape.push_back(dynamic_dim(dim.parameter, name, source, axis));
    }
  }
  out.shape = std::move(shape);
  return out;
}

Status Importer::read_graph(const proto::Graph& from, ir::Graph& into, Scope& scope,
                            const Body& body, const Values& bound) {
  if (from.has_sparse_initializers) {
    return fail({.kind = ErrorKind::unsupported,
                 .what = "the model has sparse initializers",
                 .why = "Tenon takes dense weights",
                 .hint = "make them dense before exporting"});
  }
  if (!from.name.empty()) into.name = std::string(from.name);
  for (const proto::Tensor& initializer : from.initializers) {
    Tensor tensor = TRY(tensors_.decode(initializer));
    scope.values[initializer.name] =
        into.add_constant(std::move(tensor), std::string(initializer.name));
  }
  size_t index = 0;
  for (const proto::ValueInfo& input : from.inputs) {
    if (input.name.empty()) return bad("an input has no name");
    if (auto it = scope.values.find(input.name); it != scope.values.end()) {
      if (!it->second->is_constant())
        return bad(fmt::format("two inputs are named '{}'", input.name));
      continue;  // an input with a default value, which is all that Tenon takes
    }
    ir::Value* value = nullptr;
    if (index < bound.size()) {
      value = bound[index];
    } else if (index < into.inputs().size()) {
      value = into.inputs()[index];
      value->name = std::string(input.name);
    } else {
      value = into.add_input(std::string(input.name), {});
      value->type = TRY(type(input.type, input.name, value));
      if (&into == &graph_ && value->type.is_tensor() && value->dtype() == DType::undefined)
        return bad(fmt::format("input '{}' has no element type", input.name));
    }
    scope.values[input.name] = value;
    ++index;
  }
  ir::Graph* outside = b_.enter(into);
  auto ok = read_nodes(from.nodes, scope, body);
  if (ok) ok = read_outputs(from, scope);
  b_.enter(*outside);
  return ok;
}

Status Importer::read_outputs(const proto::Graph& from, const Scope& scope) {
  std::unordered_map<const ir::Value*, bool> taken;
  for (const proto::ValueInfo& output : from.outputs) {
    ir::Value* value = scope.find(output.name).value_or(nullptr);
    if (value == nullptr) return bad(fmt::format("nothing computes the output '{}'", output.name));
    ir::Graph& graph = b_.graph();
    const bool named = value->name == output.name;
    if (graph.parent() == nullptr && (!named || std::exchange(taken[value], true))) {
      value = b_.emit_named("Identity", {value});
      TRY(b_.status());
      value->name = std::string(output.name);
    }
    // Where inference does not find the rank, the file's word is better than none.
    if (value->type.is_tensor() && !value->shape() && value->producer) {
      ir::Type declared = TRY(type(output.type, output.name, value));
      if (declared.is_tensor() && declared.dtype == value->dtype()) value->type = declared;
    }
    graph.add_output(value);
  }
  return {};
}

Status Importer::read_nodes(std::span<const proto::Node> nodes, Scope& scope, const Body& body) {
  for (const proto::Node& node : nodes) TRY(read_node(node, scope, body));
  return {};
}

ir::OriginRef Importer::origin(const proto::Node& node) {
  auto [module, source] = node_origin(node.metadata, node.doc);
  if (module.empty() && source.empty()) return nullptr;
  ir::OriginRef& known = origins_[{module, source}];
  if (!known) known = make_origin(module, source);
  return known;
}

Status Importer::read_node(const proto::Node& node, Scope& scope, const Body& body) {
  auto located = [&](Error error) { return fail(with_where(std::move(error), where(node))); };
  if (++nodes_ > options_.max_nodes) {
    return located({.kind = ErrorKind::bad_file,
                    .what = "the ONNX model is too large",
                    .why = fmt::format("it unfolds to more than {} nodes", options_.max_nodes),
                    .hint = "check its functions: they may call each other over and over"});
  }
  Values inputs;
  for (const std::string_view name : node.inputs) {
    // A function's optional input that its call leaves out is there, and null.
    const auto value = name.empty() ? std::optional<ir::Value*>(nullptr) : scope.find(name);
    if (!value)
      return bad(fmt::format("its input '{}' is not computed before it", name), where(node));
    inputs.push_back(*value);
  }
  ir::OriginRef own = origin(node);
  ir::OriginRef outer = b_.origin();
  if (own) b_.set_origin(std::move(own));
  auto outputs = read_operator(node, std::move(inputs), scope, body);
  b_.set_origin(std::move(outer));
  if (!outputs) return located(std::move(outputs).error());
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    const std::string_view name = node.outputs[i];
    ir::Value* value = i < outputs->size() ? (*outputs)[i] : nullptr;
    if (name.empty()) continue;
    if (value == nullptr) return bad(fmt::format("its output {} does not exist", i), where(node));
    if (!scope.values.emplace(name, value).second)
      return bad(fmt::format("the name '{}' is used twice", name), where(node));
    if (value->name.empty()) value->name = body.prefix + std::string(name);
    if (value->producer && value->producer->name.empty() && !node.name.empty())
      value->producer->name = body.prefix + std::string(node.name);
  }
  return {};
}

Result<ir::Attributes> Importer::attributes(const proto::Node& node, const Body& body,
                                            std::map<std::string, const proto::Graph*>& graphs) {
  ir::Attributes out;
  for (const proto::Attribute& written : node.attributes) {
    const proto::Attribute* a = &written;
    if (!written.reference.empty()) {
      if (body.arguments == nullptr) return bad("an attribute refers to a function's, outside one");
      auto it = body.arguments->find(written.reference);
      if (it == body.arguments->end()) continue;  // not given: the operator's default
      a = it->second;
    }
    std::string name(written.name);
    switch (attribute_type(*a)) {
      case proto::kFloat:
        out.set(std::move(name), a->f);
        break;
      case proto::kInt:
        out.set(std::move(name), a->i);
        break;
      case proto::kString:
        out.set(std::move(name), std::string(a->s));
        break;
      case proto::kTensor: {
        if (!a->t) return bad(fmt::format("attribute '{}' holds no tensor", name));
        Tensor tensor = TRY(tensors_.decode(*a->t));
        out.set(std::move(name), std::move(tensor));
        break;
      }
      case proto::kGraph:
        if (!a->g) return bad(fmt::format("attribute '{}' holds no graph", name));
        graphs[name] = a->g.get();
        break;
      case proto::kFloats:
        out.set(std::move(name), a->floats);
        break;
      case proto::kInts:
        out.set(std::move(name), a->ints);
        break;
      case proto::kStrings:
        out.set(std::move(name), std::vector<std::string>(a->strings.begin(), a->strings.end()));
        break;
      default:
        return fail(
            {.kind = ErrorKind::unsupported,
             .what = fmt::format("attribute '{}' of {} has an unsupported type", name, node.op),
             .why = "it is a sparse tensor, a type, or a list of tensors or graphs",
             .hint = "export the model without it"});
    }
  }
  return out;
}

Result<Values> Importer::constant(const ir::Attributes& attributes) {
  if (attributes.all().size() != 1) return bad("Constant needs exactly one value");
  const auto& value = attributes.all().front().second;
  if (const auto* t = std::get_if<Tensor>(&value)) return Values{graph_.add_constant(*t)};
  if (const auto* i = std::get_if<int64_t>(&value)) return Values{b_.scalar_int(*i)};
  if (const auto* f = std::get_if<float>(&value))
    return Values{b_.constant(Tensor::scalar_f32(*f))};
  if (const auto* ints = std::get_if<std::vector<int64_t>>(&value)) return Values{b_.ints(*ints)};
  if (const auto* floats = std::get_if<std::vector<float>>(&value)) {
    const auto n = static_cast<int64_t>(floats->size());
    return Values{b_.constant(Tensor::of<float>(DType::f32, {n}, *floats))};
  }
  return fail({.kind = ErrorKind::unsupported,
               .what = "a constant holds strings",
               .why = "Tenon computes with numbers only",
               .hint = "move the part that handles text out of the model"});
}

Result<Values> Importer::call(const proto::Function& function, const proto::Node& node,
                              Values inputs, const Body& body) {
  if (body.depth >= proto::kMaxDepth) return bad("functions call each other too deeply");
  std::unordered_map<std::string_view, const proto::Attribute*> arguments;
  for (const proto::Attribute& a : function.defaults) arguments[a.name] = &a;
  for (const proto::Attribute& a : node.attributes) {
    const proto::Attribute* given = &a;
    if (!a.reference.empty()) {
      const auto* outer = body.arguments;
      auto it = outer ? outer->find(a.reference) : decltype(outer->end()){};
      if (outer == nullptr || it == outer->end()) continue;
      given = it->second;
    }
    arguments[a.name] = given;
  }
  Scope scope;
  for (size_t i = 0; i < function.inputs.size(); ++i)
    scope.values[function.inputs[i]] = i < inputs.size() ? inputs[i] : nullptr;
  std::string prefix = body.prefix + std::string(node.name.empty() ? node.op : node.name) + "/";
  const Body inner{.opsets = function.opsets.empty() ? body.opsets : function.opsets,
                   .arguments = &arguments,
                   .prefix = std::move(prefix),
                   .depth = body.depth + 1};
  for (const proto::Node& n : function.nodes) TRY(read_node(n, scope, inner));
  Values out;
  for (const std::string_view name : function.outputs)
    out.push_back(scope.find(name).value_or(nullptr));
  return out;
}

Result<Values> Importer::read_operator(const proto::Node& node, Values inputs, Scope& scope,
                                       const Body& body) {
  if (const proto::Function* f = function(node)) return call(*f, node, std::move(inputs), body);
  std::map<std::string, const proto::Graph*> graphs;
  ir::Attributes attributes = TRY(this->attributes(node, body, graphs));
  const auto domain = canonical_domain(node.domain);
  if (domain.empty() && node.op == "Constant") return constant(attributes);

  const int64_t opset = opset_of(body.opsets, domain);
  if (opset == 0) return bad(fmt::format("it imports no opset for the domain '{}'", domain));
  if (domain.empty() && first_opset(node.op) > opset) {
    return bad(fmt::format("{} appears in opset {}, the model says {}", node.op,
                           first_opset(node.op), opset));
  }
  const Mapping* mapping = mappings_.find(domain, node.op);  // known: check_operators() looked
  std::vector<std::string> names;
  for (const auto& [name, graph] : graphs) names.push_back(name);
  ImportContext context{
      .b = b_,
      .opset = static_cast<int>(opset),
      .domain = domain,
      .op = node.op,
      .attributes = std::move(attributes),
      .inputs = std::move(inputs),
      .outputs = std::max<size_t>(node.outputs.size(), 1),
      .graphs = std::move(names),
      .read_graph = [&](std::string_view name, ir::Graph& into, const Values& bound) -> Status {
        auto it = graphs.find(std::string(name));
        if (it == graphs.end()) return bad(fmt::format("{} lacks its graph '{}'", node.op, name));
        if (body.depth >= proto::kMaxDepth) return bad("graphs are nested too deeply");
        Scope inner{.parent = &scope};
        Body nested = body;
        ++nested.depth;
        return read_graph(*it->second, into, inner, nested, bound);
      }};
  if (mapping->read) return mapping->read(context);
  ir::Attributes complete = TRY(mapping->defaults(context.attributes));
  return context.emit(std::string(node.op), std::move(complete));
}

}  // namespace tenon::onnx
