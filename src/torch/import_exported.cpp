// From an exported program to a graph: its inputs, weights, outputs and state.
#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>

#include "torch/exported_nodes.h"
#include "torch/import.h"
#include "torch/module_state.h"

namespace tenon::torch {
namespace {

using AK = exported::Argument::Kind;

class Walker {
 public:
  Walker(Machine& m, const exported::Program& program, const ImportOptions& options)
      : m_(m), program_(program), options_(options), nodes_(m, program) {}

  // With the state in `slots` as inputs and outputs beside the program's own; `before` is the state
  // that the program begins with.
  Status run(std::vector<StateSlot>& slots, State& before) {
    ir::Graph& graph = m_.builder.graph();
    for (const auto& [name, range] : program_.ranges) {
      graph.symbols.push_back({.name = name, .range = range});
    }
    TRY(make_inputs());
    prune_symbols();
    enter_state(m_, slots);
    bind_symbols(graph);
    before = m_.state;
    for (const exported::Node& node : program_.graph.nodes) TRY(nodes_.run(node, env_));
    return outputs();
  }

 private:
  Result<Value> weight(const archive::StoredTensor& stored, const std::string& name) {
    std::string key = stored.storage_key + fmt::format("/{}", stored.offset);
    for (int64_t d : stored.sizes) key += fmt::format(",{}", d);
    for (int64_t d : stored.strides) key += fmt::format(";{}", d);
    if (auto it = shared_.find(key); it != shared_.end() && !stored.storage_key.empty())
      return it->second;
    Tensor data = TRY(archive::materialize(stored, program_.where(name)));
    const Value made = m_.parameter(
        std::move(data), stored.contiguous() ? Shape{} : ir::to_shape(stored.strides), name);
    shared_[key] = made;
    return made;
  }

  Status make_inputs() {
    std::vector<std::string> names;
    size_t sample = 0;
    for (const exported::InputSpec& spec : program_.inputs) {
      using K = exported::InputSpec::Kind;
      const std::string& value = spec.arg.text;
      switch (spec.kind) {
        case K::parameter:
        case K::buffer:
        case K::tensor_constant: {
          auto found = program_.weights.find(spec.target);
          const bool constant = found == program_.weights.end();
          if (constant) found = program_.constants.find(spec.target);
          if (constant && found == program_.constants.end()) {
            return m_.fail(ErrorKind::bad_file,
                           fmt::format("the weights of '{}' are missing", spec.target),
                           "the program names them and the file does not hold them",
                           "export and save the program again");
          }
          env_[value] = TRY(weight(found->second, spec.target));
          kept_[spec.target] = env_[value];
          break;
        }
        case K::constant:
          env_[spec.name] = TRY(nodes_.convert(spec.arg, env_));
          ++sample;
          break;
        case K::custom_object:
        case K::token:
          env_[value] = Poison{fmt::format("'{}' is a custom object", spec.target)};
          break;
        case K::user_input: {
          ++sample;
          if (!spec.arg.is(AK::tensor)) {
            env_[spec.name.empty() ? value : spec.name] = TRY(nodes_.convert(spec.arg, env_));
            if (spec.arg.is(AK::sym_int)) TRY(scalar_input(spec, names));
            break;
          }
          const auto meta = program_.graph.tensors.find(value);
          if (meta == program_.graph.tensors.end())
            return m_.fail(ErrorKind::bad_file,
                           fmt::format("the input '{}' has no description", value),
                           "the program is damaged", "export and save it again");
          ir::Graph& graph = m_.builder.graph();
          const size_t position = names.size();
          const InputForm recorded{meta->second.dtype, meta->second.sizes};
          for (const Dim& d : recorded.shape) hint(d, position, sample - 1);
          const InputForm form = TRY(input_form(graph, value, position, recorded, options_));
          for (size_t i = 0; i < form.shape.size(); ++i) {
            const bool was_fixed = recorded.shape[i].is_constant();
            if (was_fixed && !(form.shape[i] == recorded.shape[i])) {
              return m_.fail(
                  ErrorKind::usage,
                  fmt::format("dimension {} of the input '{}' is fixed in this program", i, value),
                  fmt::format("it was exported with size {}", recorded.shape[i].str()),
                  "export it with dynamic_shapes for this dimension");
            }
          }
          names.push_back(value);
          env_[value] = input_tensor(
              m_, position < options_.input_names.size() ? options_.input_names[position] : value,
              form);
          break;
        }
      }
    }
    return check_names(options_, names);
  }

