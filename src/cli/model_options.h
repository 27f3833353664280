// The options that say how a model file is read, the same for every command that takes one.
#pragma once

#include "api/load.h"
#include "cli/command.h"

namespace tenon::cli {

struct ModelOptions {
  std::string mode = "auto";
  std::string shapes, dynamic;
  std::string input_names, output_names;
  std::vector<std::string> settings;
  std::string method = "forward";
  std::string state = "keep";
  std::vector<std::string> also_traced_at;

  void declare(CLI::App& app, bool naming);
  Result<api::LoadOptions> parse() const;
};

}  // namespace tenon::cli
