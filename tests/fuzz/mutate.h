// A mutator for programs as text: it changes whole numbers, words and lines, so that most of what
// it makes still parses and reaches the evaluator.
#pragma once

#include <algorithm>
#include <cctype>
#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <vector>

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace tenon::fuzz {

class TextMutator {
 public:
  // `names`: what a called operator's name may become.
  explicit TextMutator(std::vector<std::string> names) : names_(std::move(names)) {}

  size_t operator()(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
    random_.seed(seed);
    if (below(4) == 0) return LLVMFuzzerMutate(data, size, max_size);
    std::string text(reinterpret_cast<const char*>(data), size);
    for (size_t changes = 1 + below(3); changes > 0; --changes) change(text);
    text.resize(std::min(text.size(), max_size));
    std::memcpy(data, text.data(), text.size());
    return text.size();
  }

 private:
  struct Token {
    size_t begin = 0, size = 0;
    bool number = false;
  };

  size_t below(size_t n) { return n < 2 ? 0 : random_() % n; }

  static std::vector<Token> tokens(std::string_view text) {
    auto in_word = [&](size_t i) {
      return i < text.size() &&
             (std::isalnum(static_cast<unsigned char>(text[i])) != 0 || text[i] == '_');
    };
    std::vector<Token> out;
    for (size_t i = 0; i < text.size(); ++i) {
      if (!in_word(i)) continue;
      size_t end = i;
      while (in_word(end)) ++end;
      out.push_back({i, end - i, std::isdigit(static_cast<unsigned char>(text[i])) != 0});
      i = end;
    }
    return out;
  }

  void change(std::string& text) {
    if (below(3) == 0) return change_lines(text);
    const auto all = tokens(text);
    if (all.empty()) return;
    const Token& at = all[below(all.size())];
    if (at.number) {
      static constexpr const char* kNumbers[] = {
          "0",          "1",           "2",
          "3",          "4",           "7",
          "64",         "-1",          "-2",
          "1000",       "65537",       "1000000",
          "1e30",       "0.5",         "2147483647",
          "4294967296", "-2147483649", "9223372036854775807",
          "None",       "False",       "-9223372036854775808"};
      text.replace(at.begin, at.size, kNumbers[below(std::size(kNumbers))]);
    } else if (at.begin > 0 && text[at.begin - 1] == '.' && below(2) == 0) {
      text.replace(at.begin, at.size, names_[below(names_.size())]);
    } else {
      const Token& from = all[below(all.size())];
      const std::string word = text.substr(from.begin, from.size);
      text.replace(at.begin, at.size, word);
    }
  }

  void change_lines(std::string& text) {
    std::vector<std::string> lines(1);
    for (const char c : text) {
      if (c == '\n')
        lines.emplace_back();
      else
        lines.back() += c;
    }
    const size_t at = below(lines.size()), from = below(lines.size());
    const std::string line = lines[from];
    switch (below(4)) {
      case 0:
        lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(at));
        break;
      case 1:
        std::swap(lines[at], lines[from]);
        break;
      case 2:
        lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(at), line);
        break;
      default:
        lines[at] = (below(2) == 0 ? "  " : "") + line;
    }
    text.clear();
    for (size_t i = 0; i < lines.size(); ++i) text += (i > 0 ? "\n" : "") + lines[i];
  }

  std::vector<std::string> names_;
  std::minstd_rand random_;
};

}  // namespace tenon::fuzz
