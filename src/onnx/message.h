// Building a ProtocolBuffers file whose large parts stay where they are.
//
// A Message is a rope: small bytes of its own and references to tensors. Its length is known
// without joining it, so that an enclosing message can say it before the bytes are streamed out.
#pragma once

#include <deque>
#include <string>
#include <string_view>

#include "base/mapped_file.h"
#include "tenon/tensor.h"

namespace tenon::onnx {

class Message {
 public:
  void varint(int field, uint64_t value);
  void integer(int field, int64_t value) { varint(field, static_cast<uint64_t>(value)); }
  void float32(int field, float value);
  void text(int field, std::string_view value);
  void bytes(int field, const Tensor& tensor);  // the tensor's bytes, by reference where large
  void message(int field, Message&& value);
  template <class Range>
  void packed(int field, const Range& values) {
    Message inner;
    for (const auto v : values) inner.raw_varint(static_cast<uint64_t>(v));
    message(field, std::move(inner));
  }

  size_t size() const { return size_; }
  Status write(AtomicFile& file) const;
  std::string str() const;

 private:
  struct Piece {
    std::string text;
    Tensor tensor;  // where it has data
  };
  std::string& tail();
  void key(int field, int wire_type) { raw_varint(static_cast<uint64_t>(field) << 3 | wire_type); }
  void raw_varint(uint64_t value);
  void append(std::string_view value);

  std::deque<Piece> pieces_;
  size_t size_ = 0;
};

}  // namespace tenon::onnx
