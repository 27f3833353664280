#include "passes/compare.h"

#include <map>
#include <unordered_map>

#include "base/hash.h"

namespace tenon::passes {
namespace {

class Digester {
 public:
  Hash graph(const ir::Graph& graph) {
    Hash h;
    h.add(uint64_t{graph.inputs().size()});
    number_inputs(graph, 0);
    for (const ir::Value* input : graph.inputs()) h.add(type(input->type));
    for (const ir::Value* output : graph.outputs()) h.add(value(output, 0));
    for (const ir::Guard& guard : graph.guards) {
      h.add(dim(guard.lhs));
      h.add(static_cast<uint64_t>(guard.relation));
      h.add(dim(guard.rhs));
    }
    return h;
  }

  Hash value(const ir::Value* v, size_t depth) {
    Hash h;
    if (v == nullptr) {
      h.add("absent");
      return h;
    }
    // Identity gives a value another name, nothing else.
    while (v->producer && v->producer->is("Identity") && v->producer->input(0))
      v = v->producer->input(0);
    if (auto it = known_.find(v); it != known_.end()) return it->second;
    if (v->is_constant()) {
      h.add("constant");
      tensor(h, *v->constant);
    } else if (v->producer != nullptr) {
      h.add(node(*v->producer, depth));
      h.add(uint64_t{v->output_index});
    } else {
      h.add(fmt::format("value {}", v->id));  // of a graph around the one looked at
    }
    return known_[v] = h;
  }

 private:
  void number_inputs(const ir::Graph& graph, size_t depth) {
    for (size_t i = 0; i < graph.inputs().size(); ++i) {
      Hash h;
      h.add(fmt::format("input {} of {}", i, depth));
      known_[graph.inputs()[i]] = h;
    }
  }

  static void tensor(Hash& h, const Tensor& t) {
    h.add(static_cast<uint64_t>(t.dtype()));
    h.add(uint64_t{t.shape().size()});
    for (int64_t size : t.shape()) h.add(static_cast<uint64_t>(size));
    if (t.has_data()) h.add(t.data(), t.nbytes());
  }

  // Nodes are hashed once, and without recursion into deep chains: inputs first, by a stack.
  Hash node(const ir::Node& top, size_t depth) {
    std::vector<const ir::Node*> stack{&top};
    while (!stack.empty()) {
      const ir::Node* n = stack.back();
      if (nodes_.contains(n)) {
        stack.pop_back();
        continue;
      }
      bool ready = true;
      for (const ir::Value* input : n->inputs()) {
        if (input && input->producer && !nodes_.contains(input->producer)) {
          stack.push_back(input->producer);
          ready = false;
        }
      }
      if (!ready) continue;
      nodes_[n] = one_node(*n, depth);
      stack.pop_back();
    }
    return nodes_[&top];
  }

  Hash one_node(const ir::Node& n, size_t depth) {
    Hash h;
    h.add(n.domain);
    h.add(n.op);
    for (const auto& [name, attribute] : n.attributes.all()) {
      h.add(name);
      if (const auto* t = std::get_if<Tensor>(&attribute))
        tensor(h, *t);
      else
        h.add(ir::to_string(attribute));
    }
    for (const ir::Value* input : n.inputs()) h.add(value(input, depth));
    h.add(uint64_t{n.outputs().size()});
    for (const ir::Subgraph& sub : n.subgraphs) {
      h.add(sub.name);
      number_inputs(*sub.graph, depth + 1);
      for (const ir::Value* output : sub.graph->outputs()) h.add(value(output, depth + 1));
    }
    return h;
  }

  // Symbols by their order of appearance in the inputs.
  Hash dim(const ir::Dim& d) {
    Hash h;
    std::map<std::string, int> names;
    d.collect_symbols(names);
    std::map<std::string, ir::Dim, std::less<>> numbered;
    for (const auto& [name, count] : names) {
      const size_t next = symbols_.size();
      const size_t number = symbols_.try_emplace(name, next).first->second;
      numbered.emplace(name, ir::Dim::symbol(fmt::format("${}", number)));
    }
    h.add(d.substitute(numbered).str());
    return h;
  }

  Hash type(const ir::Type& t) {
    Hash h;
    h.add(static_cast<uint64_t>(t.kind));
    h.add(static_cast<uint64_t>(t.dtype));
    h.add(uint64_t{t.shape.has_value()});
    if (t.shape) {
      for (const ir::Dim& d : *t.shape) h.add(dim(d));
    }
    if (t.element) h.add(type(*t.element));
    return h;
  }

  std::unordered_map<const ir::Value*, Hash> known_;
  std::unordered_map<const ir::Node*, Hash> nodes_;
  std::unordered_map<std::string, size_t> symbols_;
};

}  // namespace

std::string digest(const ir::Graph& graph) { return Digester().graph(graph).str(); }

}  // namespace tenon::passes
