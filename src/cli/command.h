// A command of the program: its options and what it does. Each lives in a file of its own.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <span>
#include <string_view>

#include "base/error.h"

namespace tenon::cli {

// What every command takes.
struct Globals {
  bool json = false;
  bool quiet = false;
  bool verbose = false;
};

struct Command {
  std::string_view name;
  std::string_view about;
  std::string_view example;  // a worked one, shown by --help
  // Takes all of its words itself, --help among them.
  bool own_grammar = false;
  // Declares the options; what it gives back runs the command once they are parsed.
  std::function<Status()> (*declare)(CLI::App&, const Globals&);
};

Command convert_command();
Command inspect_command();
Command build_command();
Command run_command();
Command bench_command();
Command check_command();
Command trtexec_command();

}  // namespace tenon::cli