  // An int argument of the program that was exported as dynamic: a scalar input.
  Status scalar_input(const exported::InputSpec& spec, std::vector<std::string>& names) {
    const auto found = program_.graph.sym_ints.find(spec.arg.text);
    if (found == program_.graph.sym_ints.end() || found->second.dim.symbol_name().empty())
      return {};
    const std::string name = spec.name.empty() ? spec.arg.text : spec.name;
    ir::Value* input = m_.builder.graph().add_input(name, ir::Type::tensor(DType::i64, Shape{}));
    if (ir::Symbol* symbol = m_.builder.graph().find_symbol(found->second.dim.symbol_name())) {
      symbol->source = input;
      symbol->axis = -1;
    }
    env_[spec.arg.text] = found->second.dim;
    names.push_back(name);
    return {};
  }

  // The size that a symbol had at export is the one to optimise for.
  void hint(const Dim& dim, size_t, size_t sample) {
    ir::Symbol* symbol = m_.builder.graph().find_symbol(dim.symbol_name());
    if (symbol == nullptr) {
      if (!dim.symbol_name().empty())
        m_.builder.graph().symbols.push_back(
            {.name = dim.symbol_name(), .range = {0, ir::Interval::kMax}});
      return;
    }
    if (symbol->opt || sample >= program_.samples.size() || !program_.samples[sample].tensor)
      return;
    const auto& spec = program_.inputs;
    size_t at = 0;
    for (const exported::InputSpec& input : spec) {
      if (input.kind != exported::InputSpec::Kind::user_input &&
          input.kind != exported::InputSpec::Kind::constant)
        continue;
      if (at++ != sample) continue;
      const auto meta = program_.graph.tensors.find(input.arg.text);
      if (meta == program_.graph.tensors.end()) return;
      for (size_t i = 0;
           i < meta->second.sizes.size() && i < program_.samples[sample].tensor->sizes.size();
           ++i) {
        const int64_t size = program_.samples[sample].tensor->sizes[i];
        if (meta->second.sizes[i] == dim && size >= symbol->range.min && size <= symbol->range.max)
          symbol->opt = size;
      }
    }
  }

  // Symbols that no input has (any more) are not part of the graph.
  void prune_symbols() {
    std::map<std::string, int> used;
    for (const ir::Value* input : m_.builder.graph().inputs()) {
      for (const Dim& d : *input->shape()) d.collect_symbols(used);
    }
    std::erase_if(m_.builder.graph().symbols, [&](const ir::Symbol& s) {
      return !used.contains(s.name) && s.source == nullptr;
    });
  }

  // Names of a dict's entries, from the module's pytree of outputs; empty where the output is no
  // dict.
  std::vector<std::string> output_keys() const {
    std::vector<std::string> keys;
    if (program_.modules.empty() || program_.modules[0].out_spec.empty()) return keys;
    simdjson::dom::parser parser;
    simdjson::dom::element root;
    const simdjson::padded_string text(program_.modules[0].out_spec);
    if (parser.parse(text).get(root)) return keys;
    simdjson::dom::array pair;
    simdjson::dom::element tree = root;
    if (!root.get(pair) && pair.size() == 2) tree = pair.at(1);
    std::string_view type, context;
    if (tree["type"].get(type) || (type.find("dict") == std::string_view::npos &&
                                   type.find("Dict") == std::string_view::npos))
      return keys;
    if (tree["context"].get(context)) return keys;
    simdjson::dom::parser inner;
    simdjson::dom::array names;
    const simdjson::padded_string context_text{std::string(context)};
    if (inner.parse(context_text).get(names)) return keys;
    for (simdjson::dom::element name : names) {
      std::string_view key;
      if (name.get(key)) return {};
      keys.emplace_back(key);
    }
    return keys;
  }

