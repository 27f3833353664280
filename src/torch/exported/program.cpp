#include "torch/exported/program.h"

#include <array>
#include <utility>

#include "archive/zip.h"
#include "torch/exported/first_signature.h"
#include "torch/exported/graph_reader.h"
#include "torch/exported/weights.h"

namespace tenon::torch::exported {
namespace {

constexpr int64_t kNewestMajor = 8;
constexpr int64_t kOldestMajor = 1;  // PyTorch 2.1

template <class T, size_t N>
const T* lookup(const std::array<std::pair<std::string_view, T>, N>& table, std::string_view key) {
  for (const auto& [name, value] : table) {
    if (name == key) return &value;
  }
  return nullptr;
}

Result<std::string> text_at(const Cursor& json, std::string_view key) {
  const Cursor value = TRY(json.get(key));
  return std::string(TRY(value.text()));
}

// The value that a specification is about: {"name": ...}, as a tensor.
Result<Argument> named(const Cursor& json) {
  return Argument{.kind = Argument::Kind::tensor, .text = TRY(text_at(json, "name"))};
}

Result<InputSpec> input_spec(const Cursor& json, GraphReader& reader) {
  using Kind = InputSpec::Kind;
  const auto variant = TRY(json.variant());
  const Cursor& value = variant.value;
  InputSpec out;
  if (variant.kind == "constant_input") {
    out.kind = Kind::constant;
    out.name = TRY(text_at(value, "name"));
    const Cursor constant = TRY(value.get("value"));
    out.arg = TRY(reader.argument(constant));
    return out;
  }
  const Cursor arg = TRY(value.get("arg"));
  if (variant.kind == "user_input") {
    out.arg = TRY(reader.argument(arg));
    out.name = out.arg.text;
    return out;
  }
  constexpr std::array<std::pair<std::string_view, std::pair<Kind, std::string_view>>, 5> kKinds = {
      {{"parameter", {Kind::parameter, "parameter_name"}},
       {"buffer", {Kind::buffer, "buffer_name"}},
       {"tensor_constant", {Kind::tensor_constant, "tensor_constant_name"}},
       {"custom_obj", {Kind::custom_object, "custom_obj_name"}},
       {"token", {Kind::token, ""}}}};
  const auto* kind = lookup(kKinds, variant.kind);
  if (kind == nullptr)
    return json.error(fmt::format("inputs of the kind \"{}\" are not known", variant.kind));
  out.kind = kind->first;
  out.arg = TRY(named(arg));
  if (out.kind == Kind::custom_object) out.arg.kind = Argument::Kind::custom_object;
  out.name = out.arg.text;
  if (!kind->second.empty()) out.target = TRY(text_at(value, kind->second));
  if (const auto persistent = value.find("persistent")) out.persistent = TRY(persistent->boolean());
  return out;
}

Result<OutputSpec> output_spec(const Cursor& json, GraphReader& reader) {
  using Kind = OutputSpec::Kind;
  const auto variant = TRY(json.variant());
  constexpr std::array<std::pair<std::string_view, std::pair<Kind, std::string_view>>, 8> kKinds = {
      {{"user_output", {Kind::user_output, ""}},
       {"loss_output", {Kind::loss, ""}},
       {"buffer_mutation", {Kind::buffer_mutation, "buffer_name"}},
       {"parameter_mutation", {Kind::parameter_mutation, "parameter_name"}},
       {"user_input_mutation", {Kind::user_input_mutation, "user_input_name"}},
       {"gradient_to_parameter", {Kind::gradient_to_parameter, "parameter_name"}},
       {"gradient_to_user_input", {Kind::gradient_to_user_input, "user_input_name"}},
       {"token", {Kind::token, ""}}}};
  const auto* kind = lookup(kKinds, variant.kind);
  if (kind == nullptr)
    return json.error(fmt::format("outputs of the kind \"{}\" are not known", variant.kind));
  const Cursor arg = TRY(variant.value.get("arg"));
  OutputSpec out{.kind = kind->first};
  out.arg = out.kind == Kind::user_output ? TRY(reader.argument(arg)) : TRY(named(arg));
  if (!kind->second.empty()) out.target = TRY(text_at(variant.value, kind->second));
  return out;
}

Status read_signature(const Cursor& signature, GraphReader& reader, Program& out) {
  const Cursor inputs = TRY(signature.get("input_specs")),
               outputs = TRY(signature.get("output_specs"));
  TRY(inputs.each([&](const Cursor& json) -> Status {
    out.inputs.push_back(TRY(input_spec(json, reader)));
    return {};
  }));
  return outputs.each([&](const Cursor& json) -> Status {
    out.outputs.push_back(TRY(output_spec(json, reader)));
    return {};
  });
}

Result<ModuleCall> module_call(const Cursor& json) {
  ModuleCall out{.fqn = TRY(text_at(json, "fqn"))};
  if (const auto signature = json.find("signature")) {
    out.in_spec = TRY(text_at(*signature, "in_spec"));
    out.out_spec = TRY(text_at(*signature, "out_spec"));
    if (const auto names = signature->find("forward_arg_names")) {
      TRY(names->each([&](const Cursor& name) -> Status {
        out.forward_arg_names.emplace_back(TRY(name.text()));
        return {};
      }));
    }
  }
  return out;
}

Status read_versions(const Cursor& root, Program& out) {
  const Cursor version = TRY(root.get("schema_version"));
  if (const auto number = version.integer()) {
    out.schema_major = *number;  // before PyTorch 2.3
  } else {
    const Cursor major = TRY(version.get("major")), minor = TRY(version.get("minor"));
    out.schema_major = TRY(major.integer());
    out.schema_minor = TRY(minor.integer());
  }
  if (out.schema_major < kOldestMajor || out.schema_major > kNewestMajor) {
    return fail({.kind = ErrorKind::unsupported,
                 .what = "the exported program has a schema that is not known",
                 .where = out.where(version.path()),
                 .why = fmt::format("it has version {}.{}; versions {} to {} are read",
                                    out.schema_major, out.schema_minor, kOldestMajor, kNewestMajor),
                 .hint = "load it in its own version of PyTorch and export it again with a "
                         "newer one"});
  }
  if (const auto torch = root.find("torch_version")) out.torch_version = TRY(torch->text());
  if (const auto verifiers = root.find("verifiers")) {
    TRY(verifiers->each([&](const Cursor& name) -> Status {
      out.dialect = TRY(name.text());
      return {};
    }));
  } else if (const auto dialect = root.find("dialect")) {
    out.dialect = TRY(dialect->text());
  }
  if (const auto opsets = root.find("opset_version")) {
    TRY(opsets->each_field([&](std::string_view name, const Cursor& number) -> Status {
      out.opset_versions.emplace(name, TRY(number.integer()));
      return {};
    }));
  }
  return {};
}

Status read_ranges(const Cursor& root, Program& out) {
  const auto ranges = root.find("range_constraints");
  if (!ranges) return {};
  return ranges->each_field([&](std::string_view symbol, const Cursor& json) -> Status {
    ir::Interval range;
    if (const auto min = json.find("min_val")) range.min = TRY(min->integer());
    if (const auto max = json.find("max_val")) range.max = TRY(max->integer());
    // Older versions wrote infinity as sys.maxsize - 1.
    if (range.max >= ir::Interval::kMax - 1) range.max = ir::Interval::kMax;
    if (range.min > range.max) return json.error("the range is empty");
    out.ranges.emplace(symbol, range);
    return {};
  });
}

}  // namespace

Result<Program> parse_program(std::string_view text, const Where& where) {
  const JsonDocument document = TRY(JsonDocument::parse(text, where));
  const Cursor root(document);
  Program out;
  out.path = where.file;
  TRY(read_versions(root, out));
  TRY(read_ranges(root, out));
  const Cursor module = TRY(root.get("graph_module"));
  const Cursor graph = TRY(module.get("graph")), signature = TRY(module.get("signature"));
  GraphReader reader;
  out.graph = TRY(reader.graph(graph));
  if (signature.find("user_inputs"))
    TRY(read_first_signature(signature, out));
  else
    TRY(read_signature(signature, reader, out));
  if (out.inputs.size() != out.graph.inputs.size())
    return signature.error("the graph has another number of inputs");
  if (out.outputs.size() != out.graph.outputs.size())
    return signature.error("the graph has another number of outputs");
  if (const auto calls = module.find("module_call_graph")) {
    TRY(calls->each([&](const Cursor& json) -> Status {
      out.modules.push_back(TRY(module_call(json)));
      return {};
    }));
  }
  if (const auto guards = root.find("guards_code")) {
    TRY(guards->each([&](const Cursor& guard) -> Status {
      out.guards.emplace_back(TRY(guard.text()));
      return {};
    }));
  }
  return out;
}

Result<Program> read_program(const std::string& path) {
  const archive::ZipReader zip = TRY(archive::ZipReader::open(path));
  const FileLayout layout = TRY(find_layout(zip));
  const archive::Blob json = TRY(zip.read(layout.program, archive::Verify::always));
  Program out = TRY(parse_program(json.text(), {.file = path, .node = layout.program}));
  out.model = layout.model;
  TRY(read_weights(zip, layout, out));
  return out;
}

}  // namespace tenon::torch::exported
