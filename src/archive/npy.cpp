#include "archive/npy.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <set>

#include "archive/stored_tensor.h"
#include "archive/zip.h"
#include "archive/zip_writer.h"
#include "base/mapped_file.h"

namespace tenon::archive {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kMagic = "\x93NUMPY"sv;

struct Type {
  std::string_view code;  // without the byte order
  DType dtype;
};
constexpr std::array<Type, 15> kTypes = {{{"b1", DType::boolean},
                                          {"i1", DType::i8},
                                          {"i2", DType::i16},
                                          {"i4", DType::i32},
                                          {"i8", DType::i64},
                                          {"u1", DType::u8},
                                          {"u2", DType::u16},
                                          {"u4", DType::u32},
                                          {"u8", DType::u64},
                                          {"f2", DType::f16},
                                          {"f4", DType::f32},
                                          {"f8", DType::f64},
                                          {"c8", DType::c64},
                                          {"c16", DType::c128},
                                          {"V2", DType::bf16}}};

struct Header {
  std::string descr;
  bool fortran = false;
  Dims shape;
};

// Reads the header, a Python literal: {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }.
class HeaderParser {
 public:
  explicit HeaderParser(std::string_view text) : text_(text) {}

  // Empty where the header could be read, otherwise what is wrong with it.
  std::string parse(Header& header) {
    if (!eat('{')) return "its header is no dictionary";
    int seen = 0;
    while (!eat('}')) {
      std::string key;
      if (!quoted(key) || !eat(':')) return "its header has no proper keys";
      bool good = false;
      if (key == "descr")
        good = descr(header.descr);
      else if (key == "fortran_order")
        good = boolean(header.fortran);
      else if (key == "shape")
        good = shape(header.shape);
      if (!good) return fmt::format("its header's {} cannot be read", key.substr(0, 40));
      ++seen;
      if (!eat(',') && peek() != '}') return "its header has no end";
    }
    return seen == 3 ? "" : "its header lacks descr, fortran_order or shape";
  }

 private:
  char peek() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool eat(char c) {
    if (peek() != c || c == '\0') return false;
    ++at_;
    return true;
  }
  bool quoted(std::string& out) {
    const char quote = peek();
    if (quote != '\'' && quote != '"') return false;
    const size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) return false;
    out = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return true;
  }
  // A structured type is a list; it is kept as text for the error.
  bool descr(std::string& out) {
    if (peek() != '[') return quoted(out);
    const size_t end = text_.find(']', at_);
    if (end == std::string_view::npos) return false;
    out = text_.substr(at_, end + 1 - at_);
    at_ = end + 1;
    return true;
  }
  bool boolean(bool& out) {
    peek();
    for (const auto& [word, value] : {std::pair{"True"sv, true}, std::pair{"False"sv, false}}) {
      if (!text_.substr(at_).starts_with(word)) continue;
      at_ += word.size();
      out = value;
      return true;
    }
    return false;
  }
  bool shape(Dims& out) {
    if (!eat('(')) return false;
    while (!eat(')')) {
      peek();
      int64_t dim = 0;
      const auto [end, error] =
          std::from_chars(text_.data() + at_, text_.data() + text_.size(), dim);
      if (error != std::errc() || dim < 0 || out.size() == 64) return false;
      at_ = static_cast<size_t>(end - text_.data());
      if (at_ < text_.size() && text_[at_] == 'L') ++at_;  // Python 2 wrote long integers so
      out.push_back(dim);
      if (!eat(',') && peek() != ')') return false;
    }
    return true;
  }

  std::string_view text_;
  size_t at_ = 0;
};

std::unexpected<Error> bad_array(const Where& where, std::string why) {
  return fail({.kind = ErrorKind::bad_file,
               .what = "cannot read the NumPy array",
               .where = where,
               .why = std::move(why),
               .hint = "write the file again with numpy.save or numpy.savez"});
}

// The bytes before the data, a multiple of 64 long.
Result<std::string> header_of(const Tensor& tensor, const Where& where) {
  const auto* type = std::ranges::find(kTypes, tensor.dtype(), &Type::dtype);
  if (type == kTypes.end()) {
    return fail({.kind = ErrorKind::unsupported,
                 .what = "cannot write the NumPy array",
                 .where = where,
                 .why = fmt::format("NumPy has no type for {}", name(tensor.dtype())),
                 .hint = "convert the value to another type, such as f32, in the model"});
  }
  const char order = bits(tensor.dtype()) == 8 ? '|' : '<';
  std::string shape;
  for (int64_t dim : tensor.shape()) shape += fmt::format("{}{}", shape.empty() ? "" : ", ", dim);
  if (tensor.shape().size() == 1) shape += ',';
  std::string text = fmt::format("{{'descr': '{}{}', 'fortran_order': False, 'shape': ({}), }}",
                                 order, type->code, shape);
  constexpr size_t kPrefix = 10;
  text.append(63 - (kPrefix + text.size()) % 64, ' ');
  text += '\n';
  std::string out(kMagic);
  out += {'\1', '\0', static_cast<char>(text.size() & 0xff), static_cast<char>(text.size() >> 8)};
  return out + text;
}

}  // namespace