  Status outputs() {
    std::vector<Value> results;
    for (const exported::OutputSpec& spec : program_.outputs) {
      using K = exported::OutputSpec::Kind;
      if (spec.kind == K::user_output || spec.kind == K::loss) {
        results.push_back(TRY(nodes_.convert(spec.arg, env_)));
      } else if (spec.kind == K::buffer_mutation || spec.kind == K::parameter_mutation) {
        TRY(keep(spec));
      }
    }
    const std::vector<std::string> keys = output_keys();
    Value result;
    if (keys.size() == results.size() && !keys.empty()) {
      DictData data;
      for (size_t i = 0; i < keys.size(); ++i) data.items.emplace_back(keys[i], results[i]);
      result = DictRef{m_.state.dicts.add(std::move(data))};
    } else {
      result = results.size() == 1 ? results[0] : Value::tuple(std::move(results));
    }
    TRY(add_outputs(m_, result, options_));
    return written_inputs();
  }

  // A buffer's new value, which a program without in-place operators gives as an output.
  Status keep(const exported::OutputSpec& spec) {
    auto buffer = kept_.find(spec.target);
    const Value value = TRY(nodes_.convert(spec.arg, env_));
    const TensorRef* made = value.get<TensorRef>();
    if (buffer == kept_.end() || made == nullptr) return {};
    const TensorRef& to = *buffer->second.get<TensorRef>();
    if ((*made)->storage == to->storage && !(*made)->view) return {};
    return m_.write(*to, TRY(m_.read(**made)));
  }

  // An input that the program writes to comes out as an output of its own, NAME_out. The signature
  // tells of it only after run_decompositions(); before, the writes are operators.
  Status written_inputs() {
    std::map<std::string, Value> written;
    for (const exported::InputSpec& spec : program_.inputs) {
      auto given = env_.find(spec.arg.text);
      const TensorRef* t = given == env_.end() ? nullptr : given->second.get<TensorRef>();
      if (spec.kind == exported::InputSpec::Kind::user_input && t &&
          m_.state.storages[(*t)->storage].version > 0)
        written[spec.arg.text] = given->second;
    }
    for (const exported::OutputSpec& spec : program_.outputs) {
      if (spec.kind == exported::OutputSpec::Kind::user_input_mutation)
        written[spec.target] = TRY(nodes_.convert(spec.arg, env_));
    }
    for (const auto& [name, value] : written) {
      const TensorRef* t = value.get<TensorRef>();
      if (t == nullptr) continue;
      if (!options_.keep_state) {
        m_.notices.push_back(
            {fmt::format("the program writes to its input '{}', which stays as it was given", name),
             {}});
        continue;
      }
      ir::Value* out = m_.builder.emit_named("Identity", {TRY(m_.read(**t))});
      out->name = name + "_out";
      m_.builder.graph().add_output(out);
    }
    return m_.builder.status();
  }

  Machine& m_;
  const exported::Program& program_;
  const ImportOptions& options_;
  ExportedNodes nodes_;
  ExportedNodes::Env env_;
  std::map<std::string, Value> shared_;
  std::map<std::string, Value> kept_;  // weights, by their names in the module
};

}  // namespace

Result<Imported> import_exported(const std::string& path, const ImportOptions& options,
                                 const ir::OpSet& ops, const Lowerings& lowerings) {
  return import_exported(TRY(exported::read_program(path)), path, options, ops, lowerings);
}

Result<Imported> import_exported(const exported::Program& program, const std::string& path,
                                 const ImportOptions& options, const ir::OpSet& ops,
                                 const Lowerings& lowerings) {
  if (options.method != "forward") {
    return fail({.kind = ErrorKind::usage,
                 .what = "an exported program has one method",
                 .where = {.file = path},
                 .why = "--method names " + options.method,
                 .hint = "leave --method out"});
  }
  if (!options.also_traced_at.empty()) {
    return fail({.kind = ErrorKind::usage,
                 .what = "an exported program is no trace",
                 .where = {.file = path},
                 .why = "it keeps what depends on sizes; there is nothing to compare",
                 .hint = "leave --also-traced-at out"});
  }
  return with_state(options, path, [&](std::vector<StateSlot>& slots) -> Result<Evaluation> {
    Evaluation out;
    out.machine = std::make_unique<Machine>(*out.graph, ops, lowerings, options.mode);
    Machine& m = *out.machine;
    m.kernels = options.kernels;
    collect_unknown(m, program.graph, lowerings);
    if (!m.problems.empty()) return fail(report_problems(m, path).error());
    Walker walker(m, program, options);
    if (auto ok = walker.run(slots, out.before); !ok)
      return fail(with_where(ok.error(), {.file = path}));
    TRY(report_problems(m, path));
    return out;
  });
}

}  // namespace tenon::torch
