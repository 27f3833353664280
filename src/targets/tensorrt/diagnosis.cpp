#include "targets/tensorrt/diagnosis.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "base/error.h"

namespace tenon::tensorrt {
namespace {

constexpr const char* kRewrite =
    "say it with other operators in the model, map it to a custom operator, or run it outside of "
    "the engine";

constexpr const char* kFault =
    "this is a fault of TensorRT: say the model otherwise there, or try another release of it";

struct Words {
  std::string_view sign;  // in the raw text
  std::string_view why;   // {op} is the operator, {text} the plain message; empty: that alone
  std::string_view hint;
};
// The first row whose sign the text holds.
constexpr Words kWords[] = {
    {"Plugin not found", "it has no {op}, neither of its own nor as a plugin", kRewrite},
    {"plugin creator version",
     "it computes {op} by a plugin of its own that this installation lacks",
     "install TensorRT's plugin library, or say it with other operators"},
    {"Failed to convert ONNX date type", "an input has a type that it does not know",
     "give the model another type of input"},
    {"must have same input types", "", "this is a fault of the types in the model: report it"},
    {"K exceeds the maximum value allowed", "", "take fewer elements, or split the axis first"},
    {"Node input was not registered", "it does not find an input of {op} that is left out",
     "give the input, if only as a constant"},
    {"no optimization profile has been defined", "",
     "give --min-shapes, --opt-shapes and --max-shapes"},
    {"isDefined(it->second)", "a shape is computed from values that only the run knows",
     "fix the shape, or compute it from the sizes of inputs"},
    {"is a shape tensor and must have type", "a size is computed from what floats hold",
     "compute sizes from the sizes of inputs, or keep the largest and mask what is not meant"},
    {"IRecurrenceLayer must have inputs with same shape",
     "a value that the loop carries changes its shape: {text}",
     "carry it at its largest size, and count how much of it is in use"},
    {"not supported by a dedicated kernel", "it has no kernel for attention of these sizes",
     "give heads other sizes, or use --opset 22, which composes attention of other operators"},
    {"MyelinCheckException", "it fails in itself: {text}", kFault},
    {"Insufficient memory", "there is not enough memory of the GPU for it",
     "give smaller largest shapes, or a smaller workspace"},
    {"Could not find any implementation", "it has no kernel for these sizes and types",
     "try another precision or other shapes"},
    {"dynamic rank", "", "give the shape a fixed number of dimensions"},
    // What nobody but its makers can read stands at the end, for texts that say nothing else.
    {"Internal Error (Assertion", "it fails in itself: {text}", kFault},
};

// What TensorRT's parser asserts when an operator is on its list of those that it does not have.
bool not_supported(const RawError& error) {
  return error.function.starts_with("check") &&
         (error.text == "false" || error.text.find("Assertion failed: false") != std::string::npos);
}

std::string filled(std::string_view words, const std::string& op, const std::string& text) {
  std::string out(words);
  if (const size_t at = out.find("{op}"); at != std::string::npos) out.replace(at, 4, op);
  if (const size_t at = out.find("{text}"); at != std::string::npos) out.replace(at, 6, text);
  return out;
}

class Nodes {
 public:
  explicit Nodes(const ir::Graph& written) {
    ir::for_each_node(written, [&](const ir::Node& node) {
      if (!node.name.empty()) by_name_.emplace(node.name, &node);
    });
    for (const auto& node : written.nodes()) in_order_.push_back(node.get());
  }

  // By the name, else by the place in the model's list where the operator there is the one named.
  const ir::Node* find(const RawError& error) const {
    if (const auto found = by_name_.find(error.node); found != by_name_.end()) return found->second;
    if (error.index < 0 || static_cast<size_t>(error.index) >= in_order_.size()) return nullptr;
    const ir::Node* node = in_order_[static_cast<size_t>(error.index)];
    return error.op.empty() || node->op == error.op ? node : nullptr;
  }

  // The node with the longest name that the text mentions as a word.
  const ir::Node* mentioned(std::string_view text) const {
    const ir::Node* best = nullptr;
    for (size_t at = 0; at < text.size();) {
      const size_t end = std::min(text.find_first_of(" ,:;()[]{}\"'", at), text.size());
      std::string word(text.substr(at, end - at));
      if (word.ends_with('.') && !by_name_.contains(word)) word.pop_back();  // a sentence's end
      const auto found = by_name_.find(word);
      if (found != by_name_.end() && (!best || best->name.size() < found->first.size()))
        best = found->second;
      at = end + 1;
    }
    return best;
  }

