#include "archive/pickle.h"

#include <bit>
#include <cstring>
#include <unordered_map>

#include "base/error.h"

namespace tenon::pickle {

// Runs the opcodes. Every opcode makes at most one value, so memory is bounded by the pickle's
// size.
class Machine {
 public:
  Machine(const archive::Blob& bytes, Where where)
      : store_(std::make_shared<Pickle::Store>(bytes)),
        text_(store_->bytes.text()),
        where_(std::move(where)) {}

  Result<Pickle> run(const Limits& limits);

 private:
  std::unexpected<Error> damaged(std::string why) const {
    return fail({.kind = ErrorKind::bad_file,
                 .what = "cannot read the pickle",
                 .where = where_,
                 .why = fmt::format("{}, at byte {}", why, at_),
                 .hint = "the file is damaged or is no pickle of protocol 2 to 5: save it again"});
  }

  Value& add(Kind kind) {
    Value& value = store_->values.emplace_back();
    value.kind = kind;
    return value;
  }
  Value& push(Kind kind) {
    Value& value = add(kind);
    stack_.push_back(&value);
    return value;
  }
  void push_text(Kind kind, std::string_view text) { push(kind).text = text; }
  void push_integer(int64_t integer) { push(Kind::integer).integer = integer; }

  // Little-endian unsigned number of `bytes` bytes.
  Result<uint64_t> number(size_t bytes);
  Result<std::string_view> take(uint64_t bytes);
  Result<std::string_view> line();
  // Number of values above the innermost mark; the mark is taken away.
  Result<size_t> to_mark();
  Result<Value*> pop();
  Status require(size_t values) const;

  Status step(uint8_t opcode);
  Status step_text(uint8_t opcode);
  Status step_container(uint8_t opcode);
  Status step_memo(uint8_t opcode);
  Status step_class(uint8_t opcode);
  Status push_long(uint64_t bytes);
  Status push_tuple(size_t count);
  Status append(size_t count);
  Status set_items(size_t count);
  Status remember(uint64_t key);
  Status recall(uint64_t key);
  Status reduce();
  Status build();
  void ordered_dict(Value& made);

