#include "archive/source_ranges.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <span>

#include "archive/torch_archive.h"

namespace tenon::archive {
namespace {

using pickle::Kind;
using pickle::Value;

constexpr size_t kMaxText = size_t{1}
                            << 24;  // of one source; tables let a small file repeat lines at will

struct Source {
  std::string text;
  std::string file;
  int line = 0;  // of the text's first line
};

// "path/model.py(31): forward" as the tracer records a frame.
bool parse_traced_frame(std::string_view line, SourceFrame& out) {
  const size_t close = line.rfind("): ");
  const size_t open = close == std::string_view::npos ? close : line.rfind('(', close);
  if (open == std::string_view::npos) return false;
  const std::string_view number = line.substr(open + 1, close - open - 1);
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), out.line);
  if (number.empty() || error != std::errc() || end != number.data() + number.size()) return false;
  out.file = line.substr(0, open);
  out.function = line.substr(close + 3);
  return true;
}

bool is_tracer(const SourceFrame& frame) { return frame.file.ends_with("torch/jit/_trace.py"); }

bool is_module_call(const SourceFrame& frame) {
  constexpr std::array<std::string_view, 5> kNames = {"_slow_forward", "_call_impl",
                                                      "_wrapped_call_impl", "__call__", "inner"};
  return frame.file.ends_with("torch/nn/modules/module.py") &&
         std::ranges::find(kNames, frame.function) != kNames.end();
}

// Every line a frame: a traced call stack. Otherwise empty.
std::vector<SourceFrame> traced_frames(std::string_view text) {
  std::vector<SourceFrame> out;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty()) continue;
    SourceFrame frame;
    if (!parse_traced_frame(line, frame)) return {};
    if (is_tracer(frame)) break;  // beyond it is who called the tracer
    if (!is_module_call(frame)) out.push_back(std::move(frame));
  }
  return out;
}

std::string function_name(std::string_view text) {
  const size_t def = text.find("def ");
  if (def == std::string_view::npos) return "";
  const size_t end = text.find('(', def);
  return end == std::string_view::npos ? "" : std::string(text.substr(def + 4, end - def - 4));
}

std::vector<SourceFrame> frames_of(const Source& source, int64_t start) {
  if (auto traced = traced_frames(source.text); !traced.empty()) return traced;
  if (source.file.empty()) return {};
  const size_t at = std::min(static_cast<size_t>(std::max<int64_t>(start, 0)), source.text.size());
  const auto lines = std::ranges::count(std::string_view(source.text).substr(0, at), '\n');
  return {{.file = source.file,
           .line = source.line + static_cast<int>(lines),
           .function = function_name(source.text)}};
}

// Reads sources, with or without a table of strings that they name by number.
class SourceReader {
 public:
  explicit SourceReader(const Value* table) : table_(table) {}

  bool read(const Value& value, Source& out) const {
    if (!value.is(Kind::tuple) || value.items.size() < 3 || !value.items[2]->is(Kind::integer))
      return false;
    out.line = static_cast<int>(std::clamp<int64_t>(value.items[2]->integer, 0, 1 << 30));
    if (!value.items[1]->is(Kind::none) && !append(*value.items[1], out.file)) return false;
    const Value& lines = untagged(*value.items[0]);
    if (!lines.is(Kind::list)) return append(lines, out.text);
    return std::ranges::all_of(lines.items,
                               [&](const Value* line) { return append(*line, out.text); });
  }

 private:
  bool append(const Value& value, std::string& out) const {
    const Value* text = &value;
    if (table_ != nullptr) {
      if (!value.is(Kind::integer) || value.integer < 0 ||
          static_cast<size_t>(value.integer) >= table_->items.size())
        return false;
      text = table_->items[static_cast<size_t>(value.integer)];
    }
    if (!text->is(Kind::string) || out.size() + text->text.size() > kMaxText) return false;
    out += text->text;
    return true;
  }

  const Value* table_;
};

}  // namespace

Result<SourceRanges> SourceRanges::parse(const Blob& debug_pkl, const Where& where) {
  const auto damaged = [&](std::string_view why) {
    return fail({.kind = ErrorKind::bad_file,
                 .what = "cannot read the code's source lines",
                 .where = where,
                 .why = std::string(why),
                 .hint = "the file is damaged: save the model again"});
  };
  const pickle::Pickle data = TRY(pickle::Pickle::parse(debug_pkl, where));
  const Value& root = data.root();
  if (!root.is(Kind::tuple) && !root.is(Kind::list))
    return damaged("it is neither a tuple nor a list");
  std::span<const Value* const> entries = root.items;
  const Value* table = nullptr;
  if (!entries.empty() && entries[0]->is(Kind::string) &&
      entries[0]->text == "FORMAT_WITH_STRING_TABLE") {
    if (entries.size() < 3) return damaged("the table of strings is missing");
    table = entries[1];
    // The ranges follow one by one, or as one list.
    entries = entries.subspan(2);
    if (entries.size() == 1 && !entries[0]->items.empty() && entries[0]->items[0]->is(Kind::tuple))
      entries = entries[0]->items;
  }
  const SourceReader reader(table);
  SourceRanges out;
  // One source stands behind many ranges; for a traced stack the position inside it says nothing.
  std::map<const Value*, Source> sources;
  std::map<std::pair<const Value*, int64_t>, uint32_t> stacks;
  size_t kept = 0;
  for (const Value* entry : entries) {
    if (!entry->is(Kind::tuple) || entry->items.size() < 2 || !entry->items[0]->is(Kind::integer) ||
        !entry->items[1]->is(Kind::tuple) || entry->items[1]->items.size() < 3) {
      return damaged("a range is not as PyTorch writes it");
    }
    const auto& range = entry->items[1]->items;
    if (!range[1]->is(Kind::integer) || entry->items[0]->integer < 0)
      return damaged("a range is not as PyTorch writes it");
    auto [source, fresh] = sources.try_emplace(range[0]);
    if (fresh && !reader.read(*range[0], source->second))
      return damaged("a source is not as PyTorch writes it");
    kept += fresh ? source->second.text.size() : 0;
    if (kept > 4 * kMaxText) return damaged("its sources are larger than any program's");
    const auto [stack, unseen] = stacks.try_emplace({range[0], range[1]->integer},
                                                    static_cast<uint32_t>(out.stacks_.size()));
    if (unseen) out.stacks_.push_back(frames_of(source->second, range[1]->integer));
    out.ranges_.push_back({static_cast<size_t>(entry->items[0]->integer),
                           static_cast<uint32_t>(out.ranges_.size()), stack->second});
  }
  std::ranges::sort(out.ranges_, {}, [](const Range& r) { return std::pair(r.offset, r.order); });
  return out;
}

const std::vector<SourceFrame>& SourceRanges::frames(size_t offset) const {
  const auto after = std::ranges::upper_bound(ranges_, offset, {}, &Range::offset);
  return stacks_[after == ranges_.begin() ? 0 : std::prev(after)->frames];
}

}  // namespace tenon::archive