 private:
  std::unordered_map<std::string, const ir::Node*> by_name_;
  std::vector<const ir::Node*> in_order_;
};

Error detail(const std::string& title, const std::string& op, const std::string& text,
             bool unsupported, const ir::Node* node) {
  Error out{.kind = ErrorKind::unsupported, .what = fmt::format("{} refuses {}", title, op)};
  if (op.empty()) out.what = title + " refuses the model";
  if (node) out.where = node->where();
  if (unsupported) {
    out.why = fmt::format("it has no {}", op);
    out.hint = kRewrite;
    return out;
  }
  out.why = plain_message(text);
  for (const Words& row : kWords) {
    if (text.find(row.sign) == std::string::npos) continue;
    if (!row.why.empty()) out.why = filled(row.why, op.empty() ? "the operator" : op, out.why);
    out.hint = row.hint;
    break;
  }
  return out;
}

// One for each operator and reason; how often it occurs stands with the first.
void merge(std::vector<Error>& details) {
  std::vector<Error> out;
  std::vector<size_t> counts;
  for (Error& error : details) {
    const auto same = [&](const Error& other) {
      return other.what == error.what && other.why == error.why;
    };
    const auto found = std::ranges::find_if(out, same);
    if (found != out.end()) {
      ++counts[static_cast<size_t>(found - out.begin())];
      continue;
    }
    out.push_back(std::move(error));
    counts.push_back(1);
  }
  for (size_t i = 0; i < out.size(); ++i) {
    if (counts[i] > 1) out[i].what += fmt::format(" ({} times, first here)", counts[i]);
  }
  details = std::move(out);
}

}  // namespace

std::string plain_message(std::string_view raw) {
  // A message may have been put together from several lines; the first that is not about a GPU.
  std::string_view best = raw;
  for (size_t at = 0; at < raw.size();) {
    const size_t end = std::min(raw.find('\n', at), raw.size());
    const std::string_view line = raw.substr(at, end - at);
    at = end + 1;
    if (line.find("cudaError 35") != std::string_view::npos) continue;
    if (line.starts_with("Invalid Node") || line.find("In function ") != std::string_view::npos)
      continue;
    best = line;
    break;
  }
  // "IBuilder::f: Error Code 4: API Usage Error (the heart. In f at file.cpp:12)"
  if (const size_t code = best.find("Error Code"); code != std::string_view::npos) {
    const size_t open = best.find('(', code);
    if (open != std::string_view::npos) best = best.substr(open + 1);
  }
  for (const std::string_view tail : {" In ", " at /"}) {
    const size_t at = best.find(tail);
    if (at != std::string_view::npos && best.find(".cpp", at) != std::string_view::npos)
      best = best.substr(0, at);
  }
  if (best.starts_with("Assertion failed: ")) best.remove_prefix(18);
  const auto unmatched = [&] {
    return best.ends_with(')') && std::ranges::count(best, ')') > std::ranges::count(best, '(');
  };
  while (best.ends_with('.') || best.ends_with(' ') || unmatched()) best.remove_suffix(1);
  return std::string(best);
}

Error explain(const BuildReport& report, const ir::Graph& written) {
  Error error = *report.failure;
  const std::string title = report.module.title();
  const Nodes nodes(written);
  for (const RawError& raw : report.parse_errors) {
    const ir::Node* node = nodes.find(raw);
    error.details.push_back(detail(title,
                                   !raw.op.empty() ? raw.op
                                   : node          ? node->op
                                                   : "",
                                   raw.text, not_supported(raw), node));
  }
  if (error.details.empty()) {
    for (const std::string& text : report.errors) {
      if (text.find("cudaError 35") != std::string::npos) continue;
      const ir::Node* node = nodes.mentioned(text);
      error.details.push_back(detail(title, node ? node->op : "", text, false, node));
    }
  }
  merge(error.details);
  if (!report.messages.empty()) add_messages(error, report.errors);
  add_messages(error, report.messages);
  return error;
}

}  // namespace tenon::tensorrt
