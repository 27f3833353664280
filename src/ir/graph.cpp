#include "ir/graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <unordered_map>
#include <unordered_set>

namespace tenon::ir {

std::string Type::str() const {
  switch (kind) {
    case Kind::sequence:
      return "sequence(" + element->str() + ")";
    case Kind::optional:
      return "optional(" + element->str() + ")";
    case Kind::tensor:
      break;
  }
  return std::string(tenon::name(dtype)) + (shape ? to_string(*shape) : "[*]");
}

bool Type::operator==(const Type& other) const {
  if (kind != other.kind || dtype != other.dtype || shape != other.shape) return false;
  if ((element == nullptr) != (other.element == nullptr)) return false;
  return element == nullptr || *element == *other.element;
}

std::string to_string(const Attribute& attribute) {
  return std::visit(
      [](const auto& v) -> std::string {
        using T = std::remove_cvref_t<decltype(v)>;
        if constexpr (std::is_same_v<T, Tensor>) {
          return fmt::format("tensor({}{})", tenon::name(v.dtype()),
                             to_string(to_shape(v.shape())));
        } else if constexpr (std::is_same_v<T, std::string>) {
          return '"' + v + '"';
        } else if constexpr (std::is_arithmetic_v<T>) {
          return fmt::format("{}", v);
        } else {
          std::string out = "[";
          for (size_t i = 0; i < v.size(); ++i) out += fmt::format("{}{}", i ? ", " : "", v[i]);
          return out + "]";
        }
      },
      attribute);
}

bool equal(const Attribute& a, const Attribute& b) {
  if (a.index() != b.index()) return false;
  return std::visit(
      [&](const auto& x) {
        using T = std::remove_cvref_t<decltype(x)>;
        const T& y = std::get<T>(b);
        if constexpr (std::is_same_v<T, Tensor>) {
          return x.dtype() == y.dtype() && x.shape() == y.shape() &&
                 (x.data() == y.data() || std::memcmp(x.data(), y.data(), x.nbytes()) == 0);
        } else {
          return x == y;
        }
      },
      a);
}

const Attribute* Attributes::find(std::string_view name) const {
  auto it = std::lower_bound(items_.begin(), items_.end(), name,
                             [](const auto& i, auto n) { return i.first < n; });
  return it != items_.end() && it->first == name ? &it->second : nullptr;
}

void Attributes::set(std::string name, Attribute value) {
  auto it = std::lower_bound(items_.begin(), items_.end(), name,
                             [](const auto& i, const auto& n) { return i.first < n; });
  if (it != items_.end() && it->first == name)
    it->second = std::move(value);
  else
    items_.emplace(it, std::move(name), std::move(value));
}

void Attributes::erase(std::string_view name) {
  std::erase_if(items_, [&](const auto& item) { return item.first == name; });
}

bool Attributes::operator==(const Attributes& other) const {
  return std::equal(
      items_.begin(), items_.end(), other.items_.begin(), other.items_.end(),
      [](const auto& a, const auto& b) { return a.first == b.first && equal(a.second, b.second); });
}

std::string Frame::str() const {
  const size_t slash = file.rfind('/');
  return fmt::format("{}:{}", slash == std::string::npos ? file : file.substr(slash + 1), line);
}

Where where(const OriginRef& origin) {
  Where out;
  if (!origin) return out;
  out.module = origin->module;
  for (const Frame& frame : origin->frames) {
    out.source += (out.source.empty() ? "" : ", from ") + frame.str();
    if (!frame.function.empty()) out.source += " in " + frame.function;
  }
  return out;
}

Where Node::where() const {
  Where out = ir::where(origin);
  out.node = name.empty() ? op : fmt::format("{} ({})", name, op);
  return out;
}

Graph* Node::subgraph(std::string_view wanted) const {
  for (const Subgraph& sub : subgraphs) {
    if (sub.name == wanted) return sub.graph.get();
  }
  return nullptr;
}

std::string Guard::str() const {
  const char* op = relation == Relation::eq ? "==" : relation == Relation::le ? "<=" : "!=";
  return fmt::format("{} {} {}", lhs.str(), op, rhs.str());
}

Graph::Graph(Graph* parent) : parent_(parent), result_(std::make_unique<Node>()) {
  result_->op = "result";
  result_->graph = this;
}

Graph::~Graph() = default;

Value* Graph::new_value() {
  values_.push_back(std::make_unique<Value>());
  Value* value = values_.back().get();
  value->id = root().next_value_++;
  value->graph = this;
  return value;
}

Value* Graph::add_input(std::string name, Type type) {
  Value* value = new_value();
  value->name = std::move(name);
  value->type = std::move(type);
  inputs_.push_back(value);
  return value;
}

Value* Graph::add_constant(Tensor tensor, std::string name) {
  Value* value = new_value();
  value->name = std::move(name);
  value->type = Type::tensor(tensor.dtype(), to_shape(tensor.shape()));
  if (tensor.dtype() == DType::i64 && tensor.shape().size() <= 1 && tensor.count() <= 64) {
    const auto elements = tensor.values<int64_t>();
    value->contents.emplace(elements.begin(), elements.end());
  }
  value->constant = std::move(tensor);
  return value;
}

std::vector<Value*> Graph::constants() const {
  std::vector<Value*> out;
  for (const auto& value : values_) {
    if (value->is_constant() && !value->uses.empty()) out.push_back(value.get());
  }
  return out;
}

Node* Graph::add_node(std::string domain, std::string op, Attributes attributes,
                      std::vector<Value*> inputs, size_t outputs, OriginRef origin, Node* before) {
  auto owned = std::make_unique<Node>();
  Node* node = owned.get();
  node->id = root().next_node_++;
  node->domain = std::move(domain);
  node->op = std::move(op);
  node->attributes = std::move(attributes);
  node->origin = std::move(origin);
  node->graph = this;
  node->self_ = nodes_.insert(before ? before->self_ : nodes_.end(), std::move(owned));
  for (Value* input : inputs) add_node_input(node, input);
  for (size_t i = 0; i < outputs; ++i) add_node_output(node);
  return node;
}

Graph* Graph::add_subgraph(Node* node, std::string name) {
  node->subgraphs.push_back({name, std::make_unique<Graph>(this)});
  node->subgraphs.back().graph->name = std::move(name);
  return node->subgraphs.back().graph.get();
}

void Graph::add_node_input(Node* node, Value* value) {
  if (value) value->uses.push_back({node, node->inputs_.size()});
  node->inputs_.push_back(value);
}

void Graph::add_node_output(Node* node) {
  Value* value = new_value();
  value->producer = node;
  value->output_index = node->outputs_.size();
  node->outputs_.push_back(value);
}

void Graph::drop_use(Value* value, Use use) {
  if (value) std::erase(value->uses, use);
}

void Graph::set_input(Node* node, size_t index, Value* value) {
  drop_use(node->inputs_[index], {node, index});
  node->inputs_[index] = value;
  if (value) value->uses.push_back({node, index});
}

void Graph::truncate_inputs(Node* node, size_t count) {
  while (node->inputs_.size() > count) {
    drop_use(node->inputs_.back(), {node, node->inputs_.size() - 1});
    node->inputs_.pop_back();
  }
}

void Graph::remove_output(size_t index) {
  std::vector<Value*> kept(result_->inputs_.begin(), result_->inputs_.end());
  kept.erase(kept.begin() + static_cast<ptrdiff_t>(index));
  truncate_inputs(result_.get(), 0);
  for (Value* value : kept) add_output(value);
}

void Graph::remove_input(size_t index) {
  inputs_.erase(inputs_.begin() + static_cast<ptrdiff_t>(index));
}

void Graph::replace_uses(Value* from, Value* to) {
  if (from == to) return;
  for (const Use& use : from->uses) {
    use.node->inputs_[use.index] = to;
    to->uses.push_back(use);
  }
  from->uses.clear();
}

void Graph::erase(Node* node) {
  for (const Subgraph& sub : node->subgraphs) {
    // Uses of outer values from inside must go too; erase the inner nodes back to front.
    Graph& inner = *sub.graph;
    inner.truncate_inputs(inner.result_.get(), 0);
    while (!inner.nodes_.empty()) inner.erase(inner.nodes_.back().get());
  }
  truncate_inputs(node, 0);
  std::unordered_set<Value*> dead(node->outputs_.begin(), node->outputs_.end());
  node->outputs_.clear();
  for (Value* value : dead) value->producer = nullptr;
  nodes_.erase(node->self_);
}

void Graph::move_before(Node* node, Node* before) {
  nodes_.splice(before ? before->self_ : nodes_.end(), nodes_, node->self_);
}

bool Graph::remove_dead() {
  bool changed = false;
  for (auto it = nodes_.end(); it != nodes_.begin();) {
    Node* node = std::prev(it)->get();
    const bool used = std::any_of(node->outputs_.begin(), node->outputs_.end(),
                                  [](const Value* v) { return !v->uses.empty(); });
    if (!used) {
      erase(node);  // leaves `it` valid: it points past the node
      changed = true;
      continue;
    }
    --it;
    for (const Subgraph& sub : node->subgraphs) changed |= sub.graph->remove_dead();
  }
  std::unordered_set<const Value*> kept(inputs_.begin(), inputs_.end());
  const size_t before = values_.size();
  std::unordered_set<const Value*> sources;
  for (const Symbol& symbol : root().symbols) sources.insert(symbol.source);
  std::erase_if(values_, [&](const auto& v) {
    return v->uses.empty() && v->producer == nullptr && !kept.contains(v.get()) &&
           !sources.contains(v.get());
  });
  return changed || values_.size() != before;
}

Ranges Graph::ranges() const {
  Ranges out;
  for (const Symbol& symbol : root().symbols) out[symbol.name] = symbol.range;
  return out;
}

Symbol* Graph::find_symbol(std::string_view wanted) {
  for (Symbol& symbol : root().symbols) {
    if (symbol.name == wanted) return &symbol;
  }
  return nullptr;
}

Dim Graph::fresh_symbol(std::string prefix, Interval range) {
  Graph& top = root();
  std::string candidate = prefix;
  for (int i = 1; top.find_symbol(candidate) != nullptr; ++i)
    candidate = fmt::format("{}_{}", prefix, i);
  top.symbols.push_back({.name = candidate, .range = range});
  return Dim::symbol(candidate);
}

namespace {

using ValueMap = std::unordered_map<const Value*, Value*>;

void copy_value(const Value& from, Value& to) {
  to.name = from.name;
  to.type = from.type;
  to.contents = from.contents;
}

void clone_into(const Graph& from, Graph& to, ValueMap& map) {
  to.name = from.name;
  auto lookup = [&](Value* value) -> Value* {
    if (value == nullptr) return nullptr;
    if (auto it = map.find(value); it != map.end()) return it->second;
    if (!value->is_constant()) return value;  // of a graph around the cloned one
    // Constants are made in the graph that corresponds to their owner when first used.
    Graph* home = &to;
    for (const Graph* g = &from;
         g != value->graph && g->parent() != nullptr && home->parent() != nullptr;
         g = g->parent()) {
      home = home->parent();
    }
    Value* made = home->add_constant(*value->constant, value->name);
    return map[value] = made;
  };
  for (Value* input : from.inputs()) {
    Value* made = to.add_input(input->name, input->type);
    made->contents = input->contents;
    map[input] = made;
  }
  for (const auto& node : from.nodes()) {
    std::vector<Value*> inputs;
    for (Value* input : node->inputs()) inputs.push_back(lookup(input));
    Node* made = to.add_node(node->domain, node->op, node->attributes, inputs,
                             node->outputs().size(), node->origin);
    made->name = node->name;
    for (size_t i = 0; i < node->outputs().size(); ++i) {
      copy_value(*node->output(i), *made->output(i));
      map[node->output(i)] = made->output(i);
    }
    for (const Subgraph& sub : node->subgraphs)
      clone_into(*sub.graph, *to.add_subgraph(made, sub.name), map);
  }
  for (Value* output : from.outputs()) to.add_output(lookup(output));
}

}  // namespace

std::unique_ptr<Graph> clone(const Graph& graph) {
  auto out = std::make_unique<Graph>();
  ValueMap map;
  clone_into(graph, *out, map);
  out->symbols = graph.symbols;
  for (Symbol& symbol : out->symbols) {
    if (auto it = map.find(symbol.source); it != map.end()) symbol.source = it->second;
  }
  out->guards = graph.guards;
  out->metadata = graph.metadata;
  return out;
}

namespace {

class Namer {
 public:
  void fix(std::string& name, const std::string& fallback) {
    const std::string base = name.empty() ? fallback : name;
    std::string candidate = base;
    while (!taken_.insert(candidate).second) candidate = fmt::format("{}_{}", base, ++next_[base]);
    name = candidate;
  }

