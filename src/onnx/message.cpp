#include "onnx/message.h"

#include <cstring>
#include <protozero/varint.hpp>

namespace tenon::onnx {
namespace {
constexpr size_t kInline = 4096;  // tensors up to this size are copied into the text
}

std::string& Message::tail() {
  if (pieces_.empty() || pieces_.back().tensor.has_data()) pieces_.emplace_back();
  return pieces_.back().text;
}

void Message::append(std::string_view value) {
  tail().append(value);
  size_ += value.size();
}

void Message::raw_varint(uint64_t value) {
  char buffer[protozero::max_varint_length];
  const int n = protozero::write_varint(buffer, value);
  append({buffer, static_cast<size_t>(n)});
}

void Message::varint(int field, uint64_t value) {
  key(field, 0);
  raw_varint(value);
}

void Message::float32(int field, float value) {
  key(field, 5);
  char buffer[sizeof value];
  std::memcpy(buffer, &value, sizeof value);
  append({buffer, sizeof buffer});
}

void Message::text(int field, std::string_view value) {
  key(field, 2);
  raw_varint(value.size());
  append(value);
}

void Message::bytes(int field, const Tensor& tensor) {
  const size_t size = tensor.nbytes();
  if (size <= kInline) {
    text(field, {reinterpret_cast<const char*>(tensor.data()), size});
    return;
  }
  key(field, 2);
  raw_varint(size);
  pieces_.push_back({{}, tensor});
  size_ += size;
}

void Message::message(int field, Message&& value) {
  key(field, 2);
  raw_varint(value.size_);
  size_ += value.size_;
  for (Piece& piece : value.pieces_) {
    if (piece.tensor.has_data())
      pieces_.push_back(std::move(piece));
    else
      tail() += piece.text;
  }
  value.pieces_.clear();
  value.size_ = 0;
}

Status Message::write(AtomicFile& file) const {
  for (const Piece& piece : pieces_) {
    if (piece.tensor.has_data())
      TRY(file.write(piece.tensor.bytes()));
    else
      TRY(file.write(piece.text));
  }
  return {};
}

std::string Message::str() const {
  std::string out;
  out.reserve(size_);
  for (const Piece& piece : pieces_) {
    if (piece.tensor.has_data())
      out.append(reinterpret_cast<const char*>(piece.tensor.data()), piece.tensor.nbytes());
    else
      out += piece.text;
  }
  return out;
}

}  // namespace tenon::onnx
