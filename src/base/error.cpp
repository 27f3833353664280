#include "base/error.h"

namespace tenon {
namespace {

void append_block(std::string& out, const Error& error, const std::string& indent) {
  out += indent + error.what + "\n";
  auto line = [&](const char* label, const std::string& text) {
    if (!text.empty()) out += fmt::format("{}  {}: {}\n", indent, label, text);
  };
  line("file", error.where.file);
  line("node", error.where.node);
  line("module", error.where.module);
  line("source", error.where.source);
  line("why", error.why);
  const bool own_fault = error.kind == ErrorKind::internal && error.hint.empty();
  line("try",
       own_fault ? "report this fault of Tenon's, with the model or a part of it" : error.hint);
  for (const Error& detail : error.details) append_block(out, detail, indent + "  ");
}

}  // namespace

std::string Error::message() const {
  std::string out;
  append_block(out, *this, "");
  return out;
}

Error with_where(Error error, const Where& where) {
  auto fill = [](std::string& to, const std::string& from) {
    if (to.empty()) to = from;
  };
  fill(error.where.file, where.file);
  fill(error.where.node, where.node);
  fill(error.where.module, where.module);
  fill(error.where.source, where.source);
  return error;
}

int exit_status(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::negative:
      return 1;
    case ErrorKind::usage:
    case ErrorKind::bad_file:
      return 2;
    case ErrorKind::unsupported:
      return 3;
    case ErrorKind::resource:
    case ErrorKind::internal:
      return 4;
  }
  return 4;
}

}  // namespace tenon