 private:
  std::unordered_set<std::string> taken_;
  std::unordered_map<std::string, int> next_;
};

void name_interface(Graph& graph, Namer& values) {
  for (Value* input : graph.inputs()) values.fix(input->name, "input");
  for (const auto& node : graph.nodes()) {
    for (const Subgraph& sub : node->subgraphs) name_interface(*sub.graph, values);
  }
}

void name_rest(Graph& graph, Namer& values, Namer& nodes,
               const std::unordered_set<const Value*>& done) {
  for (Value* constant : graph.constants()) {
    if (!done.contains(constant)) values.fix(constant->name, "constant");
  }
  for (const auto& node : graph.nodes()) {
    std::string base = node->origin && !node->origin->module.empty()
                           ? node->origin->module + "/" + node->op
                           : node->op;
    nodes.fix(node->name, base);
    for (Value* output : node->outputs()) {
      if (done.contains(output)) continue;
      values.fix(output->name, node->outputs().size() == 1
                                   ? node->name
                                   : fmt::format("{}:{}", node->name, output->output_index));
    }
    for (const Subgraph& sub : node->subgraphs) name_rest(*sub.graph, values, nodes, done);
  }
}

}  // namespace

void assign_names(Graph& graph) {
  Namer values, nodes;
  // Names of inputs and outputs are the user's: they go first.
  name_interface(graph, values);
  std::unordered_set<const Value*> done(graph.inputs().begin(), graph.inputs().end());
  for (size_t i = 0; i < graph.outputs().size(); ++i) {
    Value* output = graph.outputs()[i];
    if (output && done.insert(output).second) values.fix(output->name, fmt::format("output_{}", i));
  }
  name_rest(graph, values, nodes, done);
}

}  // namespace tenon::ir
