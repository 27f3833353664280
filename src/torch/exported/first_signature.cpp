#include "torch/exported/first_signature.h"

#include <map>

namespace tenon::torch::exported {
namespace {

using Names = std::map<std::string, std::string, std::less<>>;

Result<Names> names_at(const Cursor& signature, std::string_view key) {
  Names out;
  const Cursor fields = TRY(signature.get(key));
  TRY(fields.each_field([&](std::string_view name, const Cursor& target) -> Status {
    out.emplace(name, TRY(target.text()));
    return {};
  }));
  return out;
}

}  // namespace

Status read_first_signature(const Cursor& signature, Program& out) {
  using In = InputSpec::Kind;
  using Out = OutputSpec::Kind;
  const Names parameters = TRY(names_at(signature, "inputs_to_parameters")),
              buffers = TRY(names_at(signature, "inputs_to_buffers")),
              mutated = TRY(names_at(signature, "buffers_to_mutate"));
  for (const Argument& value : out.graph.inputs) {
    InputSpec& spec = out.inputs.emplace_back(InputSpec{.arg = value, .name = value.text});
    if (const auto found = parameters.find(value.text); found != parameters.end()) {
      spec.kind = In::parameter;
      spec.target = found->second;
    } else if (const auto buffer = buffers.find(value.text); buffer != buffers.end()) {
      spec.kind = In::buffer;
      spec.target = buffer->second;
    }
  }
  // The buffers' new values come first.
  for (const Argument& value : out.graph.outputs) {
    OutputSpec& spec = out.outputs.emplace_back(OutputSpec{.arg = value});
    if (out.outputs.size() > mutated.size()) continue;
    const auto found = mutated.find(value.text);
    if (found == mutated.end())
      return signature.error(fmt::format("{} is no buffer's new value", value.text));
    spec.kind = Out::buffer_mutation;
    spec.target = found->second;
  }
  return {};
}

}  // namespace tenon::torch::exported
