// Where nodes come from: the text of Python stacks and module stacks.
#include <algorithm>
#include <array>
#include <charconv>

#include "torch/exported/graph_reader.h"

namespace tenon::torch::exported {
namespace {

// `File "model.py", line 7, in forward`
bool parse_frame(std::string_view line, ir::Frame& out) {
  const size_t start = line.find_first_not_of(' ');
  if (start == std::string_view::npos || !line.substr(start).starts_with("File \"")) return false;
  line.remove_prefix(start + 6);
  const size_t quote = line.find("\", line ");
  if (quote == std::string_view::npos) return false;
  const char* number = line.data() + quote + 8;
  const auto [end, error] = std::from_chars(number, line.data() + line.size(), out.line);
  if (error != std::errc()) return false;
  out.file = line.substr(0, quote);
  const std::string_view rest = line.substr(static_cast<size_t>(end - line.data()));
  out.function = rest.starts_with(", in ") ? std::string(rest.substr(5)) : "";
  return true;
}

bool is_module_call(const ir::Frame& frame) {
  constexpr std::array<std::string_view, 5> kNames = {"_slow_forward", "_call_impl",
                                                      "_wrapped_call_impl", "__call__", "inner"};
  return frame.file.ends_with("torch/nn/modules/module.py") &&
         std::ranges::find(kNames, frame.function) != kNames.end();
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

}  // namespace

std::vector<ir::Frame> parse_stack_trace(std::string_view text) {
  std::vector<ir::Frame> out;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    ir::Frame frame;
    // "<eval_with_key>" is code that PyTorch made up.
    if (parse_frame(text.substr(0, end), frame) && !is_module_call(frame) &&
        !frame.file.starts_with('<')) {
      out.push_back(std::move(frame));
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  std::ranges::reverse(out);
  return out;
}

std::string parse_module_path(std::string_view stack) {
  // "key,path,class;key,path,class", outermost first.
  const size_t last = stack.rfind(';');
  if (last != std::string_view::npos) stack.remove_prefix(last + 1);
  const size_t first_comma = stack.find(','), last_comma = stack.rfind(',');
  if (first_comma == std::string_view::npos || first_comma == last_comma) return "";
  std::string path(stack.substr(first_comma + 1, last_comma - first_comma - 1));
  if (path == stack.substr(0, first_comma)) return "";  // PyTorch's mark for nodes of no module
  // PyTorch 2.1 wrote the Python expression: L['self']._modules['layer1'].conv
  replace_all(path, "_modules['", "");
  replace_all(path, "L['self']", "");
  replace_all(path, "']", "");
  const size_t start = path.find_first_not_of('.');
  return start == std::string::npos ? "" : path.substr(start);
}

}  // namespace tenon::torch::exported
