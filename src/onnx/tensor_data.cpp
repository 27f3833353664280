#include "onnx/tensor_data.h"

#include <sys/mman.h>
#include <unistd.h>

#include <charconv>
#include <cstring>
#include <filesystem>
#include <protozero/iterators.hpp>
#include <protozero/pbf_reader.hpp>

namespace tenon::onnx {
namespace {

std::unexpected<Error> bad(const proto::Tensor& tensor, std::string why) {
  return fail({.kind = ErrorKind::bad_file,
               .what = fmt::format("tensor '{}' of the ONNX model cannot be read", tensor.name),
               .where = {.node = std::string(tensor.name)},
               .why = std::move(why),
               .hint = "the model file is damaged; write it again"});
}

size_t alignment(DType dtype) { return dtype == DType::c128 ? 8 : std::max(1, bits(dtype) / 8); }

// Appends the elements of a typed list to `out`; the list's type follows from the field.
template <class To>
void unpack(const proto::PackedChunk& chunk, std::vector<To>& out) {
  const protozero::data_view view{chunk.data.data(), chunk.data.size()};
  auto fixed = [&]<class From>(std::type_identity<From>) {
    if (!chunk.packed) {
      From v;
      std::memcpy(&v, &chunk.single, sizeof v);
      out.push_back(static_cast<To>(v));
      return;
    }
    for (size_t at = 0; at + sizeof(From) <= view.size(); at += sizeof(From)) {
      From v;
      std::memcpy(&v, view.data() + at, sizeof v);
      out.push_back(static_cast<To>(v));
    }
  };
  switch (chunk.field) {
    case 4:
      return fixed(std::type_identity<float>{});
    case 10:
      return fixed(std::type_identity<double>{});
    default:
      break;
  }
  if (!chunk.packed) {
    out.push_back(static_cast<To>(chunk.single));
    return;
  }
  const char* at = view.data();
  const char* const end = at + view.size();
  while (at < end) out.push_back(static_cast<To>(protozero::decode_varint(&at, end)));
}

// The list that holds elements of a type, by its field number in TensorProto.
int list_field(DType dtype) {
  switch (dtype) {
    case DType::f32:
    case DType::c64:
      return 4;
    case DType::f64:
    case DType::c128:
      return 10;
    case DType::i64:
      return 7;
    case DType::u32:
    case DType::u64:
      return 11;
    default:
      return 5;
  }
}

template <class T>
Result<Tensor> from_list(const proto::Tensor& from, DType dtype, Dims dims, int64_t elements) {
  std::vector<T> values;
  try {
    for (const auto& chunk : from.chunks) {
      if (chunk.field == list_field(dtype)) unpack(chunk, values);
    }
  } catch (const std::exception& e) {
    return bad(from, e.what());
  }
  if (static_cast<int64_t>(values.size()) != elements) {
    return bad(from,
               fmt::format("it holds {} elements, its shape has {}", values.size(), elements));
  }
  Tensor out = Tensor::zeros(dtype, std::move(dims));
  std::memcpy(out.mutable_bytes().data(), values.data(),
              std::min(out.nbytes(), values.size() * sizeof(T)));
  return out;
}

Result<Tensor> from_lists(const proto::Tensor& from, DType dtype, Dims dims) {
  const int64_t count = element_count(dims);
  switch (dtype) {
    case DType::f32:
      return from_list<float>(from, dtype, std::move(dims), count);
    case DType::c64:
      return from_list<float>(from, dtype, std::move(dims), 2 * count);
    case DType::f64:
      return from_list<double>(from, dtype, std::move(dims), count);
    case DType::c128:
      return from_list<double>(from, dtype, std::move(dims), 2 * count);
    case DType::i64:
    case DType::u64:
      return from_list<uint64_t>(from, dtype, std::move(dims), count);
    case DType::u32:
    case DType::i32:
      return from_list<uint32_t>(from, dtype, std::move(dims), count);
    case DType::f16:
    case DType::bf16:
    case DType::i16:
    case DType::u16:
      return from_list<uint16_t>(from, dtype, std::move(dims), count);
    default:  // bytes, and types of less than a byte, which are packed as in raw data
      return from_list<uint8_t>(from, dtype, dims, static_cast<int64_t>(byte_size(dtype, count)));
  }
}

void release_pages(const std::byte* from, size_t size) {
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = (reinterpret_cast<uintptr_t>(from) + page - 1) / page * page;
  const auto end = (reinterpret_cast<uintptr_t>(from) + size) / page * page;
  const size_t skipped = begin - reinterpret_cast<uintptr_t>(from);
  if (begin < end) ::madvise(const_cast<std::byte*>(from) + skipped, end - begin, MADV_DONTNEED);
}

std::optional<uint64_t> number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

Tensor TensorSource::share(DType dtype, Dims dims, std::shared_ptr<const std::byte> bytes,
                           bool mapped) const {
  if (reinterpret_cast<uintptr_t>(bytes.get()) % alignment(dtype) == 0)
    return Tensor(dtype, std::move(dims), std::move(bytes));
  Tensor out = Tensor::zeros(dtype, std::move(dims));
  constexpr size_t kStep = size_t{1} << 20;  // pages are let go of as the copy proceeds
  const size_t size = out.nbytes();
  for (size_t at = 0; at < size; at += kStep) {
    const size_t n = std::min(kStep, size - at);
    std::memcpy(out.mutable_bytes().data() + at, bytes.get() + at, n);
    if (mapped) release_pages(bytes.get() + at, n);
  }
  return out;
}

Result<const MappedFile*> TensorSource::file(std::string_view location) {
  namespace fs = std::filesystem;
  auto refused = [&](std::string why) {
    return fail({.kind = ErrorKind::bad_file,
                 .what = "the model's external data cannot be read",
                 .where = {.file = path_},
                 .why = fmt::format("location '{}' {}", location, why),
                 .hint = "external data must lie in the model's own folder"});
  };
  if (auto it = files_.find(location); it != files_.end()) return &it->second;
  if (path_.empty()) return refused("needs a file, but the model was read from memory");
  const fs::path relative(location);
  if (location.empty() || location.find('\0') != std::string_view::npos)
    return refused("is no name");
  if (relative.is_absolute()) return refused("is an absolute path");
  for (const fs::path& part : relative) {
    if (part == "..") return refused("leaves the model's folder");
  }
  // Links may lead elsewhere only together with the model: to the folder where its own link ends.
  std::error_code error;
  const fs::path model(path_);
  const fs::path wanted = fs::weakly_canonical(model.parent_path() / relative, error);
  const fs::path folder =
      fs::weakly_canonical(model.has_parent_path() ? model.parent_path() : fs::path("."), error);
  const fs::path linked = fs::weakly_canonical(model, error).parent_path();
  auto inside = [&](const fs::path& outer) {
    const auto [end, rest] =
        std::mismatch(outer.begin(), outer.end(), wanted.begin(), wanted.end());
    return end == outer.end();
  };
  if (!inside(folder) && !inside(linked)) return refused("leads out of the model's folder");
  MappedFile mapped = TRY(MappedFile::open(wanted.string()));
  return &files_.emplace(std::string(location), std::move(mapped)).first->second;
}

Result<Tensor> TensorSource::external(const proto::Tensor& from, DType dtype, Dims dims) {
  std::string_view location;
  uint64_t offset = 0;
  std::optional<uint64_t> length;
  for (const auto& [key, value] : from.external_data) {
    if (key == "location") location = value;
    if (key != "offset" && key != "length") continue;
    const auto n = number(value);
    if (!n) return bad(from, fmt::format("its {} is no number: '{}'", key, value));
    if (key == "offset")
      offset = *n;
    else
      length = n;
  }
  const MappedFile* file = TRY(this->file(location));
  const size_t size = byte_size(dtype, element_count(dims));
  if (length && *length != size)
    return bad(from, fmt::format("its external data is {} bytes long, not {}", *length, size));
  if (offset > file->bytes().size() || size > file->bytes().size() - offset)
    return bad(from, fmt::format("its external data ends past the end of '{}'", location));
  return share(dtype, std::move(dims), file->share(offset), true);
}

Result<Tensor> TensorSource::decode(const proto::Tensor& from) {
  if (from.dtype <= 0 || from.dtype > static_cast<int64_t>(DType::i2))
    return bad(from, fmt::format("its element type {} is not known", from.dtype));
  const auto dtype = static_cast<DType>(from.dtype);
  if (dtype == DType::string) {
    return fail({.kind = ErrorKind::unsupported,
                 .what = fmt::format("tensor '{}' holds strings", from.name),
                 .where = {.node = std::string(from.name)},
                 .why = "Tenon computes with numbers only",
                 .hint = "move the part that handles text out of the model"});
  }
  Dims dims(from.dims.begin(), from.dims.end());
  const int64_t count = element_count(dims);
  constexpr int64_t kMost = int64_t{1} << 46;
  if (count < 0 || count > kMost) return bad(from, "its shape is negative or too large");
  if (from.external) return external(from, dtype, std::move(dims));
  const size_t size = byte_size(dtype, count);
  if (!from.has_raw) return from_lists(from, dtype, std::move(dims));
  if (from.raw.size() != size)
    return bad(from, fmt::format("it holds {} bytes, its shape needs {}", from.raw.size(), size));
  if (size == 0) return Tensor::zeros(dtype, std::move(dims));
  const auto* data = reinterpret_cast<const std::byte*>(from.raw.data());
  return share(dtype, std::move(dims), {owner_, data}, mapped_);
}

}  // namespace tenon::onnx