Result<Tensor> parse_npy(const Blob& file, const Where& where) {
  const std::string_view text = file.text();
  if (text.size() < 10 || !text.starts_with(kMagic))
    return bad_array(where, "it does not start as a .npy file does");
  const auto byte = [&](size_t i) {
    return static_cast<size_t>(static_cast<unsigned char>(text[i]));
  };
  const size_t version = byte(6);
  if (version < 1 || version > 3)
    return bad_array(where, fmt::format("its format has the version {}", version));
  size_t start = 10, length = byte(8) | byte(9) << 8;
  if (version > 1) {
    if (text.size() < 12) return bad_array(where, "its header is cut short");
    start = 12;
    length |= byte(10) << 16 | byte(11) << 24;
  }
  if (length > text.size() - start) return bad_array(where, "its header is cut short");
  Header header;
  if (std::string why = HeaderParser(text.substr(start, length)).parse(header); !why.empty())
    return bad_array(where, std::move(why));

  const std::string_view descr = header.descr;
  const bool ordered = !descr.empty() && "<>|="sv.find(descr[0]) != std::string_view::npos;
  const auto* type = std::ranges::find(kTypes, ordered ? descr.substr(1) : descr, &Type::code);
  if (type == kTypes.end()) {
    const bool objects = descr.ends_with('O');
    return fail({.kind = ErrorKind::bad_file,
                 .what = "cannot read the NumPy array",
                 .where = where,
                 .why = objects ? "it holds pickled Python objects"
                                : fmt::format("its type is {}", descr.substr(0, 80)),
                 .hint = "save an array of numbers or bools, for example with .astype('float32')"});
  }
  const int64_t count = element_count(header.shape);
  const size_t width = static_cast<size_t>(bits(type->dtype)) / 8,
               available = text.size() - start - length;
  if (count < 0 || static_cast<uint64_t>(count) > available / width) {
    return bad_array(where,
                     fmt::format("its shape needs {} elements of {} bytes, and {} bytes are there",
                                 count < 0 ? "too many" : std::to_string(count), width, available));
  }
  StoredTensor stored{.storage = file.slice(start + length, static_cast<size_t>(count) * width),
                      .storage_count = count,
                      .dtype = type->dtype,
                      .sizes = header.shape,
                      .strides = Dims(header.shape.size()),
                      .big_endian = descr[0] == '>'};
  if (count == 0) return Tensor::zeros(type->dtype, header.shape);
  int64_t stride = 1;
  for (size_t i = 0; i < header.shape.size(); ++i) {
    const size_t dim = header.fortran ? i : header.shape.size() - 1 - i;
    stored.strides[dim] = stride;
    stride *= header.shape[dim];
  }
  return materialize(stored, where);
}

Result<Tensor> read_npy(const std::string& path) {
  const MappedFile file = TRY(MappedFile::open(path));
  return parse_npy({file.share(0), file.bytes().size()}, {.file = path});
}

Status write_npy(const std::string& path, const Tensor& tensor) {
  const std::string header = TRY(header_of(tensor, {.file = path}));
  AtomicFile file = TRY(AtomicFile::create(path));
  TRY(file.write(header));
  TRY(file.write(tensor.bytes()));
  return file.commit();
}

Result<std::vector<NamedTensor>> read_npz(const std::string& path) {
  const MappedFile file = TRY(MappedFile::open(path));
  return parse_npz({file.share(0), file.bytes().size()}, path);
}

Result<std::vector<NamedTensor>> parse_npz(const Blob& file, const std::string& path) {
  const ZipReader zip = TRY(ZipReader::open(file, path));
  std::vector<NamedTensor> out;
  for (const ZipEntry& entry : zip.entries()) {
    const Where where{.file = path, .node = entry.name};
    if (!entry.name.ends_with(".npy"))
      return bad_array(where, "an .npz archive holds .npy entries only");
    const Blob blob = TRY(zip.read(entry));
    out.push_back({entry.name.substr(0, entry.name.size() - 4), TRY(parse_npy(blob, where))});
  }
  return out;
}

Status write_npz(const std::string& path, std::span<const NamedTensor> tensors) {
  std::set<std::string_view> names;
  for (const NamedTensor& tensor : tensors) {
    if (!names.insert(tensor.name).second) {
      return fail({.kind = ErrorKind::usage,
                   .what = "cannot write the .npz archive",
                   .where = {.file = path, .node = tensor.name},
                   .why = "two arrays have this name",
                   .hint = "give every array its own name"});
    }
  }
  ZipWriter zip = TRY(ZipWriter::create(path));
  for (const NamedTensor& tensor : tensors) {
    const std::string header = TRY(header_of(tensor.tensor, {.file = path, .node = tensor.name}));
    const std::array<std::span<const std::byte>, 2> parts = {std::as_bytes(std::span(header)),
                                                             tensor.tensor.bytes()};
    TRY(zip.add_parts(tensor.name + ".npy", parts));
  }
  return zip.finish();
}

}  // namespace tenon::archive