  std::shared_ptr<Pickle::Store> store_;
  std::string_view text_;
  Where where_;
  size_t at_ = 0;
  bool stopped_ = false;
  std::vector<Value*> stack_;
  std::vector<size_t> marks_;
  std::vector<Value*> memo_;
};

Result<uint64_t> Machine::number(size_t bytes) {
  const std::string_view raw = TRY(take(bytes));
  uint64_t value = 0;
  std::memcpy(&value, raw.data(), bytes);
  return value;
}

Result<std::string_view> Machine::take(uint64_t bytes) {
  if (bytes > text_.size() - at_) {
    return damaged(
        fmt::format("{} bytes are announced and {} are left", bytes, text_.size() - at_));
  }
  const std::string_view out = text_.substr(at_, bytes);
  at_ += bytes;
  return out;
}

Result<std::string_view> Machine::line() {
  const size_t end = text_.find('\n', at_);
  if (end == std::string_view::npos) return damaged("a line has no end");
  const std::string_view out = text_.substr(at_, end - at_);
  at_ = end + 1;
  return out;
}

Result<size_t> Machine::to_mark() {
  if (marks_.empty()) return damaged("a mark is missing");
  const size_t mark = marks_.back();
  marks_.pop_back();
  return stack_.size() - mark;
}

// Values below the innermost mark belong to an outer construct.
Status Machine::require(size_t values) const {
  const size_t floor = marks_.empty() ? 0 : marks_.back();
  if (stack_.size() - floor < values) return damaged("the stack is empty");
  return {};
}

Result<Value*> Machine::pop() {
  TRY(require(1));
  Value* top = stack_.back();
  stack_.pop_back();
  return top;
}

Status Machine::push_long(uint64_t bytes) {
  const std::string_view raw = TRY(take(bytes));
  if (bytes > 8) {
    push_text(Kind::big_integer, raw);
    return {};
  }
  uint64_t value = 0;
  std::memcpy(&value, raw.data(), bytes);
  const int spare = 64 - 8 * static_cast<int>(bytes);  // extends the sign
  push_integer(bytes == 0 ? 0 : static_cast<int64_t>(value << spare) >> spare);
  return {};
}

Status Machine::push_tuple(size_t count) {
  TRY(require(count));
  Value& tuple = add(Kind::tuple);
  tuple.items.assign(stack_.end() - static_cast<ptrdiff_t>(count), stack_.end());
  stack_.resize(stack_.size() - count);
  stack_.push_back(&tuple);
  return {};
}

Status Machine::append(size_t count) {
  TRY(require(count + 1));
  Value& to = *stack_[stack_.size() - count - 1];
  const bool object = to.kind == Kind::call || to.kind == Kind::object;
  if ((to.kind != Kind::list && to.kind != Kind::set && !object) || to.item_pairs) {
    return damaged("something is appended to a " + std::string(name(to.kind)));
  }
  to.items.insert(to.items.end(), stack_.end() - static_cast<ptrdiff_t>(count), stack_.end());
  stack_.resize(stack_.size() - count);
  return {};
}

Status Machine::set_items(size_t count) {
  TRY(require(count + 1));
  Value& to = *stack_[stack_.size() - count - 1];
  const bool object = to.kind == Kind::call || to.kind == Kind::object;
  if ((to.kind != Kind::dict && !object) || (object && !to.item_pairs && !to.items.empty())) {
    return damaged("items are set in a " + std::string(name(to.kind)));
  }
  if (count % 2 != 0) return damaged("a key has no value");
  to.item_pairs = object;
  to.items.insert(to.items.end(), stack_.end() - static_cast<ptrdiff_t>(count), stack_.end());
  stack_.resize(stack_.size() - count);
  return {};
}

Status Machine::remember(uint64_t key) {
  TRY(require(1));
  // Writers number their memo from 0, an opcode each: larger numbers would only cost memory.
  if (key >= text_.size()) return damaged(fmt::format("memo number {} is too large", key));
  if (key >= memo_.size()) memo_.resize(key + 1, nullptr);
  memo_[key] = stack_.back();
  return {};
}

Status Machine::recall(uint64_t key) {
  if (key >= memo_.size() || memo_[key] == nullptr)
    return damaged(fmt::format("memo {} is not set", key));
  stack_.push_back(memo_[key]);
  return {};
}

// OrderedDict() and OrderedDict([[key, value], ...]) are dicts to all who read them here.
void Machine::ordered_dict(Value& made) {
  std::vector<const Value*> items;
  if (!made.args->items.empty()) {
    const Value& pairs = *made.args->items[0];
    if (made.args->items.size() != 1 || pairs.kind != Kind::list) return;
    for (const Value* pair : pairs.items) {
      if ((pair->kind != Kind::list && pair->kind != Kind::tuple) || pair->items.size() != 2)
        return;
      items.insert(items.end(), pair->items.begin(), pair->items.end());
    }
  }
  made.kind = Kind::dict;
  made.args = nullptr;
  made.items = std::move(items);
}

Status Machine::reduce() {
  TRY(require(2));
  Value* args = TRY(pop());
  Value* callable = TRY(pop());
  if (args->kind != Kind::tuple) {
    // TorchScript calls an enumeration with the bare value of its member.
    if (!callable->is(Kind::global) || !callable->text.starts_with("__torch__"))
      return damaged("the arguments of a call are no tuple");
    Value& only = add(Kind::tuple);
    only.items = {args};
    args = &only;
  }
  Value& made = push(Kind::call);
  made.callable = callable;
  made.args = args;
  if (callable->is_global("collections", "OrderedDict")) ordered_dict(made);
  return {};
}

Status Machine::build() {
  TRY(require(2));
  Value* state = TRY(pop());
  Value& to = *stack_.back();
  // Besides objects, dicts (an OrderedDict's attributes) may have state.
  if (to.kind != Kind::call && to.kind != Kind::object && to.kind != Kind::dict) {
    return damaged("state is given to a " + std::string(name(to.kind)));
  }
  to.state = state;
  return {};
}

Status Machine::step_text(uint8_t opcode) {
  switch (opcode) {
    case 'U':
    case 'T':
    case 0x8c:
    case 'X':
    case 0x8d: {  // [SHORT_]BINSTRING, [SHORT_]BINUNICODE[8]
      const size_t width = opcode == 'U' || opcode == 0x8c ? 1 : opcode == 0x8d ? 8 : 4;
      push_text(Kind::string, TRY(take(TRY(number(width)))));
      return {};
    }
    case 'C':
    case 'B':
    case 0x8e:
    case 0x96: {  // [SHORT_]BINBYTES[8], BYTEARRAY8
      const size_t width = opcode == 'C' ? 1 : opcode == 'B' ? 4 : 8;
      push_text(Kind::bytes, TRY(take(TRY(number(width)))));
      return {};
    }
    default:
      return damaged(fmt::format("opcode 0x{:02x} is not allowed", opcode));
  }
}

Status Machine::step_container(uint8_t opcode) {
  switch (opcode) {
    case '(':
      marks_.push_back(stack_.size());
      return {};
    case ')':
      push(Kind::tuple);
      return {};
    case ']':
      push(Kind::list);
      return {};
    case '}':
      push(Kind::dict);
      return {};
    case 0x8f:
      push(Kind::set);
      return {};
    case 't':
      return push_tuple(TRY(to_mark()));
    case 0x85:
    case 0x86:
    case 0x87:
      return push_tuple(opcode - 0x84u);
    case 'a':
      return append(1);
    case 'e':
    case 0x90:
      return append(TRY(to_mark()));
    case 's':
      return set_items(2);
    case 'u':
      return set_items(TRY(to_mark()));
    case 'l':
    case 'd':
    case 0x91: {  // LIST, DICT, FROZENSET: of all above the mark
      const size_t count = TRY(to_mark());
      Value& made = add(opcode == 'l' ? Kind::list : opcode == 'd' ? Kind::dict : Kind::set);
      stack_.insert(stack_.end() - static_cast<ptrdiff_t>(count), &made);
      return opcode == 'd' ? set_items(count) : append(count);
    }
    case '0':  // POP takes a mark away when there is nothing above it
      if (!marks_.empty() && marks_.back() == stack_.size()) {
        marks_.pop_back();
        return {};
      }
      TRY(pop());
      return {};
    case '1':
      stack_.resize(stack_.size() - TRY(to_mark()));
      return {};
    case '2':
      TRY(require(1));
      stack_.push_back(stack_.back());
      return {};
    default:
      return step_memo(opcode);
  }
}

Status Machine::step_memo(uint8_t opcode) {
  switch (opcode) {
    case 'q':
      return remember(TRY(number(1)));
    case 'r':
      return remember(TRY(number(4)));
    case 0x94:
      return remember(memo_.size());
    case 'h':
      return recall(TRY(number(1)));
    case 'j':
      return recall(TRY(number(4)));
    default:
      return step_class(opcode);
  }
}

Status Machine::step_class(uint8_t opcode) {
  switch (opcode) {
    case 'c': {
      const std::string_view module = TRY(line());
      const std::string_view global = TRY(line());
      Value& made = push(Kind::global);
      made.text = module;
      made.name = global;
      return {};
    }
    case 0x93: {  // STACK_GLOBAL
      const Value* global = TRY(pop());
      const Value* module = TRY(pop());
      if (global->kind != Kind::string || module->kind != Kind::string)
        return damaged("a global's name is no string");
      Value& made = push(Kind::global);
      made.text = module->text;
      made.name = global->text;
      return {};
    }
    case 'R':
      return reduce();
    case 'b':
      return build();
    case 0x81:
    case 0x92: {  // NEWOBJ, NEWOBJ_EX
      const Value* keywords = opcode == 0x92 ? TRY(pop()) : nullptr;
      const Value* args = TRY(pop());
      const Value* cls = TRY(pop());
      if (args->kind != Kind::tuple) return damaged("the arguments of a class are no tuple");
      if (keywords != nullptr && keywords->kind != Kind::dict)
        return damaged("keyword arguments are no dict");
      Value& made = push(Kind::object);
      made.callable = cls;
      made.args = args;
      if (keywords != nullptr && !keywords->items.empty()) {
        made.item_pairs = true;
        made.items = keywords->items;
      }
      return {};
    }
    case 'Q': {
      const Value* id = TRY(pop());
      push(Kind::persistent).args = id;
      return {};
    }
    default:
      return step_text(opcode);
  }
}

Status Machine::step(uint8_t opcode) {
  switch (opcode) {
    case '.':
      stopped_ = true;
      return {};
    case 0x80: {
      const uint64_t protocol = TRY(number(1));
      if (protocol < 2 || protocol > 5)
        return damaged(fmt::format("protocol {} is not known", protocol));
      return {};
    }
    case 0x95:
      TRY(take(8));
      return {};  // FRAME's size only helps to read ahead
    case 'N':
      push(Kind::none);
      return {};
    case 0x88:
    case 0x89:
      push(Kind::boolean).integer = opcode == 0x88;
      return {};
    case 'K':
      push_integer(static_cast<int64_t>(TRY(number(1))));
      return {};
    case 'M':
      push_integer(static_cast<int64_t>(TRY(number(2))));
      return {};
    case 'J':
      push_integer(static_cast<int32_t>(TRY(number(4))));
      return {};
    case 0x8a:
      return push_long(TRY(number(1)));
    case 0x8b:
      return push_long(TRY(number(4)));
    case 'G':
      push(Kind::real).real = std::bit_cast<double>(__builtin_bswap64(TRY(number(8))));
      return {};
    default:
      return step_container(opcode);
  }
}

namespace {

// The values directly inside, in a fixed order; nullptr after the last.
const Value* child(const Value& value, size_t index) {
  for (const Value* part : {value.callable, value.args, value.state}) {
    if (part == nullptr) continue;
    if (index == 0) return part;
    --index;
  }
  return index < value.items.size() ? value.items[index] : nullptr;
}

struct Shape {
  size_t depth = 0;
  bool cyclic = false;
};

// Longest chain of values inside values; each value is visited once.
Shape measure(const Value& root, const std::deque<Value>& values) {
  constexpr size_t kOpen = SIZE_MAX;
  struct Frame {
    const Value* value;
    size_t next, depth;
  };
  std::unordered_map<const Value*, size_t> depths;
  depths.reserve(values.size());
  std::vector<Frame> frames{{&root, 0, 1}};
  depths[&root] = kOpen;
  Shape shape;
  while (!frames.empty()) {
    Frame& frame = frames.back();
    const Value* inner = child(*frame.value, frame.next++);
    if (inner == nullptr) {
      const size_t depth = frame.depth;
      depths[frame.value] = depth;
      frames.pop_back();
      if (frames.empty())
        shape.depth = depth;
      else
        frames.back().depth = std::max(frames.back().depth, depth + 1);
      continue;
    }
    const auto [known, fresh] = depths.emplace(inner, kOpen);
    if (fresh)
      frames.push_back({inner, 0, 1});
    else if (known->second == kOpen)
      shape.cyclic = true;
    else
      frame.depth = std::max(frame.depth, known->second + 1);
  }
  return shape;
}

}  // namespace

Result<Pickle> Machine::run(const Limits& limits) {
  if (text_.size() > limits.bytes)
    return damaged(fmt::format("it has {} bytes, more than {}", text_.size(), limits.bytes));
  while (!stopped_) {
    if (at_ == text_.size()) return damaged("it has no end");
    const auto opcode = static_cast<uint8_t>(text_[at_++]);
    TRY(step(opcode));
  }
  Pickle pickle;
  pickle.root_ = TRY(pop());
  const Shape shape = measure(*pickle.root_, store_->values);
  if (shape.depth > limits.depth)
    return damaged(fmt::format("its values nest more than {} deep", limits.depth));
  pickle.cyclic_ = shape.cyclic;
  pickle.size_ = at_;
  pickle.store_ = store_;
  return pickle;
}

std::vector<const Value*> Pickle::globals() const {
  std::vector<const Value*> out;
  for (const Value& value : store_->values) {
    if (value.is(Kind::global)) out.push_back(&value);
  }
  return out;
}

Result<Pickle> Pickle::parse(const archive::Blob& bytes, const Where& where, const Limits& limits) {
  return Machine(bytes, where).run(limits);
}

}  // namespace tenon::pickle
