#include "cli/model_options.h"

namespace tenon::cli {
namespace {

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> out;
  size_t at = 0;
  while (!text.empty()) {
    const size_t comma = text.find(',', at);
    out.push_back(text.substr(at, comma - at));
    if (comma == std::string::npos) break;
    at = comma + 1;
  }
  return out;
}

}  // namespace

void ModelOptions::declare(CLI::App& app, bool naming) {
  app.add_option("--mode", mode,
                 "auto: keep the control flow that data decides; trace: fix every size; script: "
                 "keep all control flow")
      ->check(CLI::IsMember({"auto", "trace", "script"}));
  app.add_option("--shapes", shapes,
                 "shapes of the inputs: image:1x3x224x224 or 'ids[batch=1..8,seq=1..512]:i64'; "
                 "may be left out where the file records them");
  app.add_option("--dynamic", dynamic, "dimensions that vary: 'image[batch=1..8,3,224,224]'");
  app.add_option("--set", settings, "ARG=VALUE: fixes a Python argument that is no tensor");
  app.add_option("--method", method, "the method to read instead of forward");
  app.add_option("--state", state,
                 "what a call leaves behind in the module: keep it as inputs and outputs of the "
                 "graph (NAME and NAME_out), or drop it")
      ->check(CLI::IsMember({"keep", "drop"}));
  app.add_option("--also-traced-at", also_traced_at,
                 "a further trace of the same module at other sizes, which tells constants from "
                 "sizes; may be given several times");
  if (!naming) return;
  app.add_option("--input-names", input_names, "names for the inputs, A,B");
  app.add_option("--output-names", output_names, "names for the outputs, A,B");
}

Result<api::LoadOptions> ModelOptions::parse() const {
  api::LoadOptions out;
  out.import.mode = mode == "trace"    ? torch::Mode::trace
                    : mode == "script" ? torch::Mode::script
                                       : torch::Mode::automatic;
  out.import.method = method;
  out.import.keep_state = state == "keep";
  out.import.also_traced_at = also_traced_at;
  out.import.shapes = TRY(parse_shapes(shapes));
  out.import.dynamic = TRY(parse_shapes(dynamic));
  out.import.input_names = split(input_names);
  out.import.output_names = split(output_names);
  for (const std::string& setting : settings) {
    const size_t equals = setting.find('=');
    if (equals == std::string::npos || equals == 0) {
      return fail({.kind = ErrorKind::usage,
                   .what = fmt::format("cannot read --set {}", setting),
                   .why = "it is not of the form ARG=VALUE",
                   .hint = "for example --set sr=16000"});
    }
    out.import.settings[setting.substr(0, equals)] = setting.substr(equals + 1);
  }
  return out;
}

}  // namespace tenon::cli
