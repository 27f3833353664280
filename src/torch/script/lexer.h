// Splits Python source into tokens, indentation included.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace tenon::torch::script {

struct Token {
  enum class Kind : uint8_t {
    name,
    integer,
    floating,
    string,
    fstring,
    op,
    newline,
    indent,
    dedent,
    end
  };
  Kind kind = Kind::end;
  uint32_t offset = 0;
  uint32_t end = 0;
  std::string_view text;   // as written
  std::string value = {};  // of a string, unescaped; of an f-string, raw
};

// Fails at a character or an indentation that Python would not take.
Result<std::vector<Token>> tokenize(std::string_view source);

// Line number, from 1, of a byte offset.
int line_of(std::string_view source, size_t offset);

}  // namespace tenon::torch::script
