// tenon: the command line. Parses arguments, runs one command, turns errors into text and exit
// statuses.
#include <cstdio>
#include <new>

#include "cli/command.h"
#include "cli/waiting.h"

namespace tenon::cli {
namespace {

void declare_globals(CLI::App& app, Globals& globals) {
  app.add_flag("--json", globals.json, "print the result as JSON");
  app.add_flag("-v,--verbose", globals.verbose, "say more");
  app.add_flag("-q,--quiet", globals.quiet, "say nothing but errors");
}

int report(const Error& error) {
  std::fputs(error.message().c_str(), stderr);
  return exit_status(error.kind);
}

// What CLI11 found wrong with the arguments, as every other error is shown. A word that nothing
// takes says more than what is then missing.
Error usage_error(const CLI::ParseError& error, const CLI::App& app) {
  const CLI::App* at = &app;
  for (const CLI::App* sub : app.get_subcommands()) at = sub;
  const std::string command = at == &app ? "tenon" : "tenon " + at->get_name();
  const std::vector<std::string> strangers = at->remaining();
  std::string why = error.what();
  if (!strangers.empty() && at != &app) {
    why = fmt::format("it has no option or argument '{}'", strangers.front());
  } else if (!strangers.empty()) {
    why = fmt::format("there is no command '{}'; commands are", strangers.front());
    for (const CLI::App* sub : app.get_subcommands({})) why += " " + sub->get_name();
  }
  return {.kind = ErrorKind::usage,
          .what = fmt::format("these arguments are not what {} takes", command),
          .why = std::move(why),
          .hint = command + " --help"};
}

int run(int argc, char** argv) {
  CLI::App app("Tenon: from a trained PyTorch model to ONNX and to a fast, verified engine.",
               "tenon");
  app.set_version_flag("--version", "tenon " TENON_VERSION);
  app.require_subcommand(1);
  Globals globals;
  std::function<Status()> chosen;
  for (const Command& command :
       {convert_command(), inspect_command(), build_command(), run_command(), bench_command(),
        check_command(), trtexec_command()}) {
    CLI::App* sub = app.add_subcommand(std::string(command.name), std::string(command.about));
    if (command.own_grammar)
      sub->set_help_flag();
    else
      declare_globals(*sub, globals);
    sub->footer("\nExample:\n" + std::string(command.example));
    sub->callback([&chosen, action = command.declare(*sub, globals)] { chosen = action; });
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::CallForVersion& version) {
    return app.exit(version);
  } catch (const CLI::ParseError& error) {
    return report(usage_error(error, app));
  }
  const Status done = chosen();
  if (!done) return report(done.error());
  if (std::fflush(stdout) != 0)
    return report({.kind = ErrorKind::resource, .what = "cannot write to the standard output"});
  return 0;
}

}  // namespace
}  // namespace tenon::cli

int main(int argc, char** argv) {
  tenon::cli::wait_briefly(argv);
  try {
    return tenon::cli::run(argc, argv);
  } catch (const std::bad_alloc&) {
    return tenon::cli::report({.kind = tenon::ErrorKind::resource,
                               .what = "there is not enough memory for this model",
                               .why = "an allocation failed",
                               .hint = "free memory, or use smaller shapes"});
  } catch (const std::exception& error) {
    return tenon::cli::report({.kind = tenon::ErrorKind::internal,
                               .what = "a fault of Tenon itself ended the command",
                               .why = error.what(),
                               .hint = "report it with the model or a part of it"});
  }
}
